/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "dsp/relax.h"
#include "dsp/rng.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

enum { N_ANT = 4, K = 811 };
#define SPACING_HZ (100e6 / 1024)

static void add_path(cplxf *h, double length_m, double amp, struct rng *rng)
{
    for (int j = 0; j < N_ANT; j++) {
        cplx a = amp * cexp(2 * PI * I * rng_u01(rng));
        for (int k = 0; k < K; k++) {
            double f = (k - 0.5 * (K - 1)) * SPACING_HZ;
            h[j * K + k] += (cplxf)(a * cexp(-2 * PI * I * f * length_m / SPEED_OF_LIGHT));
        }
    }
}

/* A leak with clutter around it, the nearest one resolution cell away and 20 dB down. */
static void make_leak(cplxf *h, double leak_m, struct rng *rng)
{
    const double later_m[] = {3.7, 4.5, 7.2, 11, 15, 23},
                 amp[] = {0.1, 0.05, 0.05, 0.03, 0.03, 0.02};
    for (int i = 0; i < N_ANT * K; i++)
        h[i] = (cplxf)(1e-3 * rng_cn(rng));
    add_path(h, leak_m, 1, rng);
    for (int i = 0; i < 6; i++)
        add_path(h, leak_m + later_m[i], amp[i], rng);
}

static double nearest(const struct relax_path *path, size_t n, double length_m)
{
    double best = INFINITY;
    for (size_t i = 0; i < n; i++)
        best = fmin(best, fabs(path[i].length_m - length_m));
    return best;
}

static void test_clutter_does_not_pull_the_strongest_path(void **state)
{
    (void)state;
    struct status err = {0};
    struct relax_cfg cfg = {.n_ant = N_ANT, .n_carrier = K, .spacing_hz = SPACING_HZ, .min_db = 12};
    struct relax *relax = relax_create(&cfg, &err);
    cplxf *h = calloc(N_ANT * K, sizeof *h);
    assert_true(relax && h);
    double alone = 0, separated = 0;
    for (uint64_t seed = 1; seed <= 12; seed++) {
        struct rng rng = rng_seed(seed);
        struct relax_path one, path[10];
        struct toa_gate gate = {480, 600};
        make_leak(h, 492, &rng);
        assert_int_equal(relax_run(relax, h, &gate, 1, &one), 1);
        size_t n = relax_run(relax, h, &gate, 10, path);
        assert_true(n >= 6);
        alone = fmax(alone, fabs(one.length_m - 492));
        separated = fmax(separated, nearest(path, n, 492));
    }
    print_message("worst error of the strongest path: %.3f m alone, %.3f m separated\n", alone,
                  separated);
    assert_true(alone > 0.05);
    assert_true(separated < 0.035 && separated < alone / 2);
    free(h);
    relax_destroy(&relax);
    assert_null(relax);
}

static void test_nothing_in_noise(void **state)
{
    (void)state;
    struct relax_cfg cfg = {.n_ant = N_ANT, .n_carrier = K, .spacing_hz = SPACING_HZ, .min_db = 12};
    struct relax *relax = relax_create(&cfg, NULL);
    cplxf *h = calloc(N_ANT * K, sizeof *h);
    struct rng rng = rng_seed(3);
    struct relax_path path[4];
    assert_true(relax && h);
    for (int i = 0; i < N_ANT * K; i++)
        h[i] = (cplxf)rng_cn(&rng);
    assert_int_equal(relax_run(relax, h, &(struct toa_gate){0, 100}, 4, path), 0);
    free(h);
    relax_destroy(&relax);
}

static void test_bad_configuration(void **state)
{
    (void)state;
    struct status err = {0};
    struct relax_cfg cfg = {.n_ant = 0, .n_carrier = K, .spacing_hz = SPACING_HZ, .min_db = 12};
    assert_null(relax_create(&cfg, &err));
    assert_int_equal(err.code, ERR_ARG);
    relax_destroy(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_clutter_does_not_pull_the_strongest_path),
        cmocka_unit_test(test_nothing_in_noise),
        cmocka_unit_test(test_bad_configuration),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
