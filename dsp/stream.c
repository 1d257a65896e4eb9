/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "dsp/stream.h"
#include "dsp/fft.h"
#include "dsp/first_path.h"
#include "dsp/spd.h"
#include "dsp/toa.h"
#include <assert.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ECHO_FROM_CHIPS 0.8  /* the reference tap is deaf to paths this much later than itself, */
#define ECHO_STEP_CHIPS 0.5  /* in this grid, */
#define N_ECHO          32   /* so many of them: 16 chips, 60 m in profile lab; */
#define ECHO_NOISE      1e-3 /* to this amplitude; smaller costs more noise */
#define BLOCK           64   /* carriers separated at a time: sums stay in the first-level cache */
#define LEAK_MIN_DB     20.0 /* of the leak over the profile's median */
#define ARRIVAL_DB      12.0
#define LATENCY_SHARE   0.95 /* of the period 1/spacing is searched for the latency, */
#define EARLY_SHARE     0.05 /* this part of it before zero */

static const signed char codes[STREAM_COUNT][STREAM_CODE_LEN] = {
    {+1, +1, +1, +1, +1, +1, +1, +1},
    {+1, +1, -1, -1, -1, -1, +1, +1},
    {+1, -1, +1, -1, -1, +1, -1, +1},
    {+1, -1, -1, +1, +1, -1, -1, +1},
};

struct stream {
    struct stream_cfg cfg;
    struct toa_est *arrival;     /* finds the reference tap */
    struct first_path_est *leak; /* tells the leak from the clutter behind it */
    cplxf *mean;                 /* [n_ant x K] over slots */
    cplxf *tap_weight;           /* [n_ant x K] window times steering of the reference tap */
    cplxf *window;               /* [K] */
    bool locked;
    struct stream_lock lock;
    cplxf correction[STREAM_MAX_ANT];
    cplxf tap[STREAM_MAX_SLOTS * STREAM_MAX_ANT];
    cplxf gain[STREAM_MAX_SLOTS]; /* common factor of a slot, then its inverse */
};

int stream_code(enum stream_name h, size_t slot)
{
    return codes[h][slot % STREAM_CODE_LEN];
}

static void mix_block(const cplxf *h, size_t n_slots, size_t stride, const cplxf *gain,
                      cplxf *const *w)
{
    cplxf acc[STREAM_COUNT][BLOCK] = {{0}};
    for (size_t s = 0; s < n_slots; s++, h += stride) {
        size_t m = s % STREAM_CODE_LEN;
        cplxf g = gain ? gain[s] : 1;
        float c1 = codes[1][m], c2 = codes[2][m], c3 = codes[3][m];
        for (size_t i = 0; i < BLOCK; i++) {
            cplxf v = h[i] * g;
            acc[0][i] += v;
            acc[1][i] += c1 * v;
            acc[2][i] += c2 * v;
            acc[3][i] += c3 * v;
        }
    }
    float scale = 1.0f / (float)n_slots;
    for (size_t q = 0; q < STREAM_COUNT; q++)
        for (size_t i = 0; i < BLOCK; i++)
            w[q][i] = acc[q][i] * scale;
}

/* The few carriers that fill no block. */
static void mix_rest(const cplxf *h, size_t n_slots, size_t stride, const cplxf *gain, size_t len,
                     cplxf *const *w)
{
    for (size_t q = 0; q < STREAM_COUNT; q++) {
        for (size_t i = 0; i < len; i++) {
            cplxf acc = 0;
            for (size_t s = 0; s < n_slots; s++)
                acc += (float)stream_code(q, s) * h[s * stride + i] * (gain ? gain[s] : 1);
            w[q][i] = acc / (float)n_slots;
        }
    }
}

void stream_mix(const cplxf *h, size_t n_slots, size_t len, const cplxf *gain, cplxf *w)
{
    assert(n_slots >= STREAM_CODE_LEN && n_slots % STREAM_CODE_LEN == 0);
    size_t whole = len / BLOCK * BLOCK;
    for (size_t i = 0; i < whole; i += BLOCK)
        mix_block(h + i, n_slots, len, gain,
                  (cplxf *[]){w + i, w + len + i, w + 2 * len + i, w + 3 * len + i});
    mix_rest(h + whole, n_slots, len, gain, len - whole,
             (cplxf *[]){w + whole, w + len + whole, w + 2 * len + whole, w + 3 * len + whole});
}

static const char *complaint(const struct stream_cfg *c)
{
    if (c->n_ant < 1 || c->n_ant > STREAM_MAX_ANT)
        return "stream: n_ant must be 1 to 8";
    if (c->n_carrier < 3 || c->n_carrier > 8191)
        return "stream: n_carrier must be 3 to 8191";
    if (!(c->spacing_hz > 0) || !isfinite(c->spacing_hz) || !(c->carrier_hz > 0) ||
        !isfinite(c->carrier_hz))
        return "stream: spacing_hz and carrier_hz must be positive";
    for (size_t a = 0; a < c->n_ant; a++)
        if (!(c->leak_m[a] >= 0) || !(c->leak_m[a] < SPEED_OF_LIGHT / c->spacing_hz / 4))
            return "stream: leak_m must be a distance below a quarter period";
    return NULL;
}

static bool allocate(struct stream *st)
{
    size_t all = st->cfg.n_ant * st->cfg.n_carrier;
    struct toa_cfg arrival = {.n_ant = st->cfg.n_ant,
                              .n_carrier = st->cfg.n_carrier,
                              .spacing_hz = st->cfg.spacing_hz,
                              .n_fft = 4 * fft_size(st->cfg.n_carrier),
                              .min_db = ARRIVAL_DB,
                              .window = TOA_HAMMING};
    st->arrival = toa_est_create(&arrival, NULL);
    st->leak = first_path_create(&(struct first_path_cfg){.n_ant = st->cfg.n_ant,
                                                          .n_carrier = st->cfg.n_carrier,
                                                          .spacing_hz = st->cfg.spacing_hz},
                                 NULL);
    st->mean = fft_alloc(all * sizeof(cplxf));
    st->tap_weight = fft_alloc(all * sizeof(cplxf));
    st->window = fft_alloc(st->cfg.n_carrier * sizeof(cplxf));
    return st->arrival && st->leak && st->mean && st->tap_weight && st->window;
}

/* Dirichlet kernel: sum_k exp(j 2 pi (k - mid) cycles), real as carriers are centred. */
static double dirichlet(size_t n, double cycles)
{
    double s = sin(PI * cycles);
    return fabs(s) < 1e-12 ? (double)n : sin(PI * cycles * (double)n) / s;
}

/* A person's echo must not leak into the tap that everything is divided by, and one chip away from
 * the leak no ordinary window keeps it out. Minimum variance: window ~ (eps 1 + A A^H)^-1 1, the
 * columns of A the steering vectors of a grid of later arrivals. By Woodbury's identity
 * window ~ 1 - A c, (eps + A^H A) c = A^H 1, all real. Scaled to gain 1 for the reference. */
static void prepare_window(struct stream *st)
{
    size_t n_carrier = st->cfg.n_carrier;
    double gram[N_ECHO * N_ECHO], c[N_ECHO], cycles[N_ECHO], gain = (double)n_carrier;
    for (size_t i = 0; i < N_ECHO; i++) {
        cycles[i] = (ECHO_FROM_CHIPS + ECHO_STEP_CHIPS * (double)i) / (double)n_carrier;
        c[i] = dirichlet(n_carrier, cycles[i]);
    }
    for (size_t i = 0; i < N_ECHO; i++)
        for (size_t j = 0; j < N_ECHO; j++)
            gram[i * N_ECHO + j] = dirichlet(n_carrier, cycles[i] - cycles[j]) +
                                   (i == j ? ECHO_NOISE * (double)n_carrier : 0);
    bool definite = spd_factor(gram, N_ECHO);
    assert(definite);
    spd_solve(gram, N_ECHO, c);
    for (size_t i = 0; i < N_ECHO; i++)
        gain -= c[i] * dirichlet(n_carrier, cycles[i]);
    for (size_t k = 0; k < n_carrier; k++) {
        cplx sum = 1;
        for (size_t i = 0; i < N_ECHO; i++) /* conj(steering), as the tap is window^H h */
            sum -=
                c[i] * cexp(I * 2 * PI * ((double)k - 0.5 * (double)(n_carrier - 1)) * cycles[i]);
        st->window[k] = (cplxf)(sum / gain);
    }
}

struct stream *stream_create(const struct stream_cfg *cfg, struct status *err)
{
    const char *text = complaint(cfg);
    struct stream *st = text ? NULL : calloc(1, sizeof *st);
    if (st) {
        st->cfg = *cfg;
        if (!allocate(st))
            stream_destroy(&st);
    }
    if (!st) {
        if (err) {
            err->code = text ? ERR_ARG : ERR_NO_MEMORY;
            snprintf(err->text, sizeof err->text, "%s", text ? text : "stream: out of memory");
        }
        return NULL;
    }
    prepare_window(st);
    stream_correct(st, NULL);
    return st;
}

void stream_destroy(struct stream **st)
{
    if (!*st)
        return;
    toa_est_destroy(&(*st)->arrival);
    first_path_destroy(&(*st)->leak);
    fft_free((*st)->mean);
    fft_free((*st)->tap_weight);
    fft_free((*st)->window);
    free(*st);
    *st = NULL;
}

void stream_reset(struct stream *st)
{
    st->locked = false;
}

void stream_lock(struct stream *st, const struct stream_lock *lock)
{
    st->lock = *lock;
    st->locked = true;
}

bool stream_locked(const struct stream *st, struct stream_lock *lock)
{
    if (st->locked)
        *lock = st->lock;
    return st->locked;
}

void stream_correct(struct stream *st, const cplxf *correction)
{
    for (size_t a = 0; a < st->cfg.n_ant; a++)
        st->correction[a] = correction ? correction[a] : 1;
}

void stream_state(struct stream *st, struct state_io *io)
{
    state_flag(io, &st->locked);
    state_f64(io, &st->lock.latency_s);
    state_f64(io, &st->lock.seen_s);
    state_cplxf(io, st->correction, st->cfg.n_ant);
}

/* ramp[k] = scale exp(j 2 pi f_k delay_s), in double by recurrence. */
static void delay_ramp(const struct stream_cfg *cfg, double delay_s, cplx scale, cplxf *ramp)
{
    double cycles = cfg->spacing_hz * delay_s;
    cplx step = cexp(I * 2 * PI * cycles);
    cplx r = scale * cexp(-I * PI * cycles * (double)(cfg->n_carrier - 1));
    for (size_t k = 0; k < cfg->n_carrier; k++, r *= step)
        ramp[k] = (cplxf)r;
}

static void mean_over_slots(struct stream *st, const cplxf *h, size_t n_slots)
{
    size_t len = st->cfg.n_ant * st->cfg.n_carrier;
    memset(st->mean, 0, len * sizeof *st->mean);
    for (size_t s = 0; s < n_slots; s++)
        for (size_t i = 0; i < len; i++)
            st->mean[i] += h[s * len + i];
    for (size_t i = 0; i < len; i++)
        st->mean[i] /= (float)n_slots;
}

/* Strongest arrival in st->mean, each antenna first advanced by its own share (NULL: none). */
static int find_arrival(struct stream *st, const double *advance_m, struct toa *toa)
{
    size_t n_carrier = st->cfg.n_carrier;
    double period_m = SPEED_OF_LIGHT / st->cfg.spacing_hz;
    for (size_t a = 0; advance_m && a < st->cfg.n_ant; a++) {
        cplxf *ramp = st->tap_weight + a * n_carrier;
        delay_ramp(&st->cfg, advance_m[a] / SPEED_OF_LIGHT, 1, ramp);
        for (size_t k = 0; k < n_carrier; k++)
            st->mean[a * n_carrier + k] *= ramp[k];
    }
    struct toa_gate gate = {-EARLY_SHARE * period_m, (LATENCY_SHARE - EARLY_SHARE) * period_m};
    return toa_estimate(st->arrival, st->mean, &gate, 0, toa);
}

/* tap[s][a] = sum_k window_k H[s][a][k] exp(j 2 pi f_k delay_a) */
static void take_taps(struct stream *st, const cplxf *h, size_t n_slots, double delay_s,
                      const double *extra_m, struct stream_ref *ref)
{
    size_t n_ant = st->cfg.n_ant, n_carrier = st->cfg.n_carrier;
    for (size_t a = 0; a < n_ant; a++) {
        cplxf *weight = st->tap_weight + a * n_carrier;
        double delay = delay_s + (extra_m ? extra_m[a] / SPEED_OF_LIGHT : 0);
        delay_ramp(&st->cfg, delay, 1, weight);
        for (size_t k = 0; k < n_carrier; k++)
            weight[k] *= st->window[k];
    }
    memset(ref->tap, 0, sizeof ref->tap);
    for (size_t s = 0; s < n_slots; s++) {
        for (size_t a = 0; a < n_ant; a++) {
            const cplxf *row = h + (s * n_ant + a) * n_carrier;
            const cplxf *weight = st->tap_weight + a * n_carrier;
            cplxf sum = 0;
            for (size_t k = 0; k < n_carrier; k++)
                sum += row[k] * weight[k];
            st->tap[s * n_ant + a] = sum;
            ref->tap[a] += sum / (float)n_slots;
        }
    }
}

/* Rank one: tap[s][a] = q_s ref_a; q_s by least squares over antennas, mean 1. */
static void common_factor(struct stream *st, size_t n_slots, const struct stream_ref *ref)
{
    size_t n_ant = st->cfg.n_ant;
    float energy = 0;
    for (size_t a = 0; a < n_ant; a++)
        energy += cplxf_norm(ref->tap[a]);
    for (size_t s = 0; s < n_slots; s++) {
        cplxf q = 0;
        for (size_t a = 0; a < n_ant; a++)
            q += conjf(ref->tap[a]) * st->tap[s * n_ant + a];
        st->gain[s] = q / fmaxf(energy, 1e-30f);
    }
}

/* Take out of q what the codes carry: there it is signal of a RIS path close to the reference, and
 * dividing by it would turn part of that path into a ghost at the reference. */
static void keep_codes(struct stream *st, size_t n_slots)
{
    for (size_t h = STREAM_RIS1; h < STREAM_COUNT; h++) {
        cplxf part = 0;
        for (size_t s = 0; s < n_slots; s++)
            part += (float)stream_code(h, s) * st->gain[s];
        part /= (float)n_slots;
        for (size_t s = 0; s < n_slots; s++)
            st->gain[s] -= (float)stream_code(h, s) * part;
    }
}

static void invert_factors(struct stream *st, size_t n_slots, struct stream_ref *ref)
{
    float square = 0;
    for (size_t s = 0; s < n_slots; s++) {
        float phase = cargf(st->gain[s]);
        square += phase * phase;
        st->gain[s] = conjf(st->gain[s]) / fmaxf(cplxf_norm(st->gain[s]), 1e-12f);
    }
    ref->wander_rad = sqrtf(square / (float)n_slots);
}

/* w[h][a] *= ramp_a over carriers */
static void shift_streams(struct stream *st, size_t a, double delay_s, cplx scale, cplxf *w)
{
    size_t n_ant = st->cfg.n_ant, n_carrier = st->cfg.n_carrier;
    cplxf *ramp = st->tap_weight;
    delay_ramp(&st->cfg, delay_s, scale, ramp);
    for (size_t q = 0; q < STREAM_COUNT; q++) {
        cplxf *row = w + (q * n_ant + a) * n_carrier;
        for (size_t k = 0; k < n_carrier; k++)
            row[k] *= ramp[k];
    }
}

/* Where the leak is in st->mean (antennas advanced by their leaks), freed from the clutter behind
 * it. Once per lock. */
static int lock_on_leak(struct stream *st, const struct toa *seen)
{
    struct first_path leak;
    struct toa sharp = *seen;
    sharp.noise_var = 0; /* the mean over a burst has less than the model's error */
    if (first_path_estimate(st->leak, st->mean, &sharp, &leak))
        return ERR_NO_PEAK;
    stream_lock(st, &(struct stream_lock){.latency_s = leak.length_m / SPEED_OF_LIGHT,
                                          .seen_s = seen->length_m / SPEED_OF_LIGHT});
    return OK;
}

/* Follow the leak: lock on it in the first burst, then only watch it. */
static int follow_leak(struct stream *st, struct stream_ref *ref)
{
    struct toa seen;
    double chip_s = 1 / ((double)st->cfg.n_carrier * st->cfg.spacing_hz);
    int rc = find_arrival(st, st->cfg.leak_m, &seen);
    ref->peak_db = seen.peak_db;
    ref->seen_s = seen.length_m / SPEED_OF_LIGHT;
    if (rc || (double)ref->peak_db < LEAK_MIN_DB)
        return ERR_NO_PEAK;
    if (!st->locked && lock_on_leak(st, &seen))
        return ERR_NO_PEAK;
    ref->delay_s = st->lock.latency_s;
    return fabs(ref->seen_s - st->lock.seen_s) > 0.25 * chip_s ? ERR_STATE : OK;
}

/* Antenna by antenna over the tap, from the leak's delay and phase on. */
static void refer_to(struct stream *st, const cplxf *tap, double delay_s, cplxf *w)
{
    const double wavenumber = 2 * PI * st->cfg.carrier_hz / SPEED_OF_LIGHT;
    for (size_t a = 0; a < st->cfg.n_ant; a++) {
        cplx scale = st->correction[a] * conj((cplx)tap[a]) / fmax(cplx_norm(tap[a]), 1e-30);
        shift_streams(st, a, delay_s, scale * cexp(-I * wavenumber * st->cfg.leak_m[a]), w);
    }
}

int stream_whole(struct stream *st, const cplxf *h, const cplxf *tap, cplxf *w,
                 struct stream_ref *ref)
{
    const size_t len = st->cfg.n_ant * st->cfg.n_carrier;
    memset(ref, 0, sizeof *ref);
    mean_over_slots(st, h, 1);
    int rc = follow_leak(st, ref);
    if (rc)
        return rc;
    take_taps(st, h, 1, ref->delay_s, st->cfg.leak_m, ref);
    memset(w, 0, STREAM_COUNT * len * sizeof *w);
    memcpy(w + STREAM_STATIC * len, h, len * sizeof *w);
    refer_to(st, tap ? tap : ref->tap, ref->delay_s, w);
    return OK;
}

int stream_separate(struct stream *st, const cplxf *h, size_t n_slots, cplxf *w,
                    struct stream_ref *ref)
{
    assert(n_slots <= STREAM_MAX_SLOTS);
    size_t n_ant = st->cfg.n_ant;
    memset(ref, 0, sizeof *ref);
    mean_over_slots(st, h, n_slots);
    int rc = follow_leak(st, ref);
    if (rc)
        return rc;
    take_taps(st, h, n_slots, ref->delay_s, st->cfg.leak_m, ref);
    common_factor(st, n_slots, ref);
    invert_factors(st, n_slots, ref);
    stream_mix(h, n_slots, n_ant * st->cfg.n_carrier, st->gain, w);
    refer_to(st, ref->tap, ref->delay_s, w);
    return OK;
}

int stream_separate_response(struct stream *st, const cplxf *h, size_t n_slots, cplxf *w,
                             struct stream_ref *ref)
{
    assert(n_slots <= STREAM_MAX_SLOTS);
    memset(ref, 0, sizeof *ref);
    mean_over_slots(st, h, n_slots);
    struct toa seen;
    int rc = find_arrival(st, NULL, &seen);
    ref->peak_db = seen.peak_db;
    ref->delay_s = ref->seen_s = seen.length_m / SPEED_OF_LIGHT;
    if (rc)
        return rc;
    take_taps(st, h, n_slots, ref->delay_s, NULL, ref);
    common_factor(st, n_slots, ref);
    keep_codes(st, n_slots);
    invert_factors(st, n_slots, ref);
    stream_mix(h, n_slots, st->cfg.n_ant * st->cfg.n_carrier, st->gain, w);
    for (size_t a = 0; a < st->cfg.n_ant; a++)
        shift_streams(st, a, ref->delay_s, 1, w);
    return OK;
}
