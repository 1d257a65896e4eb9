/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/log.h"
#include "calib/array.h"
#include "host/clock.h"
#include "host/site_stored.h"
#include <assert.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CYCLES_MIN = 4 };
#define NAP_S         0.2
#define TEMPERATURE_S 10.0
#define PATIENCE_S    60.0 /* without a usable cycle, wall time */
#define MATCH_MIN     0.98 /* of every observation with the channels found */
#define SPREAD_MAX_M  0.01 /* standard error of the mean delay */
#define CABLE_MAX_M   300.0

const char *site_source_name(enum site_source from)
{
    static const char *const names[SITE_SOURCES] = {"leak", "cable", "antennas", "user"};
    return from < SITE_SOURCES ? names[from] : "unknown";
}

const char *site_phase_name(enum site_phase phase)
{
    static const char *const names[SITE_PHASES] = {"idle", "running", "waiting", "done", "failed"};
    return phase < SITE_PHASES ? names[phase] : "unknown";
}

struct site_calib *site_calib_create(const struct site_calib_cfg *cfg, struct status *err)
{
    struct site_calib *s = calloc(1, sizeof *s);
    struct status damage = {0};
    if (!s) {
        status_set(err, ERR_NO_MEMORY, "site calibration: out of memory");
        return NULL;
    }
    pthread_mutex_init(&s->lock, NULL);
    s->pipeline = cfg->pipeline;
    s->n_ant = cfg->bs->radio.n_rx;
    s->n_carrier = bs_config_waveform(cfg->bs).k;
    s->background_max_age_s = cfg->bs->background.max_age_s;
    s->key = *cfg->key;
    s->temperature = cfg->temperature;
    s->context = cfg->context;
    s->health.temperature_c = NAN;
    for (size_t i = 0; i < BS_RIS; i++)
        snprintf(s->board[i], sizeof s->board[i], "profiles of %.20s", cfg->bs->ris.boards[i].name);
    s->observer = site_observer_create(cfg->bs, err);
    s->store = s->observer ? calib_store_open(cfg->path, &damage) : NULL;
    if (!s->store) {
        site_calib_destroy(&s);
        return NULL;
    }
    s->summary = calib_store_summary(s->store);
    s->health.damaged = damage.code != OK;
    if (damage.code)
        log_error("%s", damage.text);
    return s;
}

void site_calib_destroy(struct site_calib **site)
{
    if (!*site)
        return;
    site_observer_destroy(&(*site)->observer);
    calib_store_close(&(*site)->store);
    free((*site)->summary);
    pthread_mutex_destroy(&(*site)->lock);
    free(*site);
    *site = NULL;
}

/* --- results -------------------------------------------------------------------------------- */

static void fail(struct site_calib *s, int code, const char *why)
{
    pipeline_site_want(s->pipeline, false);
    s->state.phase = SITE_FAILED;
    status_set(&s->state.err, code, "%s", why);
    log_warn("calibration of %s: %s", calib_kind_name(s->state.request.kind), why);
}

static struct calib_record new_record(const struct site_calib *s, enum calib_kind kind)
{
    struct calib_record r = {.kind = kind,
                             .key = s->key,
                             .time_unix_s = clock_unix_s(),
                             .temperature_c = s->health.temperature_c,
                             .n_ant = s->n_ant,
                             .cycles = s->state.done};
    snprintf(r.from, sizeof r.from, "%s", site_source_name(s->state.request.from));
    return r;
}

/* Into the store first: what could not be kept is not used either. */
static void finish(struct site_calib *s, const struct calib_record *r, struct site_update *u)
{
    struct status err = {0};
    if (site_stored_put(s, r, &err)) {
        fail(s, err.code, err.text);
        return;
    }
    if (pipeline_site_update(s->pipeline, u)) {
        fail(s, ERR_BUSY,
             "kept, but the base station stands still: it will be used from its next "
             "start");
        return;
    }
    site_stored_in_use(s, r);
    s->state.record = *r;
    s->state.phase = SITE_DONE;
    s->health.of[CALIB_BACKGROUND].stored = false;
    log_info("%s calibrated by %s", calib_kind_name(r->kind), r->from);
}

static double mean_latency(const struct site_calib *s, double *spread_m)
{
    double n = s->state.done, sum = 0, square = 0;
    for (unsigned i = 0; i < s->state.done; i++)
        sum += s->latency_s[i];
    for (unsigned i = 0; i < s->state.done; i++)
        square += pow(s->latency_s[i] - sum / n, 2);
    *spread_m = SPEED_OF_LIGHT * sqrt(square / (n - 1) / n);
    return sum / n;
}

static void finish_delay(struct site_calib *s)
{
    struct calib_record r = new_record(s, CALIB_DELAY);
    struct site_update u = {.set_zero = true};
    double latency_s = mean_latency(s, &r.spread_m);
    if (r.spread_m > SPREAD_MAX_M) {
        fail(s, ERR_STATE, "the leak wanders by centimetres: something moves near the antennas");
        return;
    }
    if (s->state.request.from == SITE_CABLE) {
        s->cable_latency_s = latency_s;
        s->cable_spread_m = r.spread_m;
        s->cable_known[CALIB_DELAY] = true;
        s->state.phase = SITE_WAITING;
        return;
    }
    r.zero.seen_s = s->seen_s / s->state.done;
    r.zero.latency_s = latency_s;
    if (s->state.request.from == SITE_ANTENNAS) {
        snprintf(r.from, sizeof r.from, "cable");
        r.zero.latency_s = s->cable_latency_s;
        r.spread_m = s->cable_spread_m;
        s->state.antennas_m = (latency_s - s->cable_latency_s) * SPEED_OF_LIGHT;
    }
    u.zero = r.zero;
    finish(s, &r, &u);
}

static void finish_channels(struct site_calib *s)
{
    struct calib_record r = new_record(s, CALIB_CHANNELS);
    struct site_update u = {.set_correction = true};
    struct array_calib c;
    if (array_calib_estimate(s->y, NULL, s->state.done, s->n_ant, &c) || c.match < MATCH_MIN) {
        fail(s, ERR_STATE,
             "the channels show no common picture over the cycles: one is not connected, or the "
             "source moves");
        return;
    }
    if (s->state.request.from == SITE_CABLE) {
        memcpy(s->cable, c.channel, sizeof s->cable);
        s->cable_known[CALIB_CHANNELS] = true;
        s->state.phase = SITE_WAITING;
        return;
    }
    if (s->state.request.from == SITE_ANTENNAS)
        snprintf(r.from, sizeof r.from, "cable");
    r.match = c.match;
    for (size_t a = 0; a < s->n_ant; a++) {
        r.correction[a] = (cplxf)(1 / c.channel[a]);
        r.sigma_rad = fmax(r.sigma_rad, c.sigma_rad[a]);
    }
    memcpy(u.correction, r.correction, sizeof u.correction);
    finish(s, &r, &u);
}

/* --- the empty room -------------------------------------------------------------------------- */

static void keep_background(struct site_calib *s, const struct site_capture *c)
{
    struct calib_record r = new_record(s, CALIB_BACKGROUND);
    snprintf(r.from, sizeof r.from, "empty room");
    r.key = site_stored_key(s, c->stream, c->n_stream);
    r.cycles = c->cycles;
    r.zero = c->zero;
    memcpy(r.correction, c->correction, sizeof r.correction);
    r.n_carrier = s->n_carrier;
    for (; r.n_streams < c->n_stream; r.n_streams++) {
        r.stream[r.n_streams] = c->stream[r.n_streams].name;
        r.config[r.n_streams] = c->stream[r.n_streams].config;
        r.room[r.n_streams] = c->room[r.n_streams]; /* borrowed until capture_done */
    }
    bool asked = s->state.phase == SITE_RUNNING && s->state.request.kind == CALIB_BACKGROUND;
    struct status err = {0};
    if (site_stored_put(s, &r, &err)) {
        if (asked)
            fail(s, err.code, err.text);
        else
            log_error("empty room captured, but not kept: %s", err.text);
        return;
    }
    site_stored_in_use(s, &r);
    log_info("empty room captured");
    if (!asked)
        return;
    memset(r.room, 0, sizeof r.room);
    s->state.record = r;
    s->state.done = c->cycles;
    s->state.phase = SITE_DONE;
}

static void take_capture(struct site_calib *s)
{
    const struct site_capture *c = pipeline_site_capture(s->pipeline);
    if (!c)
        return;
    if (c->good)
        keep_background(s, c);
    else if (s->state.phase == SITE_RUNNING && s->state.request.kind == CALIB_BACKGROUND)
        fail(s, ERR_BUSY, c->why);
    else
        log_warn("empty-room capture refused: %s", c->why);
    pipeline_site_capture_done(s->pipeline);
}

/* --- the background thread -------------------------------------------------------------------- */

static void take_sample(struct site_calib *s, const struct site_sample *sample)
{
    unsigned n = s->state.done, generation = s->generation;
    const struct site_request r = s->state.request;
    if (s->state.phase != SITE_RUNNING || r.kind == CALIB_BACKGROUND)
        return;
    if (r.from == SITE_USER && r.user >= 0 && r.user != sample->user_id)
        return;
    pthread_mutex_unlock(&s->lock);
    int rc = site_observe(s->observer, sample, &r, s->cable, &s->latency_s[n], &s->y[n * s->n_ant]);
    pthread_mutex_lock(&s->lock);
    if (rc || s->state.phase != SITE_RUNNING || s->generation != generation)
        return;
    s->seen_s += sample->seen_s;
    s->heard_s = clock_s();
    s->state.done++;
    if (s->state.done < r.cycles)
        return;
    pipeline_site_want(s->pipeline, false);
    if (r.kind == CALIB_DELAY)
        finish_delay(s);
    else
        finish_channels(s);
}

static void watch_patience(struct site_calib *s)
{
    if (s->state.phase == SITE_RUNNING && clock_s() - s->heard_s > PATIENCE_S)
        fail(s, ERR_TIMEOUT,
             s->state.request.from == SITE_USER
                 ? "no answer from the user for a minute: is he there, and does he permit it?"
                 : "no usable cycle for a minute: look at 'faults' in 'mirador status'");
}

/* --- transmit channels ------------------------------------------------------------------------ */

void site_calib_transmit(struct site_calib *s, const cplxf *own, size_t n_tx, double match)
{
    if (atomic_load(&s->transmit.full))
        return;
    s->transmit.n = n_tx < STREAM_MAX_ANT ? n_tx : STREAM_MAX_ANT;
    memcpy(s->transmit.own, own, s->transmit.n * sizeof *own);
    s->transmit.match = match;
    atomic_store(&s->transmit.full, true);
}

/* How far they are from what was stored: of a radio whose oscillators keep their phases, a drift.
 */
static void tell_drift(const struct calib_record *was, const struct calib_record *now)
{
    double turn = 0, gain_db = 0;
    for (size_t i = 1; i < now->n_ant && i < was->n_ant; i++) {
        const cplxf ratio = now->correction[i] / was->correction[i];
        turn = fmax(turn, fabs((double)cargf(ratio)));
        gain_db = fmax(gain_db, fabs(20 * log10((double)cabsf(ratio))));
    }
    log_info("transmit channels sounded: up to %.3f rad and %.2f dB from those on record", turn,
             gain_db);
}

static void keep_transmit(struct site_calib *s)
{
    struct status err = {0};
    struct calib_record was, r = new_record(s, CALIB_TRANSMIT);
    if (!atomic_load(&s->transmit.full))
        return;
    snprintf(r.from, sizeof r.from, "leak");
    r.cycles = 1;
    r.n_ant = s->transmit.n;
    r.match = s->transmit.match;
    memcpy(r.correction, s->transmit.own, r.n_ant * sizeof *r.correction);
    atomic_store(&s->transmit.full, false);
    if (calib_store_find(s->store, CALIB_TRANSMIT, &r.key, &was, &err) == OK)
        tell_drift(&was, &r);
    calib_record_clear(&was);
    if (site_stored_put(s, &r, &err) == OK)
        site_stored_in_use(s, &r);
    else
        log_warn("transmit channels are not kept: %s", err.text);
}

static void read_temperature(struct site_calib *s)
{
    double now = clock_s();
    if (!s->temperature || now < s->temperature_due_s)
        return;
    double celsius = s->temperature(s->context);
    s->temperature_due_s = now + TEMPERATURE_S;
    pthread_mutex_lock(&s->lock);
    s->health.temperature_c = celsius;
    pthread_mutex_unlock(&s->lock);
}

void site_calib_run(struct site_calib *s, const atomic_bool *stop)
{
    while (!atomic_load(stop)) {
        read_temperature(s);
        pipeline_site_wait(s->pipeline, NAP_S);
        pthread_mutex_lock(&s->lock);
        if (s->reload)
            site_stored_reload(s);
        keep_transmit(s);
        take_capture(s);
        const struct site_sample *sample = pipeline_site_sample(s->pipeline);
        if (sample) {
            take_sample(s, sample);
            pipeline_site_drop(s->pipeline);
        }
        watch_patience(s);
        pthread_mutex_unlock(&s->lock);
    }
}

/* --- requests --------------------------------------------------------------------------------- */

static int check_request(const struct site_calib *s, const struct site_request *r,
                         struct status *err)
{
    if (r->cycles < CYCLES_MIN || r->cycles > SITE_CYCLES_MAX)
        return status_set(err, ERR_ARG, "\"cycles\" must be a whole number from %d to %d",
                          CYCLES_MIN, SITE_CYCLES_MAX);
    if (r->kind == CALIB_CHANNELS && s->n_ant < 2)
        return status_set(err, ERR_ARG, "one channel has nothing to be compared with");
    if (r->kind == CALIB_DELAY && r->from == SITE_USER)
        return status_set(err, ERR_ARG,
                          "a user's clock is not ours: delay comes \"from\" leak or cable");
    if (r->from == SITE_CABLE && r->kind == CALIB_DELAY &&
        !(r->cable_m > 0 && r->cable_m < CABLE_MAX_M))
        return status_set(err, ERR_ARG, "\"cable_m\" must be over 0 and under %.0f", CABLE_MAX_M);
    if (r->from == SITE_USER &&
        !(isfinite(r->position.x) && isfinite(r->position.y) && isfinite(r->position.z)))
        return status_set(err, ERR_ARG, "\"position_m\" must be three numbers");
    if (r->from == SITE_ANTENNAS && !s->cable_known[r->kind])
        return status_set(err, ERR_STATE, "no cable was measured before the antennas");
    return OK;
}

static void begin(struct site_calib *s, const struct site_request *r)
{
    s->generation++;
    s->state = (struct site_state){.phase = SITE_RUNNING, .request = *r};
    s->seen_s = 0;
    s->heard_s = clock_s();
    if (r->from != SITE_ANTENNAS)
        s->cable_known[r->kind] = false;
    if (r->kind == CALIB_BACKGROUND)
        pipeline_background(s->pipeline, r->cycles);
    else
        pipeline_site_want(s->pipeline, true);
}

int site_calib_request(struct site_calib *s, const struct site_request *request, struct status *err)
{
    pthread_mutex_lock(&s->lock);
    int rc = check_request(s, request, err);
    if (rc == OK && (s->state.phase == SITE_RUNNING || s->storing))
        rc = status_set(err, ERR_BUSY, "a calibration of %s is running",
                        calib_kind_name(s->state.request.kind));
    if (rc == OK)
        begin(s, request);
    pthread_mutex_unlock(&s->lock);
    return rc;
}

void site_calib_abort(struct site_calib *s)
{
    pthread_mutex_lock(&s->lock);
    if (!s->storing && (s->state.phase == SITE_RUNNING || s->state.phase == SITE_WAITING))
        fail(s, ERR_INTERRUPTED, "given up on request");
    pthread_mutex_unlock(&s->lock);
}

void site_calib_radio(struct site_calib *s, const struct radio_setting *setting)
{
    pthread_mutex_lock(&s->lock);
    calib_key_set(&s->key, "carrier_hz", "%.17g", setting->carrier_hz);
    calib_key_set(&s->key, "tx_gain_db", "%.17g", setting->tx_gain_db);
    calib_key_set(&s->key, "rx_gain_db", "%.17g", setting->rx_gain_db);
    for (size_t i = 0; i < CALIB_KINDS; i++) {
        s->health.of[i].stored = false;
        s->cable_known[i] = false;
    }
    if (!s->storing && (s->state.phase == SITE_RUNNING || s->state.phase == SITE_WAITING))
        fail(s, ERR_INTERRUPTED, "gain or frequency were changed meanwhile");
    s->reload = true;
    pthread_mutex_unlock(&s->lock);
}

void site_calib_state(struct site_calib *s, struct site_state *out)
{
    pthread_mutex_lock(&s->lock);
    *out = s->state;
    pthread_mutex_unlock(&s->lock);
}

void site_calib_health(struct site_calib *s, struct site_health *out)
{
    pthread_mutex_lock(&s->lock);
    *out = s->health;
    for (size_t i = 0; i < CALIB_KINDS; i++) {
        if (!out->of[i].stored)
            continue;
        out->of[i].age_s = fmax(clock_unix_s() - s->measured_unix_s[i], 0);
        out->of[i].temperature_step_c = out->temperature_c - s->measured_c[i];
    }
    pthread_mutex_unlock(&s->lock);
}

char *site_calib_list(struct site_calib *s)
{
    pthread_mutex_lock(&s->lock);
    char *text = s->summary ? strdup(s->summary) : NULL;
    pthread_mutex_unlock(&s->lock);
    return text;
}
