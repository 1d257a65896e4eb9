/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Eight likelihoods at once against each alone by plain elimination; phasors against their sines.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "dsp/fft.h"
#include "dsp/gauss_batch.h"
#include "dsp/phasor.h"
#include "dsp/rng.h"
#include <math.h>

enum { N_Y = 3 };

/* C = A A^T / n + 0.01 I, another one in each lane. */
static void draw(struct rng *rng, size_t n, double c[GAUSS_LANES][GAUSS_MAX][GAUSS_MAX])
{
    for (size_t l = 0; l < GAUSS_LANES; l++) {
        double a[GAUSS_MAX][GAUSS_MAX];
        for (size_t i = 0; i < n; i++)
            for (size_t j = 0; j < n; j++)
                a[i][j] = rng_u01(rng) - 0.5;
        for (size_t i = 0; i < n; i++)
            for (size_t j = 0; j < n; j++) {
                c[l][i][j] = i == j ? 0.01 : 0;
                for (size_t k = 0; k < n; k++)
                    c[l][i][j] += a[i][k] * a[j][k] / (double)n;
            }
    }
}

/* ll of one covariance by Gaussian elimination of [C | y]. */
static double alone(double c[GAUSS_MAX][GAUSS_MAX], size_t n, const cplx (*y)[GAUSS_MAX])
{
    double log_det = 0, form = 0;
    cplx r[N_Y][GAUSS_MAX];
    for (size_t j = 0; j < N_Y; j++)
        for (size_t i = 0; i < n; i++)
            r[j][i] = y[j][i];
    for (size_t p = 0; p < n; p++) {
        log_det += log(c[p][p]);
        for (size_t j = 0; j < N_Y; j++)
            form += cplx_norm(r[j][p]) / c[p][p];
        for (size_t i = p + 1; i < n; i++) {
            double f = c[i][p] / c[p][p];
            for (size_t k = p; k < n; k++)
                c[i][k] -= f * c[p][k];
            for (size_t j = 0; j < N_Y; j++)
                r[j][i] -= f * r[j][p];
        }
    }
    return -((double)n * log(form) + log_det);
}

static void eight_at_once_are_each_alone(void **state)
{
    (void)state;
    static double c[GAUSS_LANES][GAUSS_MAX][GAUSS_MAX];
    struct gauss_batch *batch = fft_alloc(sizeof *batch);
    const size_t sizes[] = {1, 3, 6, 7, 24};
    struct rng rng = rng_seed(7);
    for (size_t t = 0; t < sizeof sizes / sizeof *sizes; t++) {
        size_t n = sizes[t];
        cplx y[N_Y][GAUSS_MAX];
        double ll[GAUSS_LANES];
        draw(&rng, n, c);
        for (size_t j = 0; j < N_Y; j++)
            for (size_t i = 0; i < n; i++)
                y[j][i] = rng_cn(&rng);
        for (size_t l = 0; l < GAUSS_LANES; l++)
            for (size_t i = 0; i < n; i++)
                for (size_t j = 0; j <= i; j++)
                    batch->c[gauss_cell(i, j)][l] = c[l][i][j];
        gauss_log_likelihood(batch, n, y[0], GAUSS_MAX, N_Y, ll);
        for (size_t l = 0; l < GAUSS_LANES; l++)
            assert_true(fabs(ll[l] - alone(c[l], n, (const cplx(*)[GAUSS_MAX])y)) < 1e-9);
    }
    fft_free(batch);
}

static void a_ramp_is_its_phasors(void **state)
{
    (void)state;
    static cplxf out[5000];
    const double first[] = {0, 0.3, -1e5}, step[] = {1e-6, -0.013, 0.49};
    for (size_t t = 0; t < 3; t++) {
        phasor_ramp(first[t], step[t], 5000, out);
        for (size_t i = 0; i < 5000; i++) {
            cplx exact = cexp(I * 2 * PI * fmod(first[t] + (double)i * step[t], 1));
            assert_true(cabs((cplx)out[i] - exact) < 1.5e-7);
            assert_true(cabs((cplx)phasor(first[t] + (double)i * step[t]) - exact) < 1.5e-7);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(eight_at_once_are_each_alone),
        cmocka_unit_test(a_ramp_is_its_phasors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
