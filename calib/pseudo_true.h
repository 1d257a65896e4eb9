/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Where an estimator that believes in a healthy surface ends up without noise: the pseudo-true
 * parameter theta0 = argmin |mu - beta sqrt(P) g(p)|^2 over a search box. [S2] III-C.
 *
 * Coarse: the codebook of the estimators (codebook.h); its best sixteen peaks and the truth are
 * refined by Levenberg-Marquardt on the residual with the gain
 * projected out, the winner by Newton on the exact Hessian. */
#pragma once
#include "calib/pilot_mean.h"

enum pseudo_true_scope {
    PSEUDO_TRUE_BOX,  /* the whole box; LOCAL where the estimators do not go: T < 6 or > 256 */
    PSEUDO_TRUE_LOCAL /* the valley in which the truth stands */
};

struct pseudo_true {
    struct vec3 position_m;
    cplx gain;
    double misfit; /* |mu - mu0|^2 */
    bool on_edge;  /* the minimum over the box is no stationary point */
    bool local;    /* LOCAL was searched */
};

struct pseudo_true_search;

/* Setup only. problem: profiles, power, range_m; nf of its surface. Both must outlive the search.
 * NULL when memory is short. */
struct pseudo_true_search *pseudo_true_create(const struct pixel_problem *problem,
                                              const struct near_field *nf,
                                              enum pseudo_true_scope scope);
void pseudo_true_destroy(struct pseudo_true_search **search);

/* mu: [T] noise-free pilots; truth: a start, in front of the surface (clipped to the box). */
void pseudo_true_find(struct pseudo_true_search *search, const cplx *mu, struct vec3 truth,
                      struct pseudo_true *out);

/* Log-likelihood of the assumed (healthy) model at theta = [Re beta, Im beta, x, y, z], times
 * noise_var / 2: gradient Re J^H eps, Hessian Re(eps^H D2 - J^H J), and Re J^H J apart.
 * g: [10 x T] rows of pilot_mean_at; eps: [T] = mu - beta sqrt(P) g. */
struct model_curvature {
    double gradient[5], hessian[5][5], gram[5][5];
};
void model_curvature(const cplx *g, const cplx *eps, size_t n_pilots, cplx gain, double power,
                     struct model_curvature *out);

/* J [5 x T] of the same, row-major. */
void model_jacobian(const cplx *g, size_t n_pilots, cplx gain, double power, cplx *jac);
