/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What every estimator of broken pixels is given and what it gives back. [S2], model and
 * corrections: docs/calibration.md. Everything is in the frame of the RIS: origin in its centre,
 * x along its columns, y along its rows, z the normal of its face.
 *
 *   y_t = beta sqrt(P) sum_m W[t,m] b_m(p) f_m + n_t,   b_m(p) = a_m(p) a_m(p_BS),   f_m = 1
 *   where a pixel is healthy */
#pragma once
#include <stdbool.h>
#include <stddef.h>

#include "dsp/cplx.h"
#include "dsp/geometry.h"

/* A rectangular RIS and the base station that lights it. Element m = row * columns + column. */
struct pixel_surface {
    size_t columns, rows; /* >= 1, M = columns * rows */
    double spacing_m[2];  /* along x, y; > 0 */
    double wavelength_m;  /* > 0 */
    struct vec3 bs_m;     /* base station, RIS frame, not within the surface */
};

/* One experiment. Arrays belong to the caller and outlive the call they are given to. */
struct pixel_problem {
    struct pixel_surface surface;
    size_t n_pilots;      /* T: pilots, or pairs of them */
    const cplx *profiles; /* [T x M] commanded coefficients W, row-major */
    const cplx *y;        /* [T] received pilots; NULL where only bounds are asked */
    double noise_var;     /* E|n|^2 of an entry of y; > 0 */
    double power;         /* P > 0 */
    double p_fail;        /* prior probability that a pixel has failed, in (0, 1) */
    double range_m[2];    /* search box: range_m[0] <= |p| <= range_m[1], z > 0 */
};

#define PIXEL_MAX_FAILURES 64

struct pixel_failure {
    size_t index;     /* m */
    cplx coefficient; /* f_m; 0 dead, 1 healthy */
    double log_odds;  /* log P(failed | y) / P(healthy | y), given the rest of the estimate */
};

struct pixel_estimate {
    struct vec3 position_m; /* RIS frame */
    cplx gain;              /* beta */
    size_t n_failures;
    struct pixel_failure failures[PIXEL_MAX_FAILURES]; /* indices ascending */
    double residual;                                   /* |y - mu|^2, in units of y */
    int iterations;                                    /* of the innermost optimiser, all told */
    bool converged;
    bool explained; /* false: the residual is beyond its 99.9 % quantile or there are too many */
};
