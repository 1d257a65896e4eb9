/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "host/radio_priv.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uhd/error.h>

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

static int check_twice(const size_t *channel, size_t n, const char *key, struct status *err)
{
    for (size_t a = 0; a < n; a++)
        for (size_t b = 0; b < a; b++)
            if (channel[a] == channel[b]) {
                err->code = ERR_ARG;
                snprintf(err->text, sizeof err->text,
                         "radio.%s lists channel %zu twice; name each once", key, channel[a]);
                return ERR_ARG;
            }
    return OK;
}

static int check_channels(const struct radio_cfg *cfg, struct status *err)
{
    if (cfg->n_tx > RADIO_CHANNELS_MAX || cfg->n_rx > RADIO_RX_MAX)
        return fail(err, ERR_ARG, "radio: at most 32 channels that send and 8 that receive");
    if (cfg->n_tx + cfg->n_rx == 0)
        return fail(err, ERR_ARG, "radio: no channel; list radio.rx_channels or radio.tx_channels");
    if (check_twice(cfg->rx_channels, cfg->n_rx, "rx_channels", err))
        return err->code;
    return check_twice(cfg->tx_channels, cfg->n_tx, "tx_channels", err);
}

/* Coherent antennas add in amplitude: the worst case is 20 lg n. */
int radio_check_power(const struct radio_cfg *cfg, struct status *err)
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
    if (cfg->trigger.enable && radio_trigger_check(&cfg->trigger, err))
        return err->code;
    return radio_check_power(cfg, err);
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

int radio_lose(struct radio *radio)
{
    if (!atomic_exchange(&radio->down, true))
        radio_count_add(radio, COUNT_LOSS, 1);
    return ERR_RADIO;
}

bool radio_is_down(const struct radio *radio)
{
    return atomic_load_explicit(&radio->down, memory_order_relaxed);
}

static int open_all(struct radio *radio, struct status *err)
{
    const struct radio_cfg *cfg = &radio->cfg;
    if (make_device(radio, cfg, err) || radio_sync_open(radio, cfg, err))
        return err->code;
    if (radio->n_rx && radio_rx_open(radio, cfg, err))
        return err->code;
    if (radio->n_tx && radio_tx_open(radio, cfg, err))
        return err->code;
    return cfg->trigger.enable ? radio_trigger_open(radio, cfg, err) : OK;
}

static void close_all(struct radio *radio)
{
    radio_rx_close(radio);
    radio_tx_close(radio);
    if (radio->usrp)
        uhd_usrp_free(&radio->usrp);
    radio->usrp = NULL;
    radio->trigger = false;
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
    pthread_mutex_init(&radio->tx_lock, NULL);
    radio->cfg = *cfg;
    radio->rate = (int64_t)cfg->rate_hz;
    radio->n_rx = cfg->n_rx;
    radio->n_tx = cfg->n_tx;
    for (size_t i = 0; i < TX_POOL; i++)
        radio->pool[i].tick = -1;
    for (size_t c = 0; c < cfg->n_rx; c++)
        if (!(radio->rxs.packet[c] = calloc(RX_PACKET_MAX, sizeof *radio->rxs.packet[c])))
            fail(err, ERR_NO_MEMORY, "radio: out of memory");
    if (err->code || open_all(radio, err))
        radio_close(&radio);
    return radio;
}

int radio_reopen(struct radio *radio, struct status *err)
{
    *err = (struct status){.code = OK};
    (void)radio_lose(radio);
    close_all(radio);
    if (open_all(radio, err)) {
        close_all(radio);
        radio->watch.searches++;
        return err->code;
    }
    atomic_store(&radio->down, false);
    radio_watch_resume(radio);
    atomic_fetch_add(&radio->tuning, 1);
    return radio_is_down(radio) ? fail(err, ERR_RADIO, "the radio went away again") : OK;
}

void radio_close(struct radio **radio)
{
    struct radio *r = *radio;
    if (!r)
        return;
    close_all(r);
    for (size_t c = 0; c < r->n_rx; c++)
        free(r->rxs.packet[c]);
    pthread_mutex_destroy(&r->usrp_lock);
    pthread_mutex_destroy(&r->tx_lock);
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
        .rx_restarts = c[COUNT_RX_RESTART],
        .tx_bursts = c[COUNT_TX_BURST],
        .tx_acks = c[COUNT_TX_ACK],
        .tx_lates = c[COUNT_TX_LATE],
        .tx_underflows = c[COUNT_TX_UNDERFLOW],
        .tx_sequence_errors = c[COUNT_TX_SEQUENCE],
        .tx_unacked = c[COUNT_TX_UNACKED],
        .trigger_pulses = c[COUNT_PULSE],
        .unlocked = c[COUNT_UNLOCKED],
        .pps_missing = c[COUNT_NO_PPS],
        .time_jumps = c[COUNT_TIME_JUMP],
        .losses = c[COUNT_LOSS],
        .resyncs = c[COUNT_RESYNC],
    };
}
