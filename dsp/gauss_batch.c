/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "dsp/gauss_batch.h"
#include <assert.h>
#include <math.h>
#include <string.h>

enum { PIVOTS_PER_LOG = 6 }; /* an even number; of 1e-30 at least: their product stays a number */
static const double pivot_min = 1e-30;

/* Half of the lanes: what a register of AVX2 holds. Sums in whole gauss_lanes would live on the
 * stack. */
enum { HALVES = 2 };
typedef double half __attribute__((vector_size(GAUSS_LANES / HALVES * sizeof(double)), may_alias));

/* sum[r][c] = sum_k<n a_r[k] b_c[k], two rows by two. */
static inline __attribute__((always_inline)) void
products(gauss_lanes *const a[2], gauss_lanes *const b[2], size_t n, half sum[2][2][HALVES])
{
    const half *a0 = (const half *)a[0], *a1 = (const half *)a[1];
    const half *b0 = (const half *)b[0], *b1 = (const half *)b[1];
    half s[2][2][HALVES] = {{{{0}}}};
    for (size_t k = 0; k < HALVES * n; k += HALVES)
        for (size_t h = 0; h < HALVES; h++) {
            s[0][0][h] += a0[k + h] * b0[k + h];
            s[0][1][h] += a0[k + h] * b1[k + h];
            s[1][0][h] += a1[k + h] * b0[k + h];
            s[1][1][h] += a1[k + h] * b1[k + h];
        }
    memcpy(sum, s, sizeof s);
}

static void take(gauss_lanes *x, const half sum[HALVES])
{
    half *at = (half *)x;
    for (size_t h = 0; h < HALVES; h++)
        at[h] -= sum[h];
}

/* Rows r become r L^-T, as far as n columns of L are there; d: inverse of its diagonal. The two may
 * be one. */
static void reduce_rows(struct gauss_batch *batch, const gauss_lanes *d, size_t n,
                        gauss_lanes *const row[2])
{
    for (size_t j = 0; j < n; j += 2) {
        const size_t last = j + 1 < n ? j + 1 : j;
        gauss_lanes *const l[2] = {batch->c + gauss_cell(j, 0), batch->c + gauss_cell(last, 0)};
        half sum[2][2][HALVES];
        products(row, l, j, sum);
        for (size_t r = 0; r < 2 && (r == 0 || row[1] != row[0]); r++) {
            take(&row[r][j], sum[r][0]);
            row[r][j] *= d[j];
            if (last == j)
                continue;
            take(&row[r][last], sum[r][1]);
            row[r][last] = (row[r][last] - row[r][j] * l[1][j]) * d[last];
        }
    }
}

static void add_log(const gauss_lanes *x, double *sum)
{
    for (size_t l = 0; l < GAUSS_LANES; l++)
        sum[l] += log((*x)[l]);
}

static void take_pivot(gauss_lanes *pivot, gauss_lanes *d, gauss_lanes *product)
{
    for (size_t l = 0; l < GAUSS_LANES; l++) {
        const double x = (*pivot)[l] > pivot_min ? (*pivot)[l] : pivot_min;
        (*d)[l] = 1 / sqrt(x);
        (*product)[l] *= x;
    }
}

/* C = L L^T in place but for the diagonal, whose inverse goes to d. Adds log |C|. */
static void factor(struct gauss_batch *batch, size_t n, gauss_lanes *d, double *log_det)
{
    const gauss_lanes one = {1, 1, 1, 1, 1, 1, 1, 1};
    gauss_lanes product = one;
    for (size_t i = 0; i < n; i += 2) {
        const size_t last = i + 1 < n ? i + 1 : i;
        gauss_lanes *const row[2] = {batch->c + gauss_cell(i, 0), batch->c + gauss_cell(last, 0)};
        half sum[2][2][HALVES];
        reduce_rows(batch, d, i, row);
        products(row, row, i, sum);
        take(&row[0][i], sum[0][0]);
        take_pivot(&row[0][i], &d[i], &product);
        if (last > i) {
            take(&row[1][i], sum[1][0]);
            take(&row[1][last], sum[1][1]);
            row[1][i] *= d[i];
            row[1][last] -= row[1][i] * row[1][i];
            take_pivot(&row[1][last], &d[last], &product);
        }
        if ((i + 2) % PIVOTS_PER_LOG == 0 || i + 2 >= n) {
            add_log(&product, log_det);
            product = one;
        }
    }
}

/* Adds y^H C^-1 y. */
static void add_form(struct gauss_batch *batch, const gauss_lanes *d, const cplx *y, size_t n,
                     gauss_lanes *form)
{
    gauss_lanes re[GAUSS_MAX], im[GAUSS_MAX];
    gauss_lanes *const row[2] = {re, im};
    for (size_t i = 0; i < n; i++)
        for (size_t l = 0; l < GAUSS_LANES; l++) {
            re[i][l] = creal(y[i]);
            im[i][l] = cimag(y[i]);
        }
    reduce_rows(batch, d, n, row);
    for (size_t i = 0; i < n; i++)
        *form += re[i] * re[i] + im[i] * im[i];
}

void gauss_log_likelihood(struct gauss_batch *batch, size_t n, const cplx *y, size_t stride,
                          size_t n_y, double *ll)
{
    assert(n >= 1 && n <= GAUSS_MAX);
    gauss_lanes d[GAUSS_MAX], form = {0};
    double log_det[GAUSS_LANES] = {0};
    factor(batch, n, d, log_det);
    for (size_t j = 0; j < n_y; j++)
        add_form(batch, d, y + j * stride, n, &form);
    for (size_t l = 0; l < GAUSS_LANES; l++)
        ll[l] = -((double)n * log(form[l]) + log_det[l]);
}
