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
#define REFLECTED        1e-3   /* power of reflections at first, relative to the path */
#define MODEL_VAR        4e-6 /* what the grid cannot explain, likewise: the least noise assumed */
enum { GRID_MAX = 80, PASSES = 3 };

struct first_path_est {
    struct first_path_cfg cfg;
    double chip_m;
    size_t n; /* grid points, the path itself first */
    double later_m[GRID_MAX];
    double ridge[GRID_MAX]; /* noise_var / p_i, 0 for the path */
    double factor[GRID_MAX * GRID_MAX];
    double re[TOA_MAX_ANT][GRID_MAX], im[TOA_MAX_ANT][GRID_MAX]; /* S^H y, then solutions */
    double column[GRID_MAX];
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

struct first_path_est *first_path_create(const struct first_path_cfg *cfg, struct status *err)
{
    const char *text = complaint(cfg);
    struct first_path_est *e = text ? NULL : fft_alloc(sizeof *e);
    if (!e) {
        if (err) {
            err->code = text ? ERR_ARG : ERR_NO_MEMORY;
            snprintf(err->text, sizeof err->text, "%s", text ? text : "first_path: out of memory");
        }
        return NULL;
    }
    memset(e, 0, sizeof *e);
    e->cfg = *cfg;
    e->chip_m = SPEED_OF_LIGHT / ((double)cfg->n_carrier * cfg->spacing_hz);
    lay_grid(e);
    return e;
}

void first_path_destroy(struct first_path_est **est)
{
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

/* re + j im = s(length)^H y of every antenna, by recurrence in double. */
static void correlate(struct first_path_est *e, const cplxf *h, double length_m, size_t at)
{
    size_t K = e->cfg.n_carrier;
    double turns = e->cfg.spacing_hz * length_m / SPEED_OF_LIGHT;
    cplx step = cexp(I * 2 * PI * turns), phasor = cexp(-I * PI * turns * (double)(K - 1));
    cplx sum[TOA_MAX_ANT] = {0};
    for (size_t k = 0; k < K; k++, phasor *= step)
        for (size_t j = 0; j < e->cfg.n_ant; j++)
            sum[j] += phasor * (cplx)h[j * K + k];
    for (size_t j = 0; j < e->cfg.n_ant; j++) {
        e->re[j][at] = creal(sum[j]);
        e->im[j][at] = cimag(sum[j]);
    }
}

/* What the path at this length and all that follows it explain of the response. */
static double explained(struct first_path_est *e, const cplxf *h, double length_m)
{
    double sum = 0;
    for (size_t i = 0; i < e->n; i++)
        correlate(e, h, length_m + e->later_m[i], i);
    for (size_t j = 0; j < e->cfg.n_ant; j++) {
        spd_forward(e->factor, e->n, e->re[j]);
        spd_forward(e->factor, e->n, e->im[j]);
        for (size_t i = 0; i < e->n; i++)
            sum += e->re[j][i] * e->re[j][i] + e->im[j][i] * e->im[j][i];
    }
    return sum;
}

static double scan(struct first_path_est *e, const cplxf *h, double near_m)
{
    double best = -1, at_m = near_m;
    for (double d = -REACH_CHIPS; d < REACH_CHIPS; d += SCAN_CHIPS) {
        double value = explained(e, h, near_m + d * e->chip_m);
        if (value > best) {
            best = value;
            at_m = near_m + d * e->chip_m;
        }
    }
    return at_m;
}

/* Golden section between near_m -+ reach_m. */
static double maximise(struct first_path_est *e, const cplxf *h, double near_m, double reach_m)
{
    const double golden = 0.61803398874989485;
    double lo = near_m - reach_m, hi = near_m + reach_m;
    double a = hi - golden * (hi - lo), b = lo + golden * (hi - lo);
    double at_a = explained(e, h, a), at_b = explained(e, h, b);
    while (hi - lo > RESOLUTION_CHIPS * e->chip_m) {
        if (at_a < at_b) {
            lo = a, a = b, at_a = at_b;
            at_b = explained(e, h, b = lo + golden * (hi - lo));
        } else {
            hi = b, b = a, at_b = at_a;
            at_a = explained(e, h, a = hi - golden * (hi - lo));
        }
    }
    return (lo + hi) / 2;
}

/* re, im become the amplitudes of the path and of what follows. */
static void fit(struct first_path_est *e, const cplxf *h, double length_m)
{
    for (size_t i = 0; i < e->n; i++)
        correlate(e, h, length_m + e->later_m[i], i);
    for (size_t j = 0; j < e->cfg.n_ant; j++) {
        spd_solve(e->factor, e->n, e->re[j]);
        spd_solve(e->factor, e->n, e->im[j]);
    }
}

/* p_i = mean over antennas of |b_ij|^2, plus their variance noise_var (M^-1)_ii. */
static void learn_powers(struct first_path_est *e, double noise_var)
{
    for (size_t i = 1; i < e->n; i++) {
        double power = 0;
        memset(e->column, 0, sizeof e->column);
        e->column[i] = 1;
        spd_solve(e->factor, e->n, e->column);
        for (size_t j = 0; j < e->cfg.n_ant; j++)
            power += e->re[j][i] * e->re[j][i] + e->im[j][i] * e->im[j][i];
        power = power / (double)e->cfg.n_ant + noise_var * e->column[i];
        e->ridge[i] = noise_var / power;
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
    for (int pass = 0; pass < PASSES; pass++) {
        if (!factorise(e))
            return ERR_NO_PEAK;
        at_m = pass ? maximise(e, h, at_m, AGAIN_CHIPS * e->chip_m)
                    : maximise(e, h, scan(e, h, at_m), SCAN_CHIPS * e->chip_m);
        fit(e, h, at_m);
        if (pass < PASSES - 1)
            learn_powers(e, noise_var);
    }
    out->length_m = at_m;
    for (size_t j = 0; j < e->cfg.n_ant; j++)
        out->amp[j] = (cplxf)CMPLX(e->re[j][0], e->im[j][0]);
    return OK;
}
