/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Likelihood of complex Gaussian data under eight covariances at once, one in each lane of a
 * vector: matrices this small are too short for SIMD along their rows. Data and order are common to
 * all.
 *
 *     y_j ~ CN(0, a C),  a unknown:  ll = -(n log(sum_j y_j^H C^-1 y_j) + log |C|) + const
 *
 * The data vectors share one scale and count as one look. RT-safe, no state. */
#pragma once
#include "dsp/cplx.h"
#include <stddef.h>

enum { GAUSS_LANES = 8, GAUSS_MAX = 48, GAUSS_CELLS = GAUSS_MAX * (GAUSS_MAX + 1) / 2 };

typedef double gauss_lanes __attribute__((vector_size(GAUSS_LANES * sizeof(double))));

/* Lower triangles by rows: cell i (i + 1) / 2 + j holds C[i][j] of every lane. */
struct gauss_batch {
    gauss_lanes c[GAUSS_CELLS];
};

static inline size_t gauss_cell(size_t i, size_t j)
{
    return i * (i + 1) / 2 + j;
}

/* batch: positive definite, n x n, n 1..GAUSS_MAX; replaced by the Cholesky factors. y: [n_y] rows,
 * `stride` apart, n used. ll: [GAUSS_LANES]; infinite when all data are zero. */
void gauss_log_likelihood(struct gauss_batch *batch, size_t n, const cplx *y, size_t stride,
                          size_t n_y, double *ll);
