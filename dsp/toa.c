/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "dsp/toa.h"
#include "dsp/fft.h"
#include "dsp/vertex.h"
#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NEWTON_STEPS 20
#define MEDIAN_SAMPLES                                                                             \
    2048 /* of the profile, evenly spread: it is oversampled, the rest adds nothing */

struct toa_est {
    struct toa_cfg cfg;
    struct fft *to_delay;
    cplxf *padded, *delay; /* [n_ant x n_fft] */
    float *profile;        /* [n_fft] */
    float *sorted;         /* [MEDIAN_SAMPLES] scratch of the median */
    float *window;         /* [K] */
    double *cos_k, *sin_k; /* [K] phasors exp(j 2 pi f_k tau) of the tau under examination */
    double noise_gain;     /* median of the profile of unit noise */
};

static bool allocate(struct toa_est *e)
{
    size_t all = e->cfg.n_ant * e->cfg.n_fft, k = e->cfg.n_carrier;
    e->to_delay = fft_create(e->cfg.n_fft, e->cfg.n_ant, FFT_BACKWARD);
    e->padded = fft_alloc(all * sizeof(cplxf));
    e->delay = fft_alloc(all * sizeof(cplxf));
    e->profile = fft_alloc(e->cfg.n_fft * sizeof(float));
    e->sorted = fft_alloc(MEDIAN_SAMPLES * sizeof(float));
    e->window = fft_alloc(k * sizeof(float));
    e->cos_k = fft_alloc(k * sizeof(double));
    e->sin_k = fft_alloc(k * sizeof(double));
    return e->to_delay && e->padded && e->delay && e->profile && e->sorted && e->window &&
           e->cos_k && e->sin_k;
}

/* The median of a chi-square with 2 m degrees of freedom, halved: m - 1/3 + 1/(40 m). */
static void prepare_window(struct toa_est *e)
{
    double energy = 0, m = (double)e->cfg.n_ant, last = (double)(e->cfg.n_carrier - 1);
    for (size_t k = 0; k < e->cfg.n_carrier; k++) {
        double hamming = 0.54 - 0.46 * cos(2 * PI * (double)k / last);
        e->window[k] = e->cfg.window == TOA_HAMMING ? (float)hamming : 1.0f;
        energy += (double)e->window[k] * (double)e->window[k];
    }
    e->noise_gain = energy * (m - 1.0 / 3 + 0.025 / m);
}

static const char *complaint(const struct toa_cfg *c)
{
    if (c->n_ant < 1 || c->n_ant > TOA_MAX_ANT)
        return "toa: n_ant must be 1 to 8";
    if (c->n_carrier < 3 || c->n_carrier > 8191)
        return "toa: n_carrier must be 3 to 8191";
    if (c->n_fft < c->n_carrier || c->n_fft > 1u << 20)
        return "toa: n_fft must be at least n_carrier and at most 2^20";
    if (!(c->spacing_hz > 0) || !isfinite(c->spacing_hz))
        return "toa: spacing_hz must be positive";
    if (!(c->min_db >= 0) || !isfinite(c->min_db))
        return "toa: min_db must not be negative";
    return NULL;
}

struct toa_est *toa_est_create(const struct toa_cfg *cfg, struct status *err)
{
    const char *text = complaint(cfg);
    struct toa_est *e = text ? NULL : calloc(1, sizeof *e);
    if (e) {
        e->cfg = *cfg;
        if (!allocate(e))
            toa_est_destroy(&e);
    }
    if (e) {
        prepare_window(e);
    } else if (err) {
        err->code = text ? ERR_ARG : ERR_NO_MEMORY;
        snprintf(err->text, sizeof err->text, "%s", text ? text : "toa: out of memory");
    }
    return e;
}

void toa_est_destroy(struct toa_est **est)
{
    struct toa_est *e = *est;
    if (!e)
        return;
    fft_destroy(&e->to_delay);
    fft_free(e->padded);
    fft_free(e->delay);
    fft_free(e->profile);
    fft_free(e->sorted);
    fft_free(e->window);
    fft_free(e->cos_k);
    fft_free(e->sin_k);
    free(e);
    *est = NULL;
}

const float *toa_profile(const struct toa_est *est)
{
    return est->profile;
}

/* profile[i] = sum_j |sum_k window_k h_jk exp(j 2 pi f_k i / (n_fft spacing))|^2 */
static void make_profile(struct toa_est *e, const cplxf *h)
{
    size_t n_carrier = e->cfg.n_carrier, n_fft = e->cfg.n_fft, below = (n_carrier - 1) / 2;
    for (size_t a = 0; a < e->cfg.n_ant; a++) {
        cplxf *row = e->padded + a * n_fft;
        const cplxf *ha = h + a * n_carrier;
        for (size_t k = 0; k < below; k++)
            row[n_fft - below + k] = ha[k] * e->window[k];
        for (size_t k = below; k < n_carrier; k++)
            row[k - below] = ha[k] * e->window[k];
    }
    fft_run(e->to_delay, e->padded, e->delay);
    for (size_t i = 0; i < n_fft; i++)
        e->profile[i] = cplxf_norm(e->delay[i]);
    for (size_t a = 1; a < e->cfg.n_ant; a++)
        for (size_t i = 0; i < n_fft; i++)
            e->profile[i] += cplxf_norm(e->delay[a * n_fft + i]);
}

/* Quickselect; v is scratch. */
static float median_of(float *v, size_t n)
{
    size_t lo = 0, hi = n - 1, mid = n / 2;
    while (lo < hi) {
        float pivot = v[(lo + hi) / 2];
        size_t i = lo, j = hi;
        while (i <= j) {
            while (v[i] < pivot)
                i++;
            while (v[j] > pivot)
                j--;
            if (i <= j) {
                float t = v[i];
                v[i++] = v[j];
                v[j] = t;
                if (j == 0)
                    break;
                j--;
            }
        }
        if (mid <= j)
            hi = j;
        else if (mid >= i)
            lo = i;
        else
            break;
    }
    return v[mid];
}

static float profile_median(struct toa_est *e)
{
    size_t n = e->cfg.n_fft < MEDIAN_SAMPLES ? e->cfg.n_fft : MEDIAN_SAMPLES;
    for (size_t i = 0; i < n; i++)
        e->sorted[i] = e->profile[i * e->cfg.n_fft / n];
    return median_of(e->sorted, n);
}

static size_t wrap(long i, size_t n)
{
    long r = i % (long)n;
    return (size_t)(r < 0 ? r + (long)n : r);
}

/* The strongest local maximum of the profile whose index lies in [first, last]; the slope of a peak
 * outside the gate is none. Returns false if there is none. */
static bool find_peak(const struct toa_est *e, long first, long last, long *at)
{
    size_t n = e->cfg.n_fft;
    float best = 0;
    for (long i = first; i <= last; i++) {
        float p = e->profile[wrap(i, n)];
        if (p > best && p >= e->profile[wrap(i - 1, n)] && p > e->profile[wrap(i + 1, n)]) {
            best = p;
            *at = i;
        }
    }
    return best > 0;
}

/* exp(j 2 pi f_k tau) for all carriers by recurrence; cycles = spacing tau. */
static void steer(struct toa_est *e, double cycles)
{
    double start = -0.5 * (double)(e->cfg.n_carrier - 1) * cycles;
    double c = cos(2 * PI * start), s = sin(2 * PI * start);
    double dc = cos(2 * PI * cycles), ds = sin(2 * PI * cycles);
    for (size_t k = 0; k < e->cfg.n_carrier; k++) {
        e->cos_k[k] = c;
        e->sin_k[k] = s;
        double next = c * dc - s * ds;
        s = s * dc + c * ds;
        c = next;
    }
}

/* Windowed power at the steered delay. */
static double windowed_power(const struct toa_est *e, const cplxf *h)
{
    size_t n_carrier = e->cfg.n_carrier;
    double power = 0;
    for (size_t a = 0; a < e->cfg.n_ant; a++) {
        const float *ha = (const float *)(h + a * n_carrier);
        double re = 0, im = 0;
        for (size_t k = 0; k < n_carrier; k++) {
            double hr = (double)(ha[2 * k] * e->window[k]);
            double hi = (double)(ha[2 * k + 1] * e->window[k]);
            re += hr * e->cos_k[k] - hi * e->sin_k[k];
            im += hr * e->sin_k[k] + hi * e->cos_k[k];
        }
        power += re * re + im * im;
    }
    return power;
}

/* Vertex of the parabola through three points around index `at`; in fractions of the grid. The
 * points are computed again in double: single precision would cost 1e-6 of a chip. */
static double parabola(struct toa_est *e, const cplxf *h, long at)
{
    double p[3];
    for (long i = 0; i < 3; i++) {
        steer(e, (double)(at + i - 1) / (double)e->cfg.n_fft);
        p[i] = windowed_power(e, h);
        if (e->cfg.parabola_of_root)
            p[i] = sqrt(p[i]);
    }
    return (double)at + fmin(fmax(vertex(p[0], p[1], p[2]), -0.5), 0.5);
}

/* P, P', P'' of the unwindowed likelihood at tau, derivatives in units of spacing tau (cycles):
 * with S_m = sum_k (2 pi (k - mid))^m h_k exp(j 2 pi (k - mid) cycles):
 * P' = 2 Re sum conj(S0) j S1,  P'' = 2 sum |S1|^2 - Re conj(S0) S2. */
struct likelihood {
    double p, d1, d2;
};

static struct likelihood likelihood_at(struct toa_est *e, const cplxf *h, double cycles, cplxf *amp)
{
    size_t n_carrier = e->cfg.n_carrier;
    double mid = 0.5 * (double)(n_carrier - 1);
    struct likelihood l = {0, 0, 0};
    steer(e, cycles);
    for (size_t a = 0; a < e->cfg.n_ant; a++) {
        const float *ha = (const float *)(h + a * n_carrier);
        double r0 = 0, i0 = 0, r1 = 0, i1 = 0, r2 = 0, i2 = 0;
        for (size_t k = 0; k < n_carrier; k++) {
            double hr = (double)ha[2 * k], hi = (double)ha[2 * k + 1];
            double re = hr * e->cos_k[k] - hi * e->sin_k[k];
            double im = hr * e->sin_k[k] + hi * e->cos_k[k];
            double w = 2 * PI * ((double)k - mid);
            r0 += re;
            i0 += im;
            r1 += w * re;
            i1 += w * im;
            r2 += w * w * re;
            i2 += w * w * im;
        }
        l.p += r0 * r0 + i0 * i0;
        l.d1 += 2 * (i0 * r1 - r0 * i1);
        l.d2 += 2 * (r1 * r1 + i1 * i1 - r0 * r2 - i0 * i2);
        amp[a] = CMPLXF((float)(r0 / (double)n_carrier), (float)(i0 / (double)n_carrier));
    }
    return l;
}

/* Newton inside [lo, hi]; in cycles = spacing tau. Where the likelihood is not concave a short step
 * uphill takes the place of Newton's. Leaves amp at the result. */
static double refine(struct toa_est *e, const cplxf *h, double start, double lo, double hi,
                     cplxf *amp)
{
    double chip = 1.0 / (double)e->cfg.n_carrier, at = start;
    struct likelihood l = likelihood_at(e, h, at, amp);
    double p_start = l.p;
    for (int i = 0; i < NEWTON_STEPS; i++) {
        double step = l.d2 < 0 ? -l.d1 / l.d2 : copysign(0.1 * chip, l.d1);
        step = fmin(fmax(step, -0.25 * chip), 0.25 * chip);
        double next = fmin(fmax(at + step, lo), hi);
        bool still = fabs(next - at) < 1e-8 * chip;
        at = next;
        l = likelihood_at(e, h, at, amp);
        if (still)
            break;
    }
    if (l.p < p_start || at == lo || at == hi) { /* ran into another path: keep the coarse value */
        at = start;
        likelihood_at(e, h, at, amp);
    }
    return at;
}

static void judge(const struct toa_est *e, double metres, float median, float noise_var,
                  struct toa *out)
{
    double n_carrier = (double)e->cfg.n_carrier, energy = 0;
    double rms_hz = e->cfg.spacing_hz * sqrt((n_carrier * n_carrier - 1) / 12);
    for (size_t a = 0; a < e->cfg.n_ant; a++)
        energy += (double)cplxf_norm(out->amp[a]) * n_carrier;
    out->noise_var = noise_var > 0 ? noise_var : (float)((double)median / e->noise_gain);
    double e_n0 = energy / fmax((double)out->noise_var, 1e-30);
    out->snr_db = 10 * log10(fmax(e_n0, 1e-30));
    out->sigma_m = SPEED_OF_LIGHT / (2 * PI * rms_hz * sqrt(2 * fmax(e_n0, 1e-30)));
    out->length_m = metres;
}

int toa_estimate(struct toa_est *e, const cplxf *h, const struct toa_gate *gate, float noise_var,
                 struct toa *out)
{
    double period_m = SPEED_OF_LIGHT / e->cfg.spacing_hz;
    double grid_m = period_m / (double)e->cfg.n_fft;
    memset(out, 0, sizeof *out);
    if (!(gate->min_m < gate->max_m) || !(gate->max_m - gate->min_m <= period_m) ||
        !(fabs(gate->min_m) <= period_m))
        return ERR_ARG;
    make_profile(e, h);
    float median = profile_median(e);
    long at = 0;
    if (!find_peak(e, lrint(ceil(gate->min_m / grid_m)), lrint(floor(gate->max_m / grid_m)), &at))
        return ERR_NO_PEAK;
    float peak = e->profile[wrap(at, e->cfg.n_fft)];
    out->peak_db = 10 * log10f(peak / fmaxf(median, 1e-30f));
    double coarse = parabola(e, h, at) / (double)e->cfg.n_fft;
    double lobe = 0.75 / (double)e->cfg.n_carrier;
    double lo = fmax(gate->min_m / period_m, coarse - lobe);
    double hi = fmin(gate->max_m / period_m, coarse + lobe);
    double fine = coarse;
    if (e->cfg.coarse_only)
        likelihood_at(e, h, coarse, out->amp);
    else
        fine = refine(e, h, coarse, lo, hi, out->amp);
    out->coarse_m = coarse * period_m;
    judge(e, fine * period_m, median, noise_var, out);
    return out->peak_db >= (float)e->cfg.min_db ? OK : ERR_NO_PEAK;
}
