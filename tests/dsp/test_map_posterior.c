/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What a posterior is where no stream says anything: its prior, at a tenth of the weight. With
 * streams: tests/dsp/test_map_fix.c. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "dsp/fft.h"
#include "dsp/map_posterior.h"

static const struct fix known = {.position = {4, 3, 1.2},
                                 .cov = {{4e-4, 1e-4, 0}, {1e-4, 9e-4, 0}, {0, 0, 1e-3}}};

static int set_up(void **state)
{
    struct map_posterior *p = fft_alloc(sizeof *p);
    assert_non_null(p);
    *p = (struct map_posterior){.n_ant = 4, .n = 32, .array_error = 5e-3, .evidence = 1};
    *state = p;
    return 0;
}

static int tear_down(void **state)
{
    fft_free(*state);
    return 0;
}

static void test_the_prior_alone_is_found(void **state)
{
    struct plan_grid grid;
    struct plan_moments at;
    const struct vec3 start = {4.2, 2.9, 1.2};
    map_posterior_expect(*state, &known);
    assert_int_equal(map_posterior_search(*state, start, 0.9, &grid, &at), OK);
    const struct vec3 mean = plan_grid_mean(&grid, &at);
    assert_true(hypot(mean.x - known.position.x, mean.y - known.position.y) < 1e-3);
    assert_true(mean.z == start.z);
    assert_true(fabs(at.xx / 4e-3 - 1) < 0.02);
    assert_true(fabs(at.xy / 1e-3 - 1) < 0.02);
    assert_true(fabs(at.yy / 9e-3 - 1) < 0.02);
}

static void test_out_of_reach(void **state)
{
    struct plan_grid grid;
    struct plan_moments at;
    map_posterior_expect(*state, &known);
    assert_int_equal(map_posterior_search(*state, (struct vec3){8, 8, 1.2}, 0.1, &grid, &at),
                     ERR_NO_PEAK);
    map_posterior_expect(*state, NULL); /* nothing at all is flat, up to the rim */
    assert_int_equal(map_posterior_search(*state, known.position, 0.9, &grid, &at), ERR_NO_PEAK);
}

/* Nothing tells that antennas fade where there are no data. */
static void test_silent_antennas_do_not_fade(void **state)
{
    struct plan_grid grid;
    struct plan_moments at;
    map_posterior_expect(*state, &known);
    assert_int_equal(map_posterior_search(*state, known.position, 0.9, &grid, &at), OK);
    const struct plan_moments before = at;
    assert_int_equal(map_posterior_let_fade(*state, &grid, &at), OK);
    assert_memory_equal(&at, &before, sizeof at);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_prior_alone_is_found),
        cmocka_unit_test(test_out_of_reach),
        cmocka_unit_test(test_silent_antennas_do_not_fade),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
