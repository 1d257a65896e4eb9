/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Products of a few rows with the whole matrix of a model. A library's GEMM packs the matrix first,
 * which for a handful of rows costs more than the product. RT-safe. */
#pragma once
#include <stddef.h>

#include "dsp/cplx.h"

/* out[n x T] (rows stride apart) = rows[n x M] a[M x T]. n <= 10; below 8 columns by the library.
 */
void skinny_rows(const cplx *rows, size_t n, size_t m, const cplx *a, size_t t, cplx *out,
                 size_t stride);

/* out[n x M] = conj(q)[n x T] a^T, a: [M x T], readable (and finite) for 8 values beyond its end.
 */
void skinny_dots(const cplxf *q, size_t n, size_t t, const cplxf *a, size_t m, cplxf *out);
