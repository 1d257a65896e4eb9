/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * l1-JLFD, [S2] Algorithm 1: in turn the mask deviation nu = f - 1 by LASSO (FISTA) at a fixed
 * position and gain, and position and gain at a fixed mask.
 *
 *   min 1/2 |b - A nu|^2 + lambda |nu|_1,   A = -beta H,  b = y - beta H 1  (nu counts 1 - f) */
#pragma once
#include "calib/agnostic.h"
#include "calib/jlfd_score.h"

struct jlfd_l1;

/* Setup only; one workspace per thread, the model must outlive it. NULL when memory is short. */
struct jlfd_l1 *jlfd_l1_create(const struct pixel_model *model);
void jlfd_l1_destroy(struct jlfd_l1 **ws);

/* RT-safe. Lambda falls by halves to the noise. Pixels whose deviation passes five resolutions of
 * the pilots are declared, then position, gain and their coefficients refined jointly (the l1 norm
 * shrinks them). Returns 0, ERR_ARG or ERR_GEOMETRY. */
int jlfd_l1_run(struct jlfd_l1 *ws, const struct jlfd_data *data,
                struct pixel_estimate *out) MUST_CHECK;

/* The turns of the last run. */
const struct jlfd_path *jlfd_l1_path(const struct jlfd_l1 *ws);

/* RT-safe. The LASSO alone, at uvq, beta: nu [M] (in: where to start, out: the minimum), until the
 * KKT conditions hold to tol * lambda or max_iterations are spent. Returns the objective. */
double jlfd_l1_lasso(struct jlfd_l1 *ws, const cplx *y, const struct varpro_fit *at, double lambda,
                     double tol, int max_iterations, cplx *nu);

/* lambda of a noise level: the largest correlation noise alone reaches, sqrt(nv |beta|^2 T log M).
 */
double jlfd_l1_lambda(const struct pixel_model *model, double noise_var, cplx beta);
