/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Reference clock and PPS: at the start, while it runs, and after they were away. The start blocks
 * (UHD's set_time_unknown_pps, up to 2 s); a resynchronisation never does: it waits for an edge,
 * gives the next one its time, and waits until that edge has passed, a look per cycle. */
#include "base/log.h"
#include "host/radio_priv.h"
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define LOCK_WAIT_S 2.0
#define PPS_LATE_S  1.25 /* since the last edge */
#define EDGE_AGE_S  0.5  /* an edge seen later than this leaves too little time before the next */

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

static bool is_set(const char *source)
{
    return source && source[0] && strcmp(source, "internal") != 0;
}

bool radio_sync_has_pps(const struct radio *radio)
{
    return is_set(radio->cfg.time_source) && radio->watch.sync == SYNC_HELD;
}

static int wait_for_lock(struct radio *radio, struct status *err)
{
    const struct timespec nap = {.tv_nsec = 50000000};
    for (double t = 0; t < LOCK_WAIT_S; t += 0.05) {
        if (radio_locked(radio))
            return OK;
        nanosleep(&nap, NULL);
    }
    return status_set(err, ERR_STATE,
                      "radio: the reference clock does not lock (sensor ref_locked): check the "
                      "10 MHz input, or start with --force-unsynchronised");
}

/* All channels then count from the same edge. */
static int set_time(struct radio *radio, struct status *err)
{
    if (uhd_usrp_set_time_source(radio->usrp, radio->cfg.time_source, 0))
        return radio_uhd_error(radio, err, "radio.time_source");
    if (!uhd_usrp_set_time_unknown_pps(radio->usrp, 0, 0.0))
        return OK;
    return status_set(err, ERR_STATE,
                      "radio: no PPS on time source '%s': check the input, or start with "
                      "--force-unsynchronised",
                      radio->cfg.time_source);
}

int radio_sync_open(struct radio *radio, const struct radio_cfg *cfg, struct status *err)
{
    int rc = OK;
    radio->has_lock_sensor = has_sensor(radio, "ref_locked");
    radio->watch.sync = SYNC_HELD;
    radio->watch.pps_tick = INT64_MIN;
    if (cfg->clock_source && cfg->clock_source[0] &&
        uhd_usrp_set_clock_source(radio->usrp, cfg->clock_source, 0))
        return radio_uhd_error(radio, err, "radio.clock_source");
    if (is_set(cfg->clock_source))
        rc = wait_for_lock(radio, err);
    if (rc == OK && is_set(cfg->time_source))
        rc = set_time(radio, err);
    if (rc != ERR_STATE || !cfg->force_unlocked)
        return rc;
    log_warn("%s: started nevertheless, every position is marked unsynchronised", err->text);
    radio->watch.sync = SYNC_LOST;
    *err = (struct status){.code = OK};
    return OK;
}

/* Whole seconds of the last edge, and whether it is recent. */
static bool pps_alive(struct radio *radio, int64_t now, bool *fresh)
{
    struct watch_state *w = &radio->watch;
    int64_t full = 0;
    double frac = 0;
    pthread_mutex_lock(&radio->usrp_lock);
    uhd_error e = uhd_usrp_get_time_last_pps(radio->usrp, 0, &full, &frac);
    pthread_mutex_unlock(&radio->usrp_lock);
    int64_t second = full + llround(frac);
    *fresh = w->pps_tick != INT64_MIN && second != w->pps_s && !e;
    if (w->pps_tick == INT64_MIN || *fresh) {
        w->pps_s = second;
        w->pps_tick = now;
    }
    return !e && (double)(now - w->pps_tick) <= PPS_LATE_S * (double)radio->rate;
}

/* New streamers: old ones do not survive a set time (UHD issue 593). */
static void renew_streams(struct radio *radio)
{
    if ((radio->n_rx && radio_rx_stream(radio)) || (radio->n_tx && radio_tx_stream(radio)))
        (void)radio_lose(radio);
}

/* The edge after the one just seen gets the next whole second: device time goes on. */
static void set_next_edge(struct radio *radio)
{
    struct watch_state *w = &radio->watch;
    w->set_s = w->pps_s + 1;
    pthread_mutex_lock(&radio->usrp_lock);
    uhd_error e = uhd_usrp_set_time_next_pps(radio->usrp, w->set_s, 0.0, 0);
    pthread_mutex_unlock(&radio->usrp_lock);
    w->sync = e ? SYNC_WAIT_EDGE : SYNC_WAIT_SET;
}

static void resynchronise(struct radio *radio, int64_t now, bool fresh)
{
    struct watch_state *w = &radio->watch;
    if (w->sync == SYNC_LOST)
        w->sync = is_set(radio->cfg.time_source) ? SYNC_WAIT_EDGE : SYNC_WAIT_SET;
    if (w->sync == SYNC_WAIT_EDGE) {
        if (fresh && (double)(now - w->pps_tick) < EDGE_AGE_S * (double)radio->rate)
            set_next_edge(radio);
        return;
    }
    if (is_set(radio->cfg.time_source)) {
        if (w->pps_s < w->set_s)
            return;
        renew_streams(radio);
    }
    w->sync = SYNC_HELD;
    radio_count_add(radio, COUNT_RESYNC, 1);
    log_info("the radio is synchronised again");
}

uint32_t radio_sync_watch(struct radio *radio, int64_t now)
{
    struct watch_state *w = &radio->watch;
    bool fresh = false, good = true;
    if (is_set(radio->cfg.clock_source))
        good = radio_locked(radio);
    if (is_set(radio->cfg.time_source) && !pps_alive(radio, now, &fresh)) {
        radio_count_add(radio, COUNT_NO_PPS, 1);
        good = false;
    }
    if (!good && w->sync != SYNC_LOST) {
        if (w->sync == SYNC_HELD)
            log_warn("the radio has lost its reference or PPS: no positions until it is back");
        w->sync = SYNC_LOST;
    } else if (good && w->sync != SYNC_HELD) {
        resynchronise(radio, now, fresh);
    }
    return w->sync == SYNC_HELD ? 0 : FAULT_UNSYNCHRONISED;
}
