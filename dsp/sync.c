/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "dsp/sync.h"
#include "dsp/fft.h"
#include "dsp/phasor.h"
#include "dsp/vertex.h"
#include <assert.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#define BLOCKS_PER_PERIOD 4
#define PLATEAU_MIN       0.3f
#define FOLLOW_PERIODS    16 /* clocks 50 ppm apart drift by less than a sample in so many */
#define TIMING_PERIODS    32 /* averaged for one timing estimate: 2 slots do, more would drift */

struct sync {
    struct waveform_cfg cfg;
    size_t max_samps;
    struct fft *forward, *backward; /* n points */
    cplxf *conj_x;                  /* conj(x_k) in FFT order [n], 0 off the carriers */
    cplxf *ref;                     /* one period of the waveform, power 1 [n] */
    cplxf *mean, *bins;             /* [n] scratch */
    cplxf *rotor;                   /* [n] the carrier offset, while matching times conj(ref) */
    cplxf *corr;                    /* [max_samps / block] lag-N products per block, then periods */
    float *energy;                  /* [max_samps / block + BLOCKS_PER_PERIOD] */
};

static bool allocate(struct sync *s)
{
    size_t n = s->cfg.n, blocks = s->max_samps / (n / BLOCKS_PER_PERIOD) + BLOCKS_PER_PERIOD + 1;
    s->forward = fft_create(n, 1, FFT_FORWARD);
    s->backward = fft_create(n, 1, FFT_BACKWARD);
    s->conj_x = fft_alloc(n * sizeof(cplxf));
    s->ref = fft_alloc(n * sizeof(cplxf));
    s->mean = fft_alloc(n * sizeof(cplxf));
    s->bins = fft_alloc(n * sizeof(cplxf));
    s->rotor = fft_alloc(n * sizeof(cplxf));
    s->corr = fft_alloc(blocks * sizeof(cplxf));
    s->energy = fft_alloc(blocks * sizeof(float));
    return s->forward && s->backward && s->conj_x && s->ref && s->mean && s->bins && s->rotor &&
           s->corr && s->energy;
}

static void prepare_reference(struct sync *s)
{
    cplxf *x = s->rotor; /* K < n */
    waveform_sequence(&s->cfg, x);
    for (size_t k = 0; k < s->cfg.k; k++) {
        size_t bin = waveform_bin(&s->cfg, k);
        s->conj_x[bin] = conjf(x[k]);
        s->bins[bin] = x[k];
    }
    fft_run(s->backward, s->bins, s->ref);
    float scale = 1.0f / sqrtf((float)s->cfg.k);
    for (size_t i = 0; i < s->cfg.n; i++)
        s->ref[i] *= scale;
}

struct sync *sync_create(const struct waveform_cfg *cfg, size_t max_samps, struct status *err)
{
    struct status local;
    err = err ? err : &local;
    if (waveform_check(cfg, err))
        return NULL;
    if (max_samps < 4 * cfg->n || max_samps > 1u << 28) {
        err->code = ERR_ARG;
        snprintf(err->text, sizeof err->text, "sync: window of %zu samples, must be %zu to 2^28",
                 max_samps, 4 * cfg->n);
        return NULL;
    }
    struct sync *s = calloc(1, sizeof *s);
    if (s) {
        s->cfg = *cfg;
        s->max_samps = max_samps;
        if (!allocate(s))
            sync_destroy(&s);
    }
    if (s)
        prepare_reference(s);
    else
        *err = (struct status){ERR_NO_MEMORY, "sync: out of memory"};
    return s;
}

void sync_destroy(struct sync **sync)
{
    struct sync *s = *sync;
    if (!s)
        return;
    fft_destroy(&s->forward);
    fft_destroy(&s->backward);
    fft_free(s->conj_x);
    fft_free(s->ref);
    fft_free(s->mean);
    fft_free(s->bins);
    fft_free(s->rotor);
    fft_free(s->corr);
    fft_free(s->energy);
    free(s);
    *sync = NULL;
}

/* sum conj(a_i) b_i over n samples; 0.3 ns a sample. */
static cplxf correlate(const struct sc16 *a, const struct sc16 *b, size_t n)
{
    float re = 0, im = 0;
    for (size_t i = 0; i < n; i++) {
        float ai = a[i].i, aq = a[i].q, bi = b[i].i, bq = b[i].q;
        re += ai * bi + aq * bq;
        im += ai * bq - aq * bi;
    }
    return CMPLXF(re, im);
}

static float energy_of(const struct sc16 *a, size_t n)
{
    float sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += (float)a[i].i * (float)a[i].i + (float)a[i].q * (float)a[i].q;
    return sum;
}

static double phase_to_hz(const struct sync *s, cplx corr, size_t lag)
{
    return carg(corr) * s->cfg.rate_hz / (2 * PI * (double)lag);
}

/* Sums over long stretches go by pieces, so that single precision does not lose the small terms. */
static cplx correlate_lag(const struct sc16 *x, size_t n, size_t lag)
{
    cplx sum = 0;
    for (size_t i = 0, len; i < n; i += len) {
        len = n - i < 4096 ? n - i : 4096;
        sum += correlate(x + i, x + i + lag, len);
    }
    return sum;
}

float sync_plateau(const struct sync *sync, const struct sc16 *x, size_t n, double *cfo_hz)
{
    size_t lag = sync->cfg.n;
    assert(n > lag);
    cplx corr = correlate_lag(x, n - lag, lag);
    double energy = 0;
    for (size_t i = 0, len; i < n - lag; i += len) {
        len = n - lag - i < 4096 ? n - lag - i : 4096;
        energy += 0.5 * (double)(energy_of(x + i, len) + energy_of(x + i + lag, len));
    }
    if (cfo_hz)
        *cfo_hz = phase_to_hz(sync, corr, lag);
    return energy > 0 ? (float)(cabs(corr) / energy) : 0;
}

/* Blocks from which on a period matches the next one. */
struct run {
    size_t first, n; /* in blocks */
    float metric;    /* |correlation| over energy */
    cplx corr;
};

static float block_metric(const struct sync *s, size_t b, cplxf *sum)
{
    float early = 0, late = 0;
    *sum = 0;
    for (size_t i = b; i < b + BLOCKS_PER_PERIOD; i++) {
        *sum += s->corr[i];
        early += s->energy[i];
        late += s->energy[i + BLOCKS_PER_PERIOD];
    }
    float energy = sqrtf(early * late);
    return energy > 0 ? cabsf(*sum) / energy : 0;
}

static struct run longest_run(const struct sync *s, size_t n_metric, float threshold)
{
    struct run best = {0}, now = {0};
    for (size_t b = 0; b < n_metric; b++) {
        cplxf unused;
        if (block_metric(s, b, &unused) < threshold) {
            now.n = 0;
            continue;
        }
        if (now.n++ == 0)
            now.first = b;
        if (now.n > best.n)
            best = now;
    }
    return best;
}

/* Correlation and metric of a run, the ramps at its ends left out if it is long enough. */
static void sum_run(const struct sync *s, struct run *run)
{
    size_t ramp = run->n > 3 * BLOCKS_PER_PERIOD ? BLOCKS_PER_PERIOD : 0;
    double energy = 0;
    for (size_t b = run->first + ramp; b < run->first + run->n - ramp; b++) {
        run->corr += s->corr[b];
        energy += 0.5 * (double)(s->energy[b] + s->energy[b + BLOCKS_PER_PERIOD]);
    }
    run->metric = energy > 0 ? (float)(cabs(run->corr) / energy) : 0;
}

static int find_plateau(struct sync *s, const struct sc16 *x, size_t n, struct run *run)
{
    size_t block = s->cfg.n / BLOCKS_PER_PERIOD, n_block = n / block;
    size_t n_corr = n_block - BLOCKS_PER_PERIOD, n_metric = n_corr - BLOCKS_PER_PERIOD + 1;
    for (size_t b = 0; b < n_block; b++)
        s->energy[b] = energy_of(x + b * block, block);
    for (size_t b = 0; b < n_corr; b++)
        s->corr[b] = correlate(x + b * block, x + b * block + s->cfg.n, block);
    float peak = 0;
    for (size_t b = 0; b < n_metric; b++) {
        cplxf unused;
        peak = fmaxf(peak, block_metric(s, b, &unused));
    }
    *run = longest_run(s, n_metric, fmaxf(PLATEAU_MIN, 0.5f * peak));
    sum_run(s, run);
    return run->n >= 2 * BLOCKS_PER_PERIOD ? OK : ERR_NOT_FOUND;
}

/* Where a period starts, 0 <= result < n, relative to x: average periods with the offset removed,
 * correlate with the sequence, strongest peak, parabola. */
static double timing(struct sync *s, const struct sc16 *x, size_t n_periods, double cfo_hz)
{
    size_t n = s->cfg.n, at = 0;
    double cfo = cfo_hz / s->cfg.rate_hz;
    for (size_t i = 0; i < n; i++)
        s->mean[i] = 0;
    for (size_t p = 0; p < n_periods; p++) {
        cplxf c = phasor(-cfo * (double)(p * n));
        for (size_t i = 0; i < n; i++)
            s->mean[i] += c * CMPLXF((float)x[p * n + i].i, (float)x[p * n + i].q);
    }
    phasor_ramp(0, -cfo, n, s->rotor);
    for (size_t i = 0; i < n; i++)
        s->mean[i] *= s->rotor[i];
    fft_run(s->forward, s->mean, s->bins);
    for (size_t i = 0; i < n; i++)
        s->bins[i] *= s->conj_x[i];
    fft_run(s->backward, s->bins, s->mean);
    for (size_t i = 1; i < n; i++)
        if (cplxf_norm(s->mean[i]) > cplxf_norm(s->mean[at]))
            at = i;
    double a = (double)cabsf(s->mean[(at + n - 1) % n]), b = (double)cabsf(s->mean[at]);
    double c = (double)cabsf(s->mean[(at + 1) % n]);
    return (double)at + vertex(a, b, c);
}

/* Correlation of the period at x with the reference, and the share of its energy that matches. */
static cplxf match_period(const struct sync *s, const struct sc16 *x, float *share)
{
    size_t n = s->cfg.n;
    const float *rotor = (const float *)s->rotor;
    float re = 0, im = 0;
    for (size_t i = 0; i < n; i++) {
        float xi = x[i].i, xq = x[i].q;
        re += rotor[2 * i] * xi - rotor[2 * i + 1] * xq;
        im += rotor[2 * i] * xq + rotor[2 * i + 1] * xi;
    }
    float energy = energy_of(x, n);
    *share = energy > 0 ? (re * re + im * im) / (energy * (float)n) : 0;
    return CMPLXF(re, im);
}

/* The neighbour of sample `at` from which the period matches best. */
static long best_neighbour(const struct sync *s, const struct sc16 *x, long at, long last)
{
    long best = at;
    float most = 0, share;
    for (long i = at > 0 ? at - 1 : at; i <= at + 1 && i <= last; i++) {
        match_period(s, x + i, &share);
        if (share > most) {
            most = share;
            best = i;
        }
    }
    return best;
}

/* Matches period by period from `inside` on, upwards or downwards, and follows the drift of the
 * clocks, which is several samples over a long burst: half a sample off costs half the match. */
static void follow_periods(struct sync *s, const struct sc16 *x, size_t n_periods, size_t inside,
                           int step)
{
    long shift = 0, last = (long)((n_periods - 1) * s->cfg.n);
    size_t count = step > 0 ? n_periods - inside : inside + 1;
    for (size_t i = 0, p = inside; i < count; i++, p += (size_t)step) {
        long nominal = (long)(p * s->cfg.n), at = nominal + shift;
        at = at < 0 ? 0 : at > last ? last : at;
        if (i % FOLLOW_PERIODS == 0)
            at = best_neighbour(s, x, at, last);
        s->corr[p] = match_period(s, x + at, &s->energy[p]);
        shift = at - nominal;
    }
}

/* Correlation with the reference of every whole period from x on; the share of the energy that
 * matches goes to s->energy, the phasor to s->corr. */
static void match_periods(struct sync *s, const struct sc16 *x, size_t n_periods, size_t inside,
                          double cfo_hz)
{
    phasor_ramp(0, -cfo_hz / s->cfg.rate_hz, s->cfg.n, s->rotor);
    for (size_t i = 0; i < s->cfg.n; i++)
        s->rotor[i] *= conjf(s->ref[i]);
    follow_periods(s, x, n_periods, inside, -1);
    follow_periods(s, x, n_periods, inside, 1);
}

/* Least-squares slope of the phase over matched periods after removal of the first guess. */
static void refine_cfo(const struct sync *s, size_t first, size_t count, struct sync_burst *out)
{
    double period_s = (double)s->cfg.n / s->cfg.rate_hz, cycles = out->cfo_hz * period_s;
    double mid = 0.5 * (double)(count - 1), sum = 0, slope = 0, square = 0, weight = 0;
    double before = 0, unwrapped = 0;
    for (size_t i = 0; i < count; i++) {
        cplx c = (cplx)s->corr[first + i] * (cplx)phasor(-cycles * (double)i);
        double phase = carg(c);
        unwrapped = i == 0 ? phase : unwrapped + remainder(phase - before, 2 * PI);
        before = phase;
        sum += unwrapped;
        square += unwrapped * unwrapped;
        slope += ((double)i - mid) * unwrapped;
        weight += ((double)i - mid) * ((double)i - mid);
    }
    if (count < 3)
        return;
    double scatter = square - sum * sum / (double)count - slope * slope / weight;
    double to_hz = 1 / (2 * PI * period_s);
    out->cfo_hz += slope / weight * to_hz;
    out->cfo_sigma_hz = sqrt(fmax(scatter, 0) / (double)(count - 2) / weight) * to_hz;
}

/* First and last period of the run of matches that holds period `inside`. Where the end is
 * expected, it is the nearest one to it. */
static void match_ends(const struct sync *s, size_t n_periods, size_t inside, const double *end,
                       size_t *first, size_t *last)
{
    float threshold = 0.5f * s->energy[inside];
    *first = *last = inside;
    while (*first > 0 && s->energy[*first - 1] >= threshold)
        --*first;
    while (*last + 1 < n_periods && s->energy[*last + 1] >= threshold)
        ++*last;
    if (end)
        *last = (size_t)fmin(fmax(rint(*end) - 1, (double)inside), (double)(n_periods - 1));
}

/* end_samps: where the end is expected, NULL if nothing is known. */
static int find_burst(struct sync *s, const struct sc16 *x, size_t n, const double *end_samps,
                      struct sync_burst *out)
{
    size_t period = s->cfg.n, block = period / BLOCKS_PER_PERIOD;
    struct run run;
    assert(n >= 4 * period && n <= s->max_samps);
    *out = (struct sync_burst){0};
    if (find_plateau(s, x, n, &run))
        return ERR_NOT_FOUND;
    out->plateau = run.metric;
    out->snr_db = 10 * log10f(run.metric / fmaxf(1 - run.metric, 1e-6f));
    out->cfo_hz = phase_to_hz(s, run.corr, period);

    /* timing modulo N from the middle of the plateau, then a grid of periods over the window */
    size_t run_periods = run.n / BLOCKS_PER_PERIOD;
    size_t averaged = run_periods < TIMING_PERIODS ? run_periods : TIMING_PERIODS;
    size_t centre = run.first * block + (run_periods - averaged) / 2 * period;
    double at = (double)centre + timing(s, x + centre, averaged, out->cfo_hz);
    size_t grid = (size_t)lrint(at) % period;
    size_t n_periods = (n - grid) / period, inside = ((size_t)lrint(at) - grid) / period;
    inside = inside < n_periods ? inside : n_periods - 1;
    match_periods(s, x + grid, n_periods, inside, out->cfo_hz);
    size_t first, last;
    double end = end_samps ? (*end_samps - (double)grid) / (double)period : 0;
    match_ends(s, n_periods, inside, end_samps ? &end : NULL, &first, &last);
    size_t count = last - first + 1;
    refine_cfo(s, first, count, out);

    /* clocks drift apart by samples over a burst: timing once more at either end */
    size_t edge = count < TIMING_PERIODS ? count : TIMING_PERIODS;
    const struct sc16 *head = x + grid + first * period;
    const struct sc16 *tail = x + grid + (last + 1 - edge) * period;
    double early = remainder(timing(s, head, edge, out->cfo_hz), (double)period);
    double late = remainder(timing(s, tail, edge, out->cfo_hz), (double)period);
    out->start_samps = (double)(grid + first * period) + early;
    out->end_samps = (double)(grid + (last + 1) * period) + late;
    out->start_seen = first > 0;
    out->end_seen = last + 1 < n_periods;
    out->rms = sqrtf(energy_of(head, edge * period) / (float)(edge * period)) / 32767.0f;
    return OK;
}

int sync_search(struct sync *s, const struct sc16 *x, size_t n, struct sync_burst *out)
{
    return find_burst(s, x, n, NULL, out);
}

int sync_follow(struct sync *s, const struct sc16 *x, size_t n, double end_samps,
                struct sync_burst *out)
{
    return find_burst(s, x, n, &end_samps, out);
}

/* What comes again after n samples, summed over the prefixes of the pilot whose body is at `at` and
 * of the symbol behind it. */
static cplxf prefix_products(const struct sync *s, const struct sc16 *x, size_t n, size_t at)
{
    const size_t period = s->cfg.n, prefix = waveform_prefix_samps(&s->cfg);
    cplxf sum = correlate(x + at - prefix, x + at - prefix + period, prefix);
    if (at + 2 * period + prefix <= n)
        sum += correlate(x + at + period, x + at + 2 * period, prefix);
    return sum;
}

int sync_pilot(struct sync *s, const struct sc16 *x, size_t n, struct sync_burst *out)
{
    const size_t period = s->cfg.n, prefix = waveform_prefix_samps(&s->cfg);
    size_t best = 0;
    float most = 0, share;
    assert(n >= 2 * period && n <= s->max_samps);
    *out = (struct sync_burst){0};
    for (size_t i = 0; i < period; i++)
        s->rotor[i] = conjf(s->ref[i]);
    for (size_t i = prefix; i + period < n; i++) {
        (void)match_period(s, x + i, &share);
        if (share > most) {
            most = share;
            best = i;
        }
    }
    if (most < PLATEAU_MIN)
        return ERR_NOT_FOUND;
    const double a = (double)cabsf(match_period(s, x + best - 1, &share)),
                 c = (double)cabsf(match_period(s, x + best + 1, &share)),
                 b = (double)cabsf(match_period(s, x + best, &share));
    out->start_samps = out->end_samps = (double)(best - prefix) + vertex(a, b, c);
    out->start_seen = out->end_seen = true;
    out->plateau = most;
    out->snr_db = 10 * log10f(most / fmaxf(1 - most, 1e-6f));
    out->cfo_hz = phase_to_hz(s, prefix_products(s, x, n, best), period);
    out->cfo_sigma_hz = s->cfg.rate_hz / (2 * PI * (double)period) *
                        sqrt((double)((1 - most) / most) / (double)prefix);
    out->rms = sqrtf(energy_of(x + best, period) / (float)period) / 32767.0f;
    return OK;
}
