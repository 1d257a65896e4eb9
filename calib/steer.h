/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The user's half of the steering vector in the search coordinates x = (u, v, q): direction cosines
 * and inverse range. On a plane of elements (x_m, y_m, 0), with xi = u x + v y, rho = x^2 + y^2:
 *
 *   s = sqrt(1 - 2 q xi + q^2 rho),   F = (2 xi - q rho) / (1 + s),   a = exp(j k F)
 *   F_u = x / s,   F_v = y / s,   F_q = -(rho - xi F) / (s (1 + s))
 *
 * Nothing cancels, and nothing is singular at grazing angles. Cost: about 5 ns an element in
 * double, 2 ns in float. RT-safe. */
#pragma once
#include <stddef.h>

#include "dsp/cplx.h"

/* Elements as separate arrays, aligned to 64 bytes, padded with zeros to a multiple of 16. */
struct steer_plane {
    size_t n;             /* M */
    const double *x, *y;  /* [m] */
    const float *xf, *yf; /* [m] */
    double k;             /* 2 pi / wavelength [rad/m] */
};

/* a: [M]. */
void steer_user(const struct steer_plane *plane, const double uvq[3], cplx *a);

/* rows: [4 x M]: a, da/du, da/dv, da/dq. */
void steer_derivatives(const struct steer_plane *plane, const double uvq[3], cplx *rows);

/* rows: [10 x M]: the four above, then the second derivatives uu, uv, uq, vv, vq, qq. */
void steer_expansion(const struct steer_plane *plane, const double uvq[3], cplx *rows);

/* The float version for grids; phase error below 1e-5 rad for apertures up to 100 wavelengths. */
void steer_user_f(const struct steer_plane *plane, const double uvq[3], cplxf *a);
