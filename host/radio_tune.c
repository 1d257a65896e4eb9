/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "host/radio_tune.h"
#include <math.h>
#include <stdio.h>

const struct radio_side radio_side_rx = {
    .name = "RX",
    .gain_key = "rx_gain_db",
    .failure = "cannot set up the receiver",
    .set_rate = uhd_usrp_set_rx_rate,
    .set_freq = uhd_usrp_set_rx_freq,
    .set_gain = uhd_usrp_set_rx_gain,
    .set_antenna = uhd_usrp_set_rx_antenna,
    .get_rate = uhd_usrp_get_rx_rate,
    .get_freq = uhd_usrp_get_rx_freq,
    .get_gain = uhd_usrp_get_rx_gain,
};
const struct radio_side radio_side_tx = {
    .name = "TX",
    .gain_key = "tx_gain_db",
    .failure = "cannot set up the transmitter",
    .set_rate = uhd_usrp_set_tx_rate,
    .set_freq = uhd_usrp_set_tx_freq,
    .set_gain = uhd_usrp_set_tx_gain,
    .set_antenna = uhd_usrp_set_tx_antenna,
    .get_rate = uhd_usrp_get_tx_rate,
    .get_freq = uhd_usrp_get_tx_freq,
    .get_gain = uhd_usrp_get_tx_gain,
};

struct wanted { /* of one direction */
    const struct radio_side *side;
    const size_t *channels;
    size_t n;
    double gain_db;
    const char *antenna;
};

static struct wanted wanted(const struct radio_side *side, const struct radio_cfg *cfg)
{
    const bool rx = side == &radio_side_rx;
    return (struct wanted){side, rx ? cfg->rx_channels : cfg->tx_channels,
                           rx ? cfg->n_rx : cfg->n_tx, rx ? cfg->rx_gain_db : cfg->tx_gain_db,
                           rx ? cfg->rx_antenna : cfg->tx_antenna};
}

static int set_freq(struct radio *radio, const struct radio_side *side, double carrier_hz,
                    size_t channel)
{
    uhd_tune_request_t request = {
        .target_freq = carrier_hz,
        .rf_freq_policy = UHD_TUNE_REQUEST_POLICY_AUTO,
        .dsp_freq_policy = UHD_TUNE_REQUEST_POLICY_AUTO,
    };
    uhd_tune_result_t result;
    return side->set_freq(radio->usrp, &request, channel, &result) ? ERR_RADIO : OK;
}

static int set_channel(struct radio *radio, const struct wanted *w, const struct radio_cfg *cfg,
                       size_t channel)
{
    if (w->side->set_rate(radio->usrp, cfg->rate_hz, channel) ||
        set_freq(radio, w->side, cfg->carrier_hz, channel) ||
        w->side->set_gain(radio->usrp, w->gain_db, channel, ""))
        return ERR_RADIO;
    if (w->antenna && w->antenna[0] && w->side->set_antenna(radio->usrp, w->antenna, channel))
        return ERR_RADIO;
    return OK;
}

int radio_side_setup(struct radio *radio, const struct radio_side *side,
                     const struct radio_cfg *cfg, struct status *err)
{
    const struct wanted w = wanted(side, cfg);
    for (size_t i = 0; i < w.n; i++) {
        double rate = 0, gain = 0;
        if (set_channel(radio, &w, cfg, w.channels[i]))
            return radio_uhd_error(radio, err, side->failure);
        side->get_rate(radio->usrp, w.channels[i], &rate);
        side->get_gain(radio->usrp, w.channels[i], "", &gain);
        if (fabs(rate - cfg->rate_hz) <= 1 && fabs(gain - w.gain_db) <= 1)
            continue;
        err->code = ERR_ARG;
        snprintf(err->text, sizeof err->text,
                 "radio: %s channel %zu offers %.0f samples/s and %.1f dB for rate_hz %.0f and "
                 "%s %.1f: choose values the device has",
                 side->name, w.channels[i], rate, gain, cfg->rate_hz, side->gain_key, w.gain_db);
        return err->code;
    }
    return OK;
}

/* Commands between begin and end take effect at `tick`. The lock is held in between. */
static int begin_at(struct radio *radio, int64_t tick)
{
    int64_t full;
    double frac;
    time_of_tick(radio, tick, &full, &frac);
    pthread_mutex_lock(&radio->usrp_lock);
    return uhd_usrp_set_command_time(radio->usrp, full, frac, 0) ? ERR_RADIO : OK;
}

static int end_at(struct radio *radio, int rc)
{
    uhd_error e = uhd_usrp_clear_command_time(radio->usrp, 0);
    pthread_mutex_unlock(&radio->usrp_lock);
    atomic_fetch_add(&radio->tuning, 1);
    return rc || e ? ERR_RADIO : OK;
}

/* A device that cannot do what was asked takes the nearest it can. NaN: not looked at. */
static int read_back(struct radio *radio, const struct wanted *w, double carrier_hz, double gain_db)
{
    int rc = OK;
    pthread_mutex_lock(&radio->usrp_lock);
    for (size_t i = 0; i < w->n; i++) {
        double hz = 0, db = 0;
        w->side->get_freq(radio->usrp, w->channels[i], &hz);
        w->side->get_gain(radio->usrp, w->channels[i], "", &db);
        if (fabs(hz - carrier_hz) > 1e3 || fabs(db - gain_db) > 1)
            rc = ERR_ARG;
    }
    pthread_mutex_unlock(&radio->usrp_lock);
    return rc;
}

int radio_retune(struct radio *radio, int64_t tick, double carrier_hz)
{
    const struct wanted w[] = {wanted(&radio_side_rx, &radio->cfg),
                               wanted(&radio_side_tx, &radio->cfg)};
    if (radio_is_down(radio))
        return ERR_RADIO;
    int rc = begin_at(radio, tick);
    for (size_t d = 0; d < 2; d++)
        for (size_t i = 0; rc == OK && i < w[d].n; i++)
            rc = set_freq(radio, w[d].side, carrier_hz, w[d].channels[i]);
    rc = end_at(radio, rc);
    for (size_t d = 0; d < 2 && rc == OK; d++)
        rc = read_back(radio, &w[d], carrier_hz, NAN);
    if (rc == OK)
        radio->cfg.carrier_hz = carrier_hz;
    return rc;
}

int radio_gain(struct radio *radio, int64_t tick, bool transmit, double gain_db)
{
    struct radio_cfg cfg = radio->cfg;
    struct status why;
    *(transmit ? &cfg.tx_gain_db : &cfg.rx_gain_db) = gain_db;
    if (radio_is_down(radio))
        return ERR_RADIO;
    if (radio_check_power(&cfg, &why))
        return ERR_ARG;
    const struct wanted w = wanted(transmit ? &radio_side_tx : &radio_side_rx, &cfg);
    int rc = begin_at(radio, tick);
    for (size_t i = 0; rc == OK && i < w.n; i++)
        rc = w.side->set_gain(radio->usrp, gain_db, w.channels[i], "") ? ERR_RADIO : OK;
    rc = end_at(radio, rc);
    if (rc == OK)
        rc = read_back(radio, &w, NAN, gain_db);
    if (rc == OK)
        radio->cfg = cfg;
    return rc;
}

#define GAIN_MIN_DB    (-30.0) /* of the configuration's keys too */
#define GAIN_MAX_DB    120.0
#define CARRIER_FACTOR 0.005 /* surfaces and steering vectors are designed for the carrier */

static int refuse(struct status *err, int code, const char *why)
{
    err->code = code;
    snprintf(err->text, sizeof err->text, "%s", why);
    return code;
}

int radio_check_setting(const struct radio_cfg *cfg, const struct radio_setting *want,
                        struct status *err)
{
    struct radio_cfg then = *cfg;
    const double gain[] = {want->tx_gain_db, want->rx_gain_db}, slack = CARRIER_FACTOR;
    for (size_t i = 0; i < 2; i++)
        if (!(gain[i] >= GAIN_MIN_DB && gain[i] <= GAIN_MAX_DB))
            return refuse(err, ERR_ARG, "a gain must be a number from -30 to 120 dB");
    if (!(fabs(want->carrier_hz - cfg->carrier_hz) <= slack * cfg->carrier_hz)) {
        err->code = ERR_ARG;
        snprintf(
            err->text, sizeof err->text,
            "the carrier must be within %.6g and %.6g Hz, 0.5 %% of radio.carrier_hz, which the "
            "surfaces' profiles are designed for: change the configuration and start anew",
            (1 - slack) * cfg->carrier_hz, (1 + slack) * cfg->carrier_hz);
        return ERR_ARG;
    }
    then.tx_gain_db = want->tx_gain_db;
    then.rx_gain_db = want->rx_gain_db;
    return radio_check_power(&then, err);
}

static struct radio_setting present(const struct radio *radio)
{
    return (struct radio_setting){radio->cfg.carrier_hz, radio->cfg.tx_gain_db,
                                  radio->cfg.rx_gain_db};
}

static int change(struct radio *radio, int64_t tick, const struct radio_setting *want)
{
    const struct radio_setting is = present(radio);
    int rc = OK;
    if (want->carrier_hz != is.carrier_hz)
        rc = radio_retune(radio, tick, want->carrier_hz);
    if (rc == OK && want->tx_gain_db != is.tx_gain_db)
        rc = radio_gain(radio, tick, true, want->tx_gain_db);
    if (rc == OK && want->rx_gain_db != is.rx_gain_db)
        rc = radio_gain(radio, tick, false, want->rx_gain_db);
    return rc;
}

/* A device that refused a value has taken one near it: everything is written again. */
static int restore(struct radio *radio, int64_t tick, const struct radio_setting *was)
{
    int carrier = radio_retune(radio, tick, was->carrier_hz);
    int tx = radio->n_tx ? radio_gain(radio, tick, true, was->tx_gain_db) : OK;
    int rx = radio->n_rx ? radio_gain(radio, tick, false, was->rx_gain_db) : OK;
    return carrier ? carrier : tx ? tx : rx;
}

int radio_set(struct radio *radio, int64_t tick, const struct radio_setting *want,
              struct radio_setting *in_force, struct status *err)
{
    const struct radio_setting was = present(radio);
    *in_force = was;
    if (radio_is_down(radio))
        return refuse(err, ERR_STATE, "the radio is down");
    int rc = change(radio, tick, want);
    *in_force = present(radio);
    if (rc == OK)
        return OK;
    if (restore(radio, tick, &was))
        return refuse(err, ERR_RADIO, "the radio took neither the new values nor the old ones");
    *in_force = was;
    return refuse(err, rc,
                  rc == ERR_ARG ? "the device does not offer these values; the old ones hold"
                                : "the device failed to take them; the old ones hold");
}

uint32_t radio_tuning(const struct radio *radio)
{
    return atomic_load(&radio->tuning);
}
