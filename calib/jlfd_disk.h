/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Coefficients of declared pixels by least squares at a fixed position and gain, held in the unit
 * disc: min |y - beta A (a . f)|^2 over f_K, |f_k| <= 1. Exact minimisation over one coefficient at
 * a time (its cost is isotropic: the disc's minimum is the projection), in turn until none moves.
 */
#pragma once
#include "calib/pixel_model.h"

/* RT-safe. res: [T] residual at the f given, updated; f: [n] in the order of support, updated;
 * user: [M] a(p). radius: 1, or INFINITY for plain least squares. Returns the sweeps used. */
int jlfd_disk(const struct pixel_model *model, const cplx *user, cplx beta, const size_t *support,
              size_t n, double radius, cplx *res, cplx *f);
