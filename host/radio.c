/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "host/radio.h"
#include "host/radio_priv.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <uhd/error.h>

#define LOCK_WAIT_S 2.0

static int fail(struct status *err, int code, const char *text)
{
    err->code = code;
    snprintf(err->text, sizeof err->text, "%s", text);
    return code;
}

/* UHD's texts are paragraphs; a status is one line. */
static void one_line(char *text)
{
    for (; *text; text++)
        if (*text == '\n' || *text == '\t')
            *text = ' ';
}

int radio_uhd_error(struct radio *radio, struct status *err, const char *what)
{
    char text[192] = "";
    pthread_mutex_lock(&radio->usrp_lock);
    if (!radio->usrp || uhd_usrp_last_error(radio->usrp, text, sizeof text) || !text[0] ||
        strcmp(text, "None") == 0)
        uhd_get_last_error(text, sizeof text);
    pthread_mutex_unlock(&radio->usrp_lock);
    one_line(text);
    err->code = ERR_RADIO;
    snprintf(err->text, sizeof err->text, "%.60s: %.180s", what, text);
    return ERR_RADIO;
}

bool radio_args_is_room(const char *args)
{
    const char *at = args ? strstr(args, "type=room") : NULL;
    return at && (at == args || at[-1] == ',') && (at[9] == '\0' || at[9] == ',');
}

static int check_channels(const struct radio_cfg *cfg, struct status *err)
{
    if (cfg->n_tx > RADIO_CHANNELS_MAX || cfg->n_rx > RADIO_CHANNELS_MAX)
        return fail(err, ERR_ARG, "radio: at most 8 channels in each direction");
    if (cfg->n_tx + cfg->n_rx == 0)
        return fail(err, ERR_ARG, "radio: no channel; list radio.rx_channels or radio.tx_channels");
    return OK;
}

/* Coherent antennas add in amplitude: the worst case is 20 lg n. */
static int check_power(const struct radio_cfg *cfg, struct status *err)
{
    if (cfg->n_tx == 0)
        return OK;
    if (!cfg->tx_enable && !radio_args_is_room(cfg->args))
        return fail(err, ERR_STATE,
                    "radio.tx_enable is not set: a real device transmits only with "
                    "'tx_enable: yes' and a 'max_eirp_dbm' you are allowed to radiate");
    double rms_db = cfg->tx_rms > 0 ? 20 * log10(cfg->tx_rms) : 0;
    double eirp = cfg->full_scale_dbm + cfg->tx_gain_db + rms_db + cfg->antenna_gain_dbi +
                  20 * log10((double)cfg->n_tx);
    if (eirp <= cfg->max_eirp_dbm + 1e-6)
        return OK;
    err->code = ERR_ARG;
    snprintf(err->text, sizeof err->text,
             "radio: EIRP would be %.1f dBm, over max_eirp_dbm %.1f: lower radio.tx_gain_db by "
             "%.1f dB",
             eirp, cfg->max_eirp_dbm, ceil(10 * (eirp - cfg->max_eirp_dbm)) / 10);
    return ERR_ARG;
}

int radio_check(const struct radio_cfg *cfg, struct status *err)
{
    if (cfg->rate_hz <= 0 || cfg->rate_hz != floor(cfg->rate_hz))
        return fail(err, ERR_ARG, "radio.rate_hz must be a whole number of samples per second");
    if (check_channels(cfg, err))
        return err->code;
    return check_power(cfg, err);
}

static int make_device(struct radio *radio, const struct radio_cfg *cfg, struct status *err)
{
    const char *args = cfg->args ? cfg->args : "";
    if (!uhd_usrp_make(&radio->usrp, args))
        return OK;
    radio->usrp = NULL;
    radio_uhd_error(radio, err, "cannot open the radio");
    if (!strstr(err->text, "No devices found"))
        return err->code;
    err->code = ERR_NOT_FOUND;
    snprintf(err->text, sizeof err->text, "no radio answers to args '%.120s': %s", args,
             radio_args_is_room(args)
                 ? "start mirador-room with that name, and set UHD_MODULE_PATH to the folder of "
                   "mirador_room_uhd.so"
                 : "check power, cable and 'uhd_find_devices'");
    return err->code;
}

static bool has_sensor(struct radio *radio, const char *name)
{
    uhd_string_vector_handle names;
    if (uhd_string_vector_make(&names))
        return false;
    size_t n = 0;
    bool found = false;
    if (!uhd_usrp_get_mboard_sensor_names(radio->usrp, 0, &names))
        uhd_string_vector_size(names, &n);
    for (size_t i = 0; i < n && !found; i++) {
        char text[64] = "";
        found = !uhd_string_vector_at(names, i, text, sizeof text) && strcmp(text, name) == 0;
    }
    uhd_string_vector_free(&names);
    return found;
}

bool radio_locked(struct radio *radio)
{
    if (!radio->has_lock_sensor)
        return true;
    bool locked = false;
    uhd_sensor_value_handle value = NULL;
    pthread_mutex_lock(&radio->usrp_lock);
    if (!uhd_sensor_value_make(&value) &&
        !uhd_usrp_get_mboard_sensor(radio->usrp, "ref_locked", 0, &value))
        uhd_sensor_value_to_bool(value, &locked);
    pthread_mutex_unlock(&radio->usrp_lock);
    if (value)
        uhd_sensor_value_free(&value);
    if (!locked)
        radio_count_add(radio, COUNT_UNLOCKED, 1);
    return locked;
}

static int wait_for_lock(struct radio *radio, const struct radio_cfg *cfg, struct status *err)
{
    const struct timespec nap = {.tv_nsec = 50000000};
    for (double t = 0; t < LOCK_WAIT_S; t += 0.05) {
        if (radio_locked(radio))
            return OK;
        nanosleep(&nap, NULL);
    }
    if (cfg->force_unlocked)
        return OK;
    return fail(err, ERR_STATE,
                "radio: the reference clock does not lock (sensor ref_locked): check the 10 MHz "
                "input, or set radio.force_unlocked: yes");
}

/* A named time source means PPS: all channels then count from the same edge. */
static int set_time(struct radio *radio, const struct radio_cfg *cfg, struct status *err)
{
    if (!cfg->time_source || !cfg->time_source[0] || strcmp(cfg->time_source, "internal") == 0)
        return OK;
    if (uhd_usrp_set_time_source(radio->usrp, cfg->time_source, 0))
        return radio_uhd_error(radio, err, "radio.time_source");
    if (!uhd_usrp_set_time_unknown_pps(radio->usrp, 0, 0.0) || cfg->force_unlocked)
        return OK;
    return fail(err, ERR_STATE,
                "radio: no PPS on the configured time source: check the input, or set "
                "radio.force_unlocked: yes");
}

static int set_clock(struct radio *radio, const struct radio_cfg *cfg, struct status *err)
{
    radio->has_lock_sensor = has_sensor(radio, "ref_locked");
    if (cfg->clock_source && cfg->clock_source[0]) {
        if (uhd_usrp_set_clock_source(radio->usrp, cfg->clock_source, 0))
            return radio_uhd_error(radio, err, "radio.clock_source");
        if (wait_for_lock(radio, cfg, err))
            return err->code;
    }
    return set_time(radio, cfg, err);
}

int radio_now(struct radio *radio, int64_t *tick)
{
    int64_t full = 0;
    double frac = 0;
    pthread_mutex_lock(&radio->usrp_lock);
    uhd_error e = uhd_usrp_get_time_now(radio->usrp, 0, &full, &frac);
    pthread_mutex_unlock(&radio->usrp_lock);
    *tick = tick_of_time(radio, full, frac);
    return e ? ERR_RADIO : OK;
}

static int open_all(struct radio *radio, const struct radio_cfg *cfg, struct status *err)
{
    if (make_device(radio, cfg, err) || set_clock(radio, cfg, err))
        return err->code;
    if (radio->n_rx && radio_rx_open(radio, cfg, err))
        return err->code;
    if (radio->n_tx && radio_tx_open(radio, cfg, err))
        return err->code;
    return cfg->trigger.enable ? radio_trigger_open(radio, cfg, err) : OK;
}

struct radio *radio_open(const struct radio_cfg *cfg, struct status *err)
{
    *err = (struct status){.code = OK};
    if (radio_check(cfg, err))
        return NULL;
    struct radio *radio = calloc(1, sizeof *radio);
    if (!radio) {
        fail(err, ERR_NO_MEMORY, "radio: out of memory");
        return NULL;
    }
    pthread_mutex_init(&radio->usrp_lock, NULL);
    radio->rate = (int64_t)cfg->rate_hz;
    radio->n_rx = cfg->n_rx;
    radio->n_tx = cfg->n_tx;
    for (size_t i = 0; i < TX_POOL; i++)
        radio->pool[i].tick = -1;
    if (open_all(radio, cfg, err))
        radio_close(&radio);
    return radio;
}

void radio_close(struct radio **radio)
{
    struct radio *r = *radio;
    if (!r)
        return;
    radio_rx_close(r);
    radio_tx_close(r);
    if (r->usrp)
        uhd_usrp_free(&r->usrp);
    pthread_mutex_destroy(&r->usrp_lock);
    free(r);
    *radio = NULL;
}

void radio_counters(const struct radio *radio, struct radio_counters *out)
{
    uint64_t c[N_COUNTS];
    for (size_t i = 0; i < N_COUNTS; i++)
        c[i] = atomic_load_explicit(&radio->counts[i], memory_order_relaxed);
    *out = (struct radio_counters){
        .rx_overflows = c[COUNT_RX_OVERFLOW],
        .rx_sequence_errors = c[COUNT_RX_SEQUENCE],
        .rx_late_commands = c[COUNT_RX_LATE],
        .rx_timeouts = c[COUNT_RX_TIMEOUT],
        .rx_bad_packets = c[COUNT_RX_BAD],
        .rx_gaps = c[COUNT_RX_GAP],
        .rx_gap_samps = c[COUNT_RX_GAP_SAMPS],
        .tx_bursts = c[COUNT_TX_BURST],
        .tx_acks = c[COUNT_TX_ACK],
        .tx_lates = c[COUNT_TX_LATE],
        .tx_underflows = c[COUNT_TX_UNDERFLOW],
        .tx_sequence_errors = c[COUNT_TX_SEQUENCE],
        .trigger_pulses = c[COUNT_PULSE],
        .unlocked = c[COUNT_UNLOCKED],
    };
}

static int tune(struct radio *radio, const struct radio_side *side,
                const struct radio_channel *want)
{
    uhd_tune_request_t request = {
        .target_freq = want->carrier_hz,
        .rf_freq_policy = UHD_TUNE_REQUEST_POLICY_AUTO,
        .dsp_freq_policy = UHD_TUNE_REQUEST_POLICY_AUTO,
    };
    uhd_tune_result_t result;
    if (side->set_rate(radio->usrp, want->rate_hz, want->index) ||
        side->set_freq(radio->usrp, &request, want->index, &result) ||
        side->set_gain(radio->usrp, want->gain_db, want->index, ""))
        return ERR_RADIO;
    if (want->antenna && want->antenna[0] &&
        side->set_antenna(radio->usrp, want->antenna, want->index))
        return ERR_RADIO;
    return OK;
}

int radio_channel_setup(struct radio *radio, const struct radio_side *side,
                        const struct radio_channel *want, struct status *err)
{
    double rate = 0, gain = 0;
    if (tune(radio, side, want))
        return radio_uhd_error(radio, err, side->failure);
    side->get_rate(radio->usrp, want->index, &rate);
    side->get_gain(radio->usrp, want->index, "", &gain);
    if (fabs(rate - want->rate_hz) <= 1 && fabs(gain - want->gain_db) <= 1)
        return OK;
    err->code = ERR_ARG;
    snprintf(err->text, sizeof err->text,
             "radio: %s channel %zu offers %.0f samples/s and %.1f dB for rate_hz %.0f and "
             "%s %.1f: choose values the device has",
             side->name, want->index, rate, gain, want->rate_hz, side->gain_key, want->gain_db);
    return err->code;
}
