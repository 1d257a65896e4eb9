/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What a hypothesis about the failures is worth, and how it is reported. [S2] (44)-(48) with the
 * Occam factor of the Laplace approximation: declaring pixel k costs
 *
 *   log((1 - p) / p) + log(2 pi |f_k|) + log(|beta|^2 e_k / (pi noise_var)),   e_k = 1 / variance_k
 *
 * nats and must save more than that of |residual|^2 / noise_var. |f| is floored at its resolution
 * (the slab density has a pole at 0); beyond the unit disc the distance costs too. */
#pragma once
#include "calib/varpro.h"

struct jlfd_data {
    const cplx *y;    /* [T] */
    double noise_var; /* > 0 */
    const cplx *mask; /* [M] coefficients known beforehand, NULL: all 1 */
};

/* Where an estimator stood after each of its iterations, the agnostic start first. */
#define JLFD_PATH_MAX 80
struct jlfd_path {
    size_t n;
    double uvq[JLFD_PATH_MAX][3];
};
void jlfd_path_add(struct jlfd_path *path, const double uvq[3]); /* beyond the last: dropped */

/* f of support[k] in a fit; RT-safe like all below. */
cplx jlfd_coefficient(const struct pixel_model *model, const struct jlfd_data *data,
                      const struct varpro_fit *fit, size_t pixel, size_t k);

/* cost / noise_var + price of all declared pixels: less is better. */
double jlfd_score(const struct pixel_model *model, const struct jlfd_data *data,
                  const struct varpro_fit *fit, const size_t *support, size_t n);

/* |residual|^2 / noise_var with what it would cost to bring all coefficients onto the unit disc. */
double jlfd_misfit(const struct pixel_model *model, const struct jlfd_data *data,
                   const struct varpro_fit *fit, const size_t *support, size_t n);

/* The price of one typical pixel (|f| = 1/2, nothing projected out). */
double jlfd_typical_price(const struct pixel_model *model, double noise_var, cplx beta);

/* Is the misfit |residual|^2 / noise_var within its 99.9 % quantile, n <= T/2 pixels declared? */
bool jlfd_explained(const struct pixel_model *model, double misfit, size_t n);

/* Position, gain, failures (ascending), residual, iterations, converged, explained. Healthy again:
 * pixels of data->mask that are not in the support are not listed. */
void jlfd_report(const struct pixel_model *model, const struct jlfd_data *data,
                 const struct varpro_fit *fit, const size_t *support, size_t n,
                 struct pixel_estimate *out);
