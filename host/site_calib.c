/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "host/site_calib.h"
#include "base/log.h"
#include "calib/array.h"
#include "frames/ris_profile.h"
#include <assert.h>
#include <inttypes.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { CYCLES_MIN = 4, CYCLES_MAX = 1000 };
#define NAP_S         0.2
#define TEMPERATURE_S 10.0
#define PATIENCE_S    60.0 /* without a usable cycle, wall time */
#define MATCH_MIN     0.98 /* of every observation with the channels found */
#define SPREAD_MAX_M  0.01 /* standard error of the mean delay */
#define CABLE_MAX_M   300.0

_Static_assert((int)SITE_STREAMS <= (int)CALIB_STREAMS, "a record holds a whole background");

struct site_calib {
    struct pipeline *pipeline;
    struct site_observer *observer;
    size_t n_ant, n_carrier;
    double background_max_age_s;
    char board[BS_RIS][CALIB_KEY_NAME];
    struct calib_key key;
    double (*temperature)(void *context);
    void *context;
    struct calib_store *store; /* the background thread's, once it runs */

    pthread_mutex_t lock; /* of what follows, and held for moments only: the publisher asks too */
    char *summary;        /* of the store */
    bool storing;         /* the store is being written, without the lock */
    bool reload;          /* the conditions are others than those of what is in use */
    unsigned generation;  /* of the request */
    struct site_state state;
    struct site_health health;
    double measured_unix_s[CALIB_KINDS], measured_c[CALIB_KINDS];

    struct {
        atomic_bool full; /* the DSP thread fills, the background thread empties */
        cplxf own[STREAM_MAX_ANT];
        size_t n;
        double match;
    } transmit;

    /* of the running calibration, the background thread's */
    cplxf y[CYCLES_MAX * STREAM_MAX_ANT];
    double latency_s[CYCLES_MAX], seen_s;
    double heard_s, temperature_due_s;
    bool cable_known[CALIB_KINDS];
    double cable_latency_s, cable_spread_m;
    cplx cable[STREAM_MAX_ANT];
};

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

static double seconds(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
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

/* --- what was stored ------------------------------------------------------------------------ */

/* The common conditions, and for a background the profiles that it was taken with. */
static struct calib_key key_of(const struct site_calib *s, const struct site_stream *stream,
                               size_t n)
{
    struct calib_key key = s->key;
    for (size_t board = 0; board < BS_RIS; board++) {
        uint64_t hash = RIS_HASH_START;
        for (size_t i = 0; i < n; i++)
            if (stream[i].name == STREAM_RIS1 + board)
                hash = ris_hash_update(hash, &stream[i].config, sizeof stream[i].config);
        calib_key_add(&key, s->board[board], "%016" PRIx64, hash);
    }
    return key;
}

static void note_use(struct site_calib *s, const struct calib_record *r)
{
    s->health.of[r->kind].stored = true;
    s->health.of[r->kind].refused[0] = '\0';
    s->measured_unix_s[r->kind] = r->time_unix_s;
    s->measured_c[r->kind] = r->temperature_c;
}

static void note_refusal(struct site_calib *s, enum calib_kind kind, const char *why)
{
    s->health.of[kind].stored = false;
    snprintf(s->health.of[kind].refused, sizeof s->health.of[kind].refused, "%.150s", why);
    log_warn("%s: calibrate again with 'mirador calib %s'", why, calib_kind_name(kind));
}

/* True if there is one for these conditions. */
static bool look_up(struct site_calib *s, enum calib_kind kind, const struct calib_key *key,
                    struct calib_record *r)
{
    struct status err = {0};
    int rc = calib_store_find(s->store, kind, key, r, &err);
    if (rc == OK && kind != CALIB_DELAY && r->n_ant != s->n_ant)
        rc = status_set(&err, ERR_FORMAT, "stored %s calibration refused: it has %zu channels",
                        calib_kind_name(kind), r->n_ant);
    if (rc != OK && rc != ERR_NOT_FOUND)
        note_refusal(s, kind, err.text);
    if (rc != OK)
        calib_record_clear(r);
    return rc == OK;
}

static void load_radio(struct site_calib *s, struct site_update *u)
{
    struct calib_record r;
    memset(u, 0, sizeof *u);
    for (size_t a = 0; a < STREAM_MAX_ANT; a++)
        u->correction[a] = 1;
    if (look_up(s, CALIB_DELAY, &s->key, &r)) {
        u->set_zero = true;
        u->zero = r.zero;
        note_use(s, &r);
        log_info("stored delay in use: %.4f us, by %s", 1e6 * r.zero.latency_s, r.from);
        calib_record_clear(&r);
    }
    if (look_up(s, CALIB_CHANNELS, &s->key, &r)) {
        u->set_correction = true;
        memcpy(u->correction, r.correction, s->n_ant * sizeof *u->correction);
        note_use(s, &r);
        log_info("stored channels in use, by %s", r.from);
        calib_record_clear(&r);
    }
}

/* What a stored background is refused for though its key fits; NULL: nothing. */
static const char *misfit(const struct site_calib *s, const struct calib_record *r,
                          const struct site_update *u)
{
    if (r->n_carrier != s->n_carrier)
        return "stored background calibration refused: it has another number of carriers";
    if (seconds(CLOCK_REALTIME) - r->time_unix_s > s->background_max_age_s)
        return "stored background calibration refused: it is older than background.max_age_s";
    if (u->set_zero && r->zero.latency_s != u->zero.latency_s)
        return "stored background calibration refused: the delay was calibrated after it";
    if (memcmp(r->correction, u->correction, s->n_ant * sizeof *r->correction) != 0)
        return "stored background calibration refused: the channels were calibrated after it";
    return NULL;
}

static void load_background(struct site_calib *s, struct site_update *u)
{
    struct site_stream stream[SITE_STREAMS];
    struct calib_record r;
    size_t n = pipeline_site_streams(s->pipeline, stream);
    struct calib_key key = key_of(s, stream, n);
    if (!look_up(s, CALIB_BACKGROUND, &key, &r))
        return;
    const char *why = misfit(s, &r, u);
    if (why) {
        note_refusal(s, CALIB_BACKGROUND, why);
        calib_record_clear(&r);
        return;
    }
    if (!u->set_zero) { /* the zero that it was taken with, if the leak is still there */
        u->set_zero = true;
        u->zero = r.zero;
        pipeline_site_start(s->pipeline, u);
    }
    double age_s = fmax(seconds(CLOCK_REALTIME) - r.time_unix_s, 0);
    int rc = r.n_streams == n ? OK : ERR_STATE;
    for (size_t i = 0; i < n && rc == OK; i++)
        rc = pipeline_site_import(s->pipeline, &(struct site_stream){r.stream[i], r.config[i]},
                                  r.room[i]);
    if (rc == OK) {
        pipeline_site_captured(s->pipeline, age_s);
        note_use(s, &r);
        log_info("stored background in use, %.0f s old", age_s);
    } else {
        note_refusal(s, CALIB_BACKGROUND,
                     "stored background calibration refused: its streams are "
                     "not those of the profiles in use");
    }
    calib_record_clear(&r);
}

void site_calib_load(struct site_calib *s)
{
    struct site_update u;
    pthread_mutex_lock(&s->lock);
    load_radio(s, &u);
    if (u.set_zero || u.set_correction)
        pipeline_site_start(s->pipeline, &u);
    load_background(s, &u);
    pthread_mutex_unlock(&s->lock);
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
                             .time_unix_s = seconds(CLOCK_REALTIME),
                             .temperature_c = s->health.temperature_c,
                             .n_ant = s->n_ant,
                             .cycles = s->state.done};
    snprintf(r.from, sizeof r.from, "%s", site_source_name(s->state.request.from));
    return r;
}

/* Writes the file, for which the lock is let go. */
static int store(struct site_calib *s, const struct calib_record *r, struct status *err)
{
    s->storing = true;
    pthread_mutex_unlock(&s->lock);
    int rc = calib_store_put(s->store, r, err);
    char *summary = calib_store_summary(s->store);
    pthread_mutex_lock(&s->lock);
    s->storing = false;
    free(s->summary);
    s->summary = summary;
    return rc;
}

/* Into the store first: what could not be kept is not used either. */
static void finish(struct site_calib *s, const struct calib_record *r, struct site_update *u)
{
    struct status err = {0};
    if (store(s, r, &err)) {
        fail(s, err.code, err.text);
        return;
    }
    if (pipeline_site_update(s->pipeline, u)) {
        fail(s, ERR_BUSY,
             "kept, but the base station stands still: it will be used from its next "
             "start");
        return;
    }
    note_use(s, r);
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
    r.key = key_of(s, c->stream, c->n_stream);
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
    if (store(s, &r, &err)) {
        if (asked)
            fail(s, err.code, err.text);
        else
            log_error("empty room captured, but not kept: %s", err.text);
        return;
    }
    note_use(s, &r);
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
    s->heard_s = seconds(CLOCK_MONOTONIC);
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
    if (s->state.phase == SITE_RUNNING && seconds(CLOCK_MONOTONIC) - s->heard_s > PATIENCE_S)
        fail(s, ERR_TIMEOUT,
             s->state.request.from == SITE_USER
                 ? "no answer from the user for a minute: is he there, and does he permit it?"
                 : "no usable cycle for a minute: look at 'faults' in 'mirador status'");
}

/* What is stored for the new conditions. A background of before, still on its way, is not of them.
 */
static void reload(struct site_calib *s)
{
    struct site_update u;
    if (pipeline_site_capture(s->pipeline))
        pipeline_site_capture_done(s->pipeline);
    load_radio(s, &u);
    s->reload = (u.set_zero || u.set_correction) && pipeline_site_update(s->pipeline, &u) != OK;
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
    if (store(s, &r, &err) == OK)
        note_use(s, &r);
    else
        log_warn("transmit channels are not kept: %s", err.text);
}

static void read_temperature(struct site_calib *s)
{
    double now = seconds(CLOCK_MONOTONIC);
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
            reload(s);
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
    if (r->cycles < CYCLES_MIN || r->cycles > CYCLES_MAX)
        return status_set(err, ERR_ARG, "\"cycles\" must be a whole number from %d to %d",
                          CYCLES_MIN, CYCLES_MAX);
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
    s->heard_s = seconds(CLOCK_MONOTONIC);
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
        out->of[i].age_s = fmax(seconds(CLOCK_REALTIME) - s->measured_unix_s[i], 0);
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
