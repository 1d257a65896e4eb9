/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Hand-over to and from the calibration of the site, and the watch over what was calibrated: the
 * leak's place, the age of the empty room and how far the room has drifted from it. */
#include "host/pipeline_site.h"
#include "dsp/array.h"
#include "dsp/fft.h"
#include "dsp/wall_direction.h"
#include "host/pipeline_priv.h"
#include <math.h>
#include <string.h>
#include <time.h>

enum { LOOK_EVERY = 5, PERSISTENT_LOOKS = 5 }; /* cycles; looks in a row before it counts */
#define DRIFTED           10.0  /* over the noise: the room creeps away from its background */
#define CHANGED           100.0 /* somebody is there, or something was moved: no drift does that */
#define TRY_AGAIN_S       30.0
#define CHANNEL_PHASE_RAD 0.1 /* of an antenna, rms: what is left of its channel's phase */
#define WALLS_PHASE_RAD   0.2 /* what walls add to it where none are known */

/* --- memory ------------------------------------------------------------------------------- */

static bool make_rows(cplxf **row, size_t n, size_t len)
{
    for (size_t i = 0; i < n; i++)
        if (!(row[i] = fft_alloc(len * sizeof(cplxf))))
            return false;
    return true;
}

bool pipeline_site_create(struct pipeline *p)
{
    struct site *s = &p->site;
    size_t len = p->cfg.radio.n_rx * p->wave.k;
    bool ok =
        sem_init(&s->news, 0, 0) == 0 && make_rows(s->capture.room, 1 + BS_RIS * p->n_profile, len);
    for (size_t i = 0; i < SITE_SAMPLES && ok; i++)
        ok = make_rows(&s->sample[i].own, 1, len) && make_rows(&s->sample[i].answer, 1, len);
    for (size_t a = 0; a < STREAM_MAX_ANT; a++)
        s->correction[a] = 1;
    return ok;
}

void pipeline_site_destroy(struct pipeline *p)
{
    for (size_t i = 0; i < SITE_SAMPLES; i++) {
        fft_free(p->site.sample[i].own);
        fft_free(p->site.sample[i].answer);
    }
    for (size_t i = 0; i < SITE_STREAMS; i++)
        fft_free(p->site.capture.room[i]);
    sem_destroy(&p->site.news);
}

/* --- background thread --------------------------------------------------------------------- */

void pipeline_site_want(struct pipeline *p, bool samples)
{
    atomic_store(&p->site.wanted, samples);
}

void pipeline_site_wait(struct pipeline *p, double timeout_s)
{
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    int64_t ns = until.tv_nsec + (int64_t)(timeout_s * 1e9);
    until.tv_sec += ns / 1000000000;
    until.tv_nsec = ns % 1000000000;
    sem_timedwait(&p->site.news, &until);
}

const struct site_sample *pipeline_site_sample(struct pipeline *p)
{
    struct site *s = &p->site;
    unsigned taken = atomic_load(&s->taken);
    return atomic_load(&s->given) == taken ? NULL : &s->sample[taken % SITE_SAMPLES];
}

void pipeline_site_drop(struct pipeline *p)
{
    atomic_fetch_add(&p->site.taken, 1);
}

const struct site_capture *pipeline_site_capture(struct pipeline *p)
{
    return atomic_load(&p->site.capture_full) ? &p->site.capture : NULL;
}

void pipeline_site_capture_done(struct pipeline *p)
{
    atomic_store(&p->site.capture_full, false);
}

int pipeline_site_update(struct pipeline *p, const struct site_update *update)
{
    if (atomic_load(&p->site.update_full))
        return ERR_BUSY;
    p->site.update = *update;
    atomic_store(&p->site.update_full, true);
    return OK;
}

/* --- application --------------------------------------------------------------------------- */

static void apply(struct pipeline *p, const struct site_update *u)
{
    struct site *s = &p->site;
    if (u->set_zero) {
        stream_lock(p->streams, &u->zero);
        s->zero_stored = true;
        s->zero_confirmed = s->zero_refused = false;
    }
    if (u->set_correction) {
        memcpy(s->correction, u->correction, sizeof s->correction);
        stream_correct(p->streams, s->correction);
    }
    pipeline_site_void(p);
}

void pipeline_site_void(struct pipeline *p)
{
    background_clear(p->background);
    p->capture.captured = false;
    atomic_store(&p->capture.running, false);
    p->site.looks = 0;
}

void pipeline_site_take_update(struct pipeline *p)
{
    p->taken.updated = atomic_load(&p->site.update_full);
    if (!p->taken.updated)
        return;
    p->taken.update = p->site.update;
    apply(p, &p->site.update);
    atomic_store(&p->site.update_full, false);
}

void pipeline_site_start(struct pipeline *p, const struct site_update *update)
{
    apply(p, update);
}

size_t pipeline_site_streams(const struct pipeline *p, struct site_stream out[SITE_STREAMS])
{
    size_t n = 0;
    out[n++] = (struct site_stream){STREAM_STATIC, 0};
    for (size_t i = 0; i < BS_RIS; i++)
        for (size_t k = 0; k < p->n_profile; k++)
            out[n++] = (struct site_stream){STREAM_RIS1 + i, p->hash[i][k]};
    return n;
}

int pipeline_site_import(struct pipeline *p, const struct site_stream *stream, const cplxf *room)
{
    struct site_stream used[SITE_STREAMS];
    size_t n = pipeline_site_streams(p, used);
    for (size_t i = 0; i < n; i++)
        if (used[i].name == stream->name && used[i].config == stream->config)
            return background_import(p->background, stream->name, stream->config, room);
    return ERR_STATE;
}

void pipeline_site_captured(struct pipeline *p, double age_s)
{
    p->capture.captured = true;
    p->site.age_at_start_s = age_s;
    p->site.aged = false;
    atomic_store(&p->capture.request, -1);
}

/* --- in the cycle -------------------------------------------------------------------------- */

bool pipeline_site_check_leak(struct pipeline *p, const struct stream_ref *ref,
                              struct cycle_report *r)
{
    struct site *s = &p->site;
    struct stream_lock lock;
    if (!stream_locked(p->streams, &lock))
        return true;
    memcpy(s->tap, ref->tap, sizeof s->tap);
    r->site.delay_drift_m = (ref->seen_s - lock.seen_s) * SPEED_OF_LIGHT;
    r->site.latency_s = lock.latency_s;
    if (!s->zero_stored || s->zero_confirmed)
        return true;
    s->zero_confirmed = fabs(r->site.delay_drift_m) <= p->cfg.calib.max_delay_drift_m;
    if (s->zero_confirmed)
        return true;
    s->zero_stored = false;
    s->zero_refused = true;
    stream_reset(p->streams);
    pipeline_site_void(p);
    return false;
}

void pipeline_site_retuned(struct pipeline *p)
{
    p->site.zero_confirmed = false;
    if (!p->site.zero_stored)
        stream_reset(p->streams);
}

void pipeline_site_conditions(struct pipeline *p)
{
    struct site *s = &p->site;
    for (size_t a = 0; a < STREAM_MAX_ANT; a++)
        s->correction[a] = 1;
    stream_correct(p->streams, s->correction);
    s->zero_stored = s->zero_confirmed = s->zero_refused = false;
    stream_reset(p->streams);
    pipeline_site_void(p);
}

void pipeline_site_leak_moved(struct pipeline *p)
{
    p->site.zero_refused |= p->site.zero_stored;
    p->site.zero_stored = false;
    stream_reset(p->streams);
    pipeline_site_void(p);
}

void pipeline_site_keep(struct pipeline *p, const struct stream_ref *ref,
                        const struct cycle_report *r)
{
    struct site *s = &p->site;
    unsigned given = atomic_load(&s->given);
    s->keeping = NULL;
    if (!atomic_load(&s->wanted) || given - atomic_load(&s->taken) == SITE_SAMPLES)
        return;
    s->keeping = &s->sample[given % SITE_SAMPLES];
    s->keeping->cycle = r->plan.cycle;
    s->keeping->user_id = r->user_id;
    s->keeping->answered = false;
    s->keeping->seen_s = ref->seen_s;
    (void)stream_locked(p->streams, &s->keeping->zero);
    memcpy(s->keeping->tap, ref->tap, sizeof s->keeping->tap);
    memcpy(s->keeping->correction, s->correction, sizeof s->correction);
    memcpy(s->keeping->own, p->w, p->cfg.radio.n_rx * p->wave.k * sizeof(cplxf));
}

void pipeline_site_keep_answer(struct pipeline *p, const struct toa *direct)
{
    struct site *s = &p->site;
    memcpy(s->direct, direct->amp, sizeof s->direct);
    s->direct_valid = true;
    if (!s->keeping)
        return;
    memcpy(s->keeping->answer, p->v, p->cfg.radio.n_rx * p->wave.k * sizeof(cplxf));
    s->keeping->answered = true;
}

static double wavelength_of(const struct pipeline *p)
{
    return SPEED_OF_LIGHT / p->cfg.radio.carrier_hz;
}

/* Antennas of the user's direct signal, channels taken off: measured y, and a as it would come from
 * u. False: it was not heard, or there is one antenna. */
static bool own_antennas(const struct pipeline *p, struct vec3 u, cplxf a[STREAM_MAX_ANT],
                         cplxf y[STREAM_MAX_ANT])
{
    const struct site *s = &p->site;
    const size_t n = p->cfg.radio.n_rx;
    struct vec3 at[STREAM_MAX_ANT];
    if (!s->direct_valid || n < 2)
        return false;
    for (size_t m = 0; m < n; m++) {
        at[m] = bs_config_antenna(&p->cfg, m);
        double turns = vec3_dist(p->fix.anchors.tx, at[m]) / wavelength_of(p);
        cplx channel = (cplx)s->tap[m] * cexp(I * 2 * PI * turns);
        y[m] = (cplxf)((cplx)s->direct[m] * (cplx)s->correction[m] / channel);
    }
    array_steer(at, n, at[0], u, wavelength_of(p), a);
    return true;
}

/* Against the steering vector of the place found: what the calibration of the channels is worth. */
void pipeline_site_match(struct pipeline *p, struct cycle_report *r)
{
    cplxf a[STREAM_MAX_ANT], y[STREAM_MAX_ANT];
    if (own_antennas(p, r->fix.position, a, y))
        r->site.steering_match = (double)array_match(a, y, p->cfg.radio.n_rx);
}

/* Where the antennas are on the array's axis, from their middle [wavelengths]; the root of the sum
 * of their squares. */
static double lay_on_axis(const struct pipeline *p, double x[TOA_MAX_ANT])
{
    double sum = 0;
    pipeline_antennas(p, x);
    for (size_t m = 0; m < p->cfg.radio.n_rx; m++) {
        x[m] /= wavelength_of(p);
        sum += x[m] * x[m];
    }
    return sqrt(sum);
}

/* What the walls add to a sine at u. */
static double walls_sigma(const struct pipeline *p, struct vec3 u, const double *x, double per_rad)
{
    if (!p->map)
        return WALLS_PHASE_RAD * per_rad;
    return wall_direction_sigma(&p->wall_map, u, pipeline_axis(p), x, p->cfg.radio.n_rx,
                                (double)p->wave.k * waveform_spacing_hz(&p->wave));
}

bool pipeline_site_direction(const struct pipeline *p, struct vec3 u, struct site_direction *out)
{
    const struct vec3 to = vec3_sub(u, p->fix.anchors.rx);
    cplxf a[STREAM_MAX_ANT], y[STREAM_MAX_ANT];
    double x[TOA_MAX_ANT];
    if (!(vec3_norm(to) > 0) || !own_antennas(p, u, a, y))
        return false;
    const double per_rad = 1 / (2 * PI * lay_on_axis(p, x));
    out->sigma = hypot(CHANNEL_PHASE_RAD * per_rad, walls_sigma(p, u, x, per_rad));
    out->off = array_sine_off(a, y, x, p->cfg.radio.n_rx);
    (void)vec3_sine(to, pipeline_axis(p), &out->gradient);
    return true;
}

/* Commits the sample of an untouched cycle. */
static void hand_over(struct site *s, const struct cycle_report *r)
{
    if (!s->keeping || r->faults)
        return;
    s->keeping->answered &= r->response == RESPONSE_PERMITTED;
    atomic_fetch_add(&s->given, 1);
    sem_post(&s->news);
}

void pipeline_site_tell_capture(struct pipeline *p, unsigned cycles, const char *why)
{
    struct site *s = &p->site;
    if (why)
        s->try_again_s = p->pending.time_s + TRY_AGAIN_S;
    if (atomic_load(&s->capture_full))
        return; /* the last one is still being written: the next capture will tell */
    s->capture.good = !why;
    s->capture.cycles = cycles;
    for (size_t i = 0; why && i < sizeof s->capture.why; i++)
        if (!(s->capture.why[i] = i + 1 < sizeof s->capture.why ? why[i] : '\0'))
            break;
    (void)stream_locked(p->streams, &s->capture.zero);
    memcpy(s->capture.correction, s->correction, sizeof s->correction);
    s->capture.n_stream = why ? 0 : pipeline_site_streams(p, s->capture.stream);
    for (size_t i = 0; i < s->capture.n_stream; i++)
        s->capture.good &= background_export(p->background, s->capture.stream[i].name,
                                             s->capture.stream[i].config, s->capture.room[i]);
    atomic_store(&s->capture_full, true);
    sem_post(&s->news);
}

/* --- the watch ------------------------------------------------------------------------------ */

static double drift_of_room(struct pipeline *p)
{
    double worst = 0;
    for (size_t i = 0; i < N_STREAM; i++)
        worst = fmax(worst, background_drift(p->background, STREAM_STATIC + i,
                                             pipeline_stream_config(p, STREAM_STATIC + i)));
    return worst;
}

/* Every few quiet cycles; a state counts once it has been seen some times in a row. */
static void look_at_room(struct pipeline *p)
{
    struct site *s = &p->site;
    if (s->cycles++ % LOOK_EVERY)
        return;
    s->drift = drift_of_room(p);
    enum room_state now = s->drift > CHANGED   ? ROOM_CHANGED
                          : s->drift > DRIFTED ? ROOM_DRIFTED
                                               : ROOM_GOOD;
    s->looks = now == s->seeing ? s->looks + 1 : 1;
    s->seeing = now;
    if (s->looks >= PERSISTENT_LOOKS)
        s->room = now;
}

/* A new capture by itself: only of a room that no one answers from, and that differs from the one
 * known by no more than drift. Whoever merely stands there silently makes it ROOM_CHANGED. */
static bool may_refresh(const struct pipeline *p, double now_s, double age_s)
{
    const struct site *s = &p->site;
    if (!p->cfg.background.automatic || atomic_load(&p->capture.running) ||
        now_s < s->try_again_s || atomic_load(&p->capture.request) != -1)
        return false;
    if (!p->capture.captured)
        return true;
    return s->room == ROOM_DRIFTED || (s->room == ROOM_GOOD && age_s > p->cfg.background.refresh_s);
}

void pipeline_site_end(struct pipeline *p, struct cycle_report *r)
{
    struct site *s = &p->site;
    hand_over(s, r);
    s->keeping = NULL;
    s->direct_valid = false;
    if (p->capture.captured && !s->aged) {
        p->capture.finished_s = r->time_s - s->age_at_start_s;
        s->aged = true;
    }
    bool quiet = r->time_s - p->answered_s >= PIPELINE_QUIET_S;
    double age_s = p->capture.captured ? r->time_s - p->capture.finished_s : 0;
    if (!p->capture.captured)
        s->room = ROOM_UNKNOWN;
    else if (s->room == ROOM_UNKNOWN)
        s->room = ROOM_GOOD;
    if (quiet && p->capture.captured && r->faults == 0)
        look_at_room(p);
    else if (!quiet)
        s->looks = 0;
    if (quiet && r->faults == 0 && may_refresh(p, r->time_s, age_s))
        pipeline_background(p, (unsigned)p->cfg.background.cycles);
    r->site.zero = s->zero_refused ? ZERO_CONTRADICTED : s->zero_stored ? ZERO_STORED : ZERO_LEAK;
    r->site.room = s->room;
    r->site.room_drift_db = s->drift > 0 ? 10 * log10(s->drift) : 0;
    r->site.room_age_s = age_s;
    for (size_t a = 0; a < p->cfg.radio.n_rx; a++)
        r->site.channel[a] = s->tap[a] / s->correction[a];
}
