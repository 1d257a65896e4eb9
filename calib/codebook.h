/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Coarse search of the user over (u, v, q) without knowledge of failures: maximise
 * |g^H y|^2 / |g|^2, g = A a(u, v, q), over a grid of step 1/columns, 1/rows and four inverse
 * ranges.
 *
 * Small surfaces: the normalised g of every point, made once by GEMM; a search is one matrix-vector
 * product. Large ones (over 2^32 flops to build): backprojection z = A^H y once per search, then
 * the plane of directions in tiles of 8 x 8 points: the curvature is taken at the tile's centre,
 * the rest is a separable DFT by GEMM; the best are rescored with their true norm. */
#pragma once
#include "calib/pixel_model.h"

struct codebook_hit {
    double uvq[3];
    double gain; /* |g^H y|^2 / |g|^2 */
};

struct codebook;
struct codebook_scratch;

/* Setup only; the model must be complete but for its codebook. NULL when memory is short. */
struct codebook *codebook_create(const struct pixel_model *model);
void codebook_destroy(struct codebook **book);
size_t codebook_points(const struct codebook *book);

/* Memory of one searching thread. NULL when memory is short. */
struct codebook_scratch *codebook_scratch_create(const struct codebook *book);
void codebook_scratch_destroy(struct codebook_scratch **scratch);

/* RT-safe. The best local maxima, at most max of them, best first; returns how many (>= 1). */
size_t codebook_search(const struct codebook *book, struct codebook_scratch *scratch, const cplx *y,
                       struct codebook_hit *hits, size_t max);
