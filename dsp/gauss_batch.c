/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "dsp/gauss_batch.h"
#include <assert.h>
#include <math.h>

enum { PIVOTS_PER_LOG = 6 }; /* of 1e-30 at least: their product stays a number */
static const double pivot_min = 1e-30;

/* x -= sum a_k b_k; by pointer, as vectors wider than the machine's have no agreed way to travel.
 */
static void take_dot(const gauss_lanes *a, const gauss_lanes *b, size_t n, gauss_lanes *x)
{
    gauss_lanes sum = {0};
    for (size_t k = 0; k < n; k++)
        sum += a[k] * b[k];
    *x -= sum;
}

static void add_log(const gauss_lanes *x, double *sum)
{
    for (size_t l = 0; l < GAUSS_LANES; l++)
        sum[l] += log((*x)[l]);
}

/* C = L L^T in place, with the inverse of the diagonal in d. Adds log |C|. */
static void factor(struct gauss_batch *batch, size_t n, gauss_lanes *d, double *log_det)
{
    gauss_lanes product = {1, 1, 1, 1, 1, 1, 1, 1};
    for (size_t i = 0; i < n; i++) {
        gauss_lanes *row = batch->c + gauss_cell(i, 0);
        for (size_t j = 0; j < i; j++) {
            take_dot(row, batch->c + gauss_cell(j, 0), j, &row[j]);
            row[j] *= d[j];
        }
        take_dot(row, row, i, &row[i]);
        for (size_t l = 0; l < GAUSS_LANES; l++) {
            row[i][l] = row[i][l] > pivot_min ? row[i][l] : pivot_min;
            d[i][l] = 1 / sqrt(row[i][l]);
        }
        product *= row[i];
        if ((i + 1) % PIVOTS_PER_LOG == 0 || i + 1 == n) {
            add_log(&product, log_det);
            product = product * 0 + 1;
        }
    }
}

/* Adds y^H C^-1 y by forward substitution. */
static void add_form(const struct gauss_batch *batch, const gauss_lanes *d, const cplx *y, size_t n,
                     gauss_lanes *form)
{
    gauss_lanes re[GAUSS_MAX], im[GAUSS_MAX];
    for (size_t i = 0; i < n; i++) {
        const gauss_lanes *row = batch->c + gauss_cell(i, 0);
        re[i] = d[i] * 0 + creal(y[i]);
        im[i] = d[i] * 0 + cimag(y[i]);
        take_dot(row, re, i, &re[i]);
        take_dot(row, im, i, &im[i]);
        re[i] *= d[i];
        im[i] *= d[i];
        *form += re[i] * re[i] + im[i] * im[i];
    }
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
