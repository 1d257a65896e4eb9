/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Several paths in one stream, which the bandwidth alone does not tell apart: maximum likelihood in
 * all delays and angles together, the amplitudes projected out.
 *
 *   y_jk = sum over ways w of b_w a_j(u_w) s_k(L_w) + n,   s_k(L) = exp(-j 2 pi f_k L / c),
 *   a_j(u) = exp(j 2 pi (x_j u - x_j^2 (1 - u^2) / (2 r)) / lambda),
 *
 * x_j along the array's line, u the sine of the angle to its broadside, r the distance at which the
 * wave started. Start: alternating projection on grids (RELAX that fits all amplitudes anew at each
 * candidate). Then Levenberg-Marquardt on the projected residual. docs/signal-model.md, section
 * "Paths in one stream". */
#pragma once
#include "dsp/toa.h"

enum {
    DELAY_ANGLE_PATHS = 4,
    DELAY_ANGLE_SOURCES = 4,
    DELAY_ANGLE_WAYS = 2,
    DELAY_ANGLE_TRIES = 8
};

struct delay_angle_cfg {
    size_t n_ant;                  /* 2..TOA_MAX_ANT */
    size_t n_carrier;              /* K, 3..8191; carrier k at (k - (K-1)/2) spacing */
    double spacing_hz;             /* > 0 */
    double wavelength_m;           /* > 0 */
    double element_m[TOA_MAX_ANT]; /* x_j */
};

struct delay_angle_source { /* where waves come from */
    double sine;            /* u, if known */
    double range_m;         /* r; INFINITY: a plane wave */
    bool known;
};

struct delay_angle_path {            /* one delay */
    struct toa_gate gate;            /* it is searched here */
    size_t n_way;                    /* 1..DELAY_ANGLE_WAYS: it arrives */
    size_t source[DELAY_ANGLE_WAYS]; /* from these at the same delay */
};

struct delay_angle_model {
    size_t n_source, n_path;
    struct delay_angle_source source[DELAY_ANGLE_SOURCES];
    struct delay_angle_path path[DELAY_ANGLE_PATHS];
};

struct delay_angle_fit {
    double length_m[DELAY_ANGLE_PATHS];
    double sine[DELAY_ANGLE_SOURCES];
    cplx amp[DELAY_ANGLE_PATHS][DELAY_ANGLE_WAYS];
    double cost;                            /* |residual|^2 */
    double noise_var;                       /* of an entry of y, from the cost */
    double sigma_m[DELAY_ANGLE_PATHS];      /* bounds at that noise, all else unknown; */
    double sigma_sine[DELAY_ANGLE_SOURCES]; /* 0 if known */
    /* By delay_angle_estimate: the strongest that the residual holds in the path's gate, from any
     * direction, in the units of |amp|^2. A model that leaves paths out shows here. */
    double rest[DELAY_ANGLE_PATHS];
    int iterations;
    bool converged;
};

struct delay_angle;

/* Setup only. NULL if cfg is out of range (says why in *err, may be NULL). */
struct delay_angle *delay_angle_create(const struct delay_angle_cfg *cfg, struct status *err);
void delay_angle_destroy(struct delay_angle **est);

/* RT-safe; lab, five ways, one try: budget 2 ms. y: [n_ant x K]. Start and refinement. tries: the
 * best of so many starts, 1..DELAY_ANGLE_TRIES; one is enough where the first path is by far the
 * strongest, three where all are alike.
 * ERR_NO_PEAK: two ways became one, so that there is no solution (*fit is then of no use). */
int delay_angle_estimate(struct delay_angle *est, const struct delay_angle_model *model,
                         const cplxf *y, size_t tries, struct delay_angle_fit *fit) MUST_CHECK;

/* RT-safe. The refinement alone, from fit->length_m and fit->sine. */
int delay_angle_refine(struct delay_angle *est, const struct delay_angle_model *model,
                       const cplxf *y, struct delay_angle_fit *fit) MUST_CHECK;

/* RT-safe. Another carrier from here on. */
void delay_angle_tune(struct delay_angle *est, double wavelength_m);

/* RT-safe. Path p alone, as snapshots: [K x n_ant], y without the fit's other paths. */
void delay_angle_isolate(struct delay_angle *est, const struct delay_angle_model *model,
                         const cplxf *y, const struct delay_angle_fit *fit, size_t p, cplx *snap);

/* RT-safe. Antenna vector of each path, [n_path][TOA_MAX_ANT]: what the fit gives it, and what the
 * residual holds at its delay. */
void delay_angle_vectors(struct delay_angle *est, const struct delay_angle_model *model,
                         const cplxf *y, const struct delay_angle_fit *fit,
                         cplxf (*vector)[TOA_MAX_ANT]);
