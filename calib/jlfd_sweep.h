/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * One sweep over all single-failure hypotheses at a position and gain: [S2] (46)-(48), and the same
 * with what is already declared projected out. O(MT) by correlation and norms, nothing is solved
 * per hypothesis.
 *
 *   c_i = h_i^H r,  e_i = |h_i|^2 - |basis^H h_i|^2,  gamma_i = c_i / e_i,  f_i = 1 + gamma_i /
 * beta gain_i = |c_i|^2 / (e_i nv), on the disc (2 Re c* gamma - e |gamma|^2) / nv delta_i =
 * log((1-p)/p) + log(2 pi |f_i|) [+ log(|beta|^2 e_i / (pi nv))] - gain_i */
#pragma once
#include "calib/jlfd_score.h"

struct jlfd_sweep_task {
    const cplx *res; /* [T] residual */
    double uvq[3];
    cplx beta;
    double noise_var;
    const cplx *mask;  /* [M] what is assumed of the pixels, NULL: 1 */
    const cplx *basis; /* [n_basis x stride] orthonormal, projected out; may be NULL */
    size_t n_basis, stride;
    bool disk_and_occam; /* false: as published */
};

struct jlfd_hypothesis {
    size_t pixel;
    cplx f;
    double gain, delta;
};

struct jlfd_sweep;

/* Setup only; at most max_basis directions. NULL when memory is short. */
struct jlfd_sweep *jlfd_sweep_create(const struct pixel_model *model, size_t max_basis);
void jlfd_sweep_destroy(struct jlfd_sweep **sweep);

/* RT-safe. All hypotheses by pixel, [M], owned by the sweep until the next one. A pixel of which
 * nothing is left has delta = INFINITY. */
const struct jlfd_hypothesis *jlfd_sweep_run(struct jlfd_sweep *sweep,
                                             const struct jlfd_sweep_task *task);
