/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "dsp/first_path.h"
#include "dsp/fft.h"
#include "dsp/spd.h"
#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NEAREST_CHIPS    0.1  /* the nearest reflection that is told apart; */
#define STEP_CHIPS       0.15 /* further ones in this grid, */
#define FAR_STEP_CHIPS   0.5  /* and from */
#define FAR_CHIPS        8.0  /* on in this one, to */
#define LAST_CHIPS       16.0
#define REACH_CHIPS      0.25 /* of the search about the given arrival */
#define SCAN_CHIPS       0.025
#define AGAIN_CHIPS      0.025  /* how far a better knowledge of the powers moves the result */
#define RESOLUTION_CHIPS 2.5e-5 /* 0.1 mm in the lab */
#define REFLECTED        1e-3   /* power of reflections at first, relative to the path, and */
#define REFLECTED_MAX    10     /* at most, or what fits no such model makes the system singular */
#define MODEL_VAR        4e-6 /* what the grid cannot explain, likewise: the least noise assumed */
/* Terms of the series in the shift, at most 0.55 chips: the phase at the band's edge is then below
 * 1.74, and 1.74^16 / 16! is 3e-10. */
enum { GRID_MAX = 80, PASSES = 12, TERMS = 16, BLOCKS = 2 * TOA_MAX_ANT / SPD_BLOCK };

struct first_path_est {
    struct first_path_cfg cfg;
    double chip_m;
    size_t n_block; /* of four antennas */
    size_t n;       /* grid points, the path itself first */
    double later_m[GRID_MAX];
    double ridge[GRID_MAX]; /* noise_var / p_i, 0 for the path */
    double factor[GRID_MAX * GRID_MAX];
    double *power;   /* [n_carrier][TERMS] (2 pi f_k chip / c)^m / m! */
    double centre_m; /* about which the series holds */
    double term[TERMS][BLOCKS][GRID_MAX][SPD_BLOCK]; /* j^m times the moments, as x */
    double x[BLOCKS][GRID_MAX][SPD_BLOCK]; /* S^H y, then solutions: re, im of four antennas */
    double unit[GRID_MAX][SPD_BLOCK];
};

static const char *complaint(const struct first_path_cfg *c)
{
    if (c->n_ant < 1 || c->n_ant > TOA_MAX_ANT)
        return "first_path: n_ant must be 1 to 8";
    if (c->n_carrier < 64 || c->n_carrier > 8191)
        return "first_path: n_carrier must be 64 to 8191";
    if (!(c->spacing_hz > 0) || !isfinite(c->spacing_hz))
        return "first_path: spacing_hz must be positive";
    return NULL;
}

static void lay_grid(struct first_path_est *e)
{
    double chips = NEAREST_CHIPS;
    e->later_m[0] = 0;
    for (e->n = 1; chips <= LAST_CHIPS; e->n++) {
        assert(e->n < GRID_MAX);
        e->later_m[e->n] = chips * e->chip_m;
        chips += chips < FAR_CHIPS ? STEP_CHIPS : FAR_STEP_CHIPS;
    }
}

static bool lay_powers(struct first_path_est *e)
{
    const size_t K = e->cfg.n_carrier;
    e->power = fft_alloc(K * TERMS * sizeof *e->power);
    for (size_t k = 0; e->power && k < K; k++) {
        double x = 2 * PI * ((double)k - (double)(K - 1) / 2) / (double)K, term = 1;
        for (size_t m = 0; m < TERMS; term *= x / (double)++m)
            e->power[k * TERMS + m] = term;
    }
    return e->power != NULL;
}

struct first_path_est *first_path_create(const struct first_path_cfg *cfg, struct status *err)
{
    const char *text = complaint(cfg);
    struct first_path_est *e = text ? NULL : fft_alloc(sizeof *e);
    if (e) {
        memset(e, 0, sizeof *e);
        e->cfg = *cfg;
        e->chip_m = SPEED_OF_LIGHT / ((double)cfg->n_carrier * cfg->spacing_hz);
        e->n_block = (cfg->n_ant + 3) / 4;
        lay_grid(e);
        if (!lay_powers(e))
            first_path_destroy(&e);
    }
    if (!e && err) {
        err->code = text ? ERR_ARG : ERR_NO_MEMORY;
        snprintf(err->text, sizeof err->text, "%s", text ? text : "first_path: out of memory");
    }
    return e;
}

void first_path_destroy(struct first_path_est **est)
{
    if (*est)
        fft_free((*est)->power);
    fft_free(*est);
    *est = NULL;
}

/* s(a)^H s(b) of two lengths that differ by this much: real, as carriers are centred. */
static double overlap(const struct first_path_est *e, double difference_m)
{
    double n = (double)e->cfg.n_carrier, turns = difference_m / (e->chip_m * n);
    double s = sin(PI * turns);
    return fabs(s) < 1e-12 ? n : sin(PI * turns * n) / s;
}

static bool factorise(struct first_path_est *e)
{
    for (size_t i = 0; i < e->n; i++)
        for (size_t j = 0; j <= i; j++)
            e->factor[i * e->n + j] =
                overlap(e, e->later_m[i] - e->later_m[j]) + (i == j ? e->ridge[i] : 0);
    return spd_factor(e->factor, e->n);
}

/* Moments of one antenna's response, turned back by the phasors at one length. */
static void moments(const struct first_path_est *e, const cplxf *h, double length_m,
                    double re[TERMS], double im[TERMS])
{
    const size_t K = e->cfg.n_carrier;
    const double turns = e->cfg.spacing_hz * length_m / SPEED_OF_LIGHT;
    const cplx step = cexp(I * 2 * PI * turns);
    cplx phasor = cexp(-I * PI * turns * (double)(K - 1));
    memset(re, 0, TERMS * sizeof *re);
    memset(im, 0, TERMS * sizeof *im);
    for (size_t k = 0; k < K; k++, phasor *= step) {
        const double *power = e->power + k * TERMS;
        const cplx z = phasor * (cplx)h[k];
        for (size_t m = 0; m < TERMS; m++) {
            re[m] += creal(z) * power[m];
            im[m] += cimag(z) * power[m];
        }
    }
}

/* s(L)^H y about one length, as a series in the shift d = (L - centre) / chip:
 *   s(L)^H y = sum_k exp(j x_k d) z_k = sum_m d^m j^m sum_k x_k^m / m! z_k,
 * x_k = 2 pi f_k chip / c. The search asks for it at 200 shifts of the whole grid. */
static void expand(struct first_path_est *e, const cplxf *h, double centre_m)
{
    e->centre_m = centre_m;
    for (size_t i = 0; i < e->n; i++)
        for (size_t j = 0; j < e->cfg.n_ant; j++) {
            double re[TERMS], im[TERMS];
            moments(e, h + j * e->cfg.n_carrier, centre_m + e->later_m[i], re, im);
            for (size_t m = 0; m < TERMS; m++) {
                const double turned[4] = {re[m], -im[m], -re[m], im[m]}; /* real part of j^m z */
                double *x = &e->term[m][j / 4][i][2 * (j % 4)];
                x[0] = turned[m % 4];
                x[1] = turned[(m + 3) % 4];
            }
        }
}

/* x = S^H y of all antennas for the path at this length and all that follows it. */
static void correlate(struct first_path_est *e, double length_m)
{
    const double d = (length_m - e->centre_m) / e->chip_m;
    for (size_t b = 0; b < e->n_block; b++) {
        memcpy(e->x[b], e->term[TERMS - 1][b], e->n * sizeof e->x[b][0]);
        for (size_t m = TERMS - 1; m-- > 0;)
            for (size_t i = 0; i < e->n; i++)
                for (size_t q = 0; q < SPD_BLOCK; q++)
                    e->x[b][i][q] = e->x[b][i][q] * d + e->term[m][b][i][q];
    }
}

static double square(const double x[SPD_BLOCK])
{
    double sum = 0;
    for (size_t q = 0; q < SPD_BLOCK; q++)
        sum += x[q] * x[q];
    return sum;
}

/* What the path at this length and all that follows it explain of the response. */
static double explained(struct first_path_est *e, double length_m)
{
    double sum = 0;
    correlate(e, length_m);
    for (size_t b = 0; b < e->n_block; b++) {
        spd_forward_block(e->factor, e->n, e->x[b]);
        for (size_t i = 0; i < e->n; i++)
            sum += square(e->x[b][i]);
    }
    return sum;
}

static double scan(struct first_path_est *e, double near_m)
{
    double best = -1, at_m = near_m;
    for (double d = -REACH_CHIPS; d < REACH_CHIPS; d += SCAN_CHIPS) {
        double value = explained(e, near_m + d * e->chip_m);
        if (value > best) {
            best = value;
            at_m = near_m + d * e->chip_m;
        }
    }
    return at_m;
}

/* Golden section between near_m -+ reach_m. */
static double maximise(struct first_path_est *e, double near_m, double reach_m)
{
    const double golden = 0.61803398874989485;
    double lo = near_m - reach_m, hi = near_m + reach_m;
    double a = hi - golden * (hi - lo), b = lo + golden * (hi - lo);
    double at_a = explained(e, a), at_b = explained(e, b);
    while (hi - lo > RESOLUTION_CHIPS * e->chip_m) {
        if (at_a < at_b) {
            lo = a, a = b, at_a = at_b;
            at_b = explained(e, b = lo + golden * (hi - lo));
        } else {
            hi = b, b = a, at_b = at_a;
            at_a = explained(e, a = hi - golden * (hi - lo));
        }
    }
    return (lo + hi) / 2;
}

/* x becomes the amplitudes of the path and of what follows. */
static void fit(struct first_path_est *e, double length_m)
{
    correlate(e, length_m);
    for (size_t b = 0; b < e->n_block; b++) {
        spd_forward_block(e->factor, e->n, e->x[b]);
        spd_backward_block(e->factor, e->n, e->x[b]);
    }
}

/* p_i = mean over antennas of |b_ij|^2, plus their variance noise_var (M^-1)_ii = |L^-1 e_i|^2. */
static void learn_powers(struct first_path_est *e, double noise_var, double most)
{
    for (size_t i = 1; i < e->n; i++) {
        const size_t at = (i - 1) % SPD_BLOCK;
        double power = 0, inverse = 0;
        if (at == 0) {
            memset(e->unit, 0, sizeof e->unit);
            for (size_t q = 0; q < SPD_BLOCK && i + q < e->n; q++)
                e->unit[i + q][q] = 1;
            spd_forward_block(e->factor, e->n, e->unit);
        }
        for (size_t r = i; r < e->n; r++)
            inverse += e->unit[r][at] * e->unit[r][at];
        for (size_t b = 0; b < e->n_block; b++)
            power += square(e->x[b][i]);
        power = power / (double)e->cfg.n_ant + noise_var * inverse;
        e->ridge[i] = noise_var / fmin(power, most);
    }
}

int first_path_estimate(struct first_path_est *e, const cplxf *h, const struct toa *seen,
                        struct first_path *out)
{
    assert(e && h && seen && out);
    double power = 0, at_m = seen->length_m;
    memset(out, 0, sizeof *out);
    for (size_t j = 0; j < e->cfg.n_ant; j++)
        power += (double)cplxf_norm(seen->amp[j]) / (double)e->cfg.n_ant;
    if (!(power > 0) || !isfinite(power))
        return ERR_NO_PEAK;
    double noise_var = fmax((double)seen->noise_var, MODEL_VAR * power);
    e->ridge[0] = 0;
    for (size_t i = 1; i < e->n; i++)
        e->ridge[i] = noise_var / (REFLECTED * power);
    expand(e, h, at_m);
    for (int pass = 0; pass < PASSES; pass++) {
        if (!factorise(e))
            return ERR_NO_PEAK;
        at_m = pass ? maximise(e, at_m, AGAIN_CHIPS * e->chip_m)
                    : maximise(e, scan(e, at_m), SCAN_CHIPS * e->chip_m);
        fit(e, at_m);
        if (pass < PASSES - 1)
            learn_powers(e, noise_var, REFLECTED_MAX * power);
    }
    out->length_m = at_m;
    for (size_t j = 0; j < e->cfg.n_ant; j++)
        out->amp[j] = (cplxf)CMPLX(e->x[j / 4][0][2 * (j % 4)], e->x[j / 4][0][2 * (j % 4) + 1]);
    return OK;
}
