/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Joint variable projection: with the support K of the failures given, y is linear in
 * [beta, gamma_K] on the regressors [g(p), A_K]; position and all coefficients are refined together
 * by Levenberg-Marquardt in (u, v, q) on the projected residual, Kaufman's Jacobian:
 *
 *   P = I - proj(A_K),  c(p) = |P y|^2 - |g^H P y|^2 / |P g|^2,  J_i = -beta proj_(P g)^perp P dg_i
 *
 * Stop on the step, then (polish) Newton on the exact gradient with a Hessian by differences: the
 * cost cannot resolve steps below 1e-8. */
#pragma once
#include "calib/pixel_model.h"

struct varpro_fit {
    double uvq[3];
    cplx beta;
    cplx gamma[PIXEL_MAX_FAILURES]; /* of A_k, in the order of the support */
    double cost;                    /* |residual|^2 */
    double log_det;                 /* log det of the Gram matrix of A_K with [g] projected out */
    double variance[PIXEL_MAX_FAILURES]; /* E|error of gamma_k|^2 / noise_var, all else unknown */
    double information[3][3];            /* Re J^H J in (u, v, q) */
    int iterations;
    bool converged;
};

struct varpro;

/* Setup only. NULL when memory is short. The model must outlive it. */
struct varpro *varpro_create(const struct pixel_model *model);
void varpro_destroy(struct varpro **vp);

/* The mask that stands for "healthy" (NULL: all ones): known failures of the surface. [M], must
 * outlive its use. RT-safe. */
void varpro_assume(struct varpro *vp, const cplx *mask);

/* RT-safe. From fit->uvq, for support[n] (n <= T - 4, distinct). Fills all of *fit. Returns 0 or
 * ERR_GEOMETRY when the columns of the support are dependent or nothing of g is left. */
int varpro_refine(struct varpro *vp, const cplx *y, const size_t *support, size_t n, bool polish,
                  struct varpro_fit *fit) MUST_CHECK;

/* RT-safe. The same at a fixed position: linear least squares alone. */
int varpro_linear(struct varpro *vp, const cplx *y, const size_t *support, size_t n,
                  struct varpro_fit *fit) MUST_CHECK;

/* RT-safe. From here on g is its second-order expansion around uvq: an evaluation costs O(T), not
 * O(MT). Good for steps of a few tenths of a radian across the surface. varpro_exact (or
 * varpro_assume) ends that. */
void varpro_expand(struct varpro *vp, const double uvq[3]);
void varpro_exact(struct varpro *vp);

/* |sum_i dg_i x_i| / |g|, x from the centre of the expansion to uvq: the mean phase in radians by
 * which the surface has turned. RT-safe. */
double varpro_drift(const struct varpro *vp, const double uvq[3]);

/* RT-safe. [4][T]: g and its derivatives in (u, v, q) at uvq, by the expansion if there is one;
 * rows *stride values apart. Valid until the next call on vp. */
const cplx *varpro_tangent(struct varpro *vp, const double uvq[3], size_t *stride);

/* RT-safe. Of the last refine or linear: residual [T], and an orthonormal basis of [A_K, g],
 * n + 1 rows *stride values apart. Valid until the next call on vp. */
const cplx *varpro_residual(const struct varpro *vp);
const cplx *varpro_basis(const struct varpro *vp, size_t *n, size_t *stride);
