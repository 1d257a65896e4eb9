/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * One set of profiles on one surface, ready for estimation: y = beta A (a(p) . f) + n with
 * A = sqrt(P) W diag(a(p_BS)). Everything the estimators share and nobody changes: any number of
 * threads and workspaces may use one model.
 *
 * The column of pixel m is h_m = A_m a_m(p): its span does not depend on the position, so a support
 * is projected out once, whatever the position does. */
#pragma once
#include "calib/pixel_problem.h"
#include "calib/steer.h"
#include "frames/status.h"

#define PIXEL_MAX_PILOTS 256

struct codebook;

struct pixel_model {
    size_t n_pilots, n_elements;
    size_t columns, rows;
    struct steer_plane plane;
    cplx *a;             /* [M x T] A transposed: pixel m's column is contiguous */
    cplxf *af;           /* the same in float */
    double *norm;        /* [M] |A_m|^2 */
    double typical_norm; /* mean of norm; > 0 */
    double p_fail;
    double q_min, q_max; /* 1 / range_m[1], 1 / range_m[0] */
    size_t k_max;        /* most failures the prior and the pilots allow */
    struct codebook *codebook;
    void *memory;
};

/* Setup only; copies what it needs of the problem (y and noise_var are not read) and builds the
 * search codebook. NULL and a reason in *err if a value is out of range or memory is short. */
struct pixel_model *pixel_model_create(const struct pixel_problem *problem, struct status *err);
void pixel_model_destroy(struct pixel_model **model);

/* RT-safe. a_m(p) of one element. */
cplx pixel_model_user(const struct pixel_model *model, size_t m, const double uvq[3]);

/* RT-safe. out[T] = A (a(p) . f), f = 1 (mask NULL) or mask[M]. scratch: [M]. */
void pixel_model_mean(const struct pixel_model *model, const double uvq[3], const cplx *mask,
                      cplx *scratch, cplx *out);

/* Smallest K with P(Bin(M, p_fail) > K) < 1e-3, at most (2 T - 8) / 2. */
size_t pixel_model_k_max(size_t n_elements, size_t n_pilots, double p_fail);
