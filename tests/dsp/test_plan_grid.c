/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Moments of Gaussian posteriors that lie beside the first grid, or are wider than it. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "dsp/plan_grid.h"

enum { TRIES = 3 };

struct posterior {
    double x, y, sigma_x, sigma_y;
    int calls; /* of eight places */
};

static void gaussian(void *context, const struct vec3 *u, double *log_weight)
{
    struct posterior *p = context;
    p->calls++;
    for (size_t l = 0; l < GAUSS_LANES; l++) {
        const double x = (u[l].x - p->x) / p->sigma_x, y = (u[l].y - p->y) / p->sigma_y;
        log_weight[l] = -0.5 * (x * x + y * y);
    }
}

static void nothing(void *context, const struct vec3 *u, double *log_weight)
{
    (void)context, (void)u;
    for (size_t l = 0; l < GAUSS_LANES; l++)
        log_weight[l] = -INFINITY;
}

/* The cell's rounding is what its user adds. */
static void assert_found(struct posterior *p, struct plan_grid grid, int grids)
{
    struct plan_moments m;
    p->calls = 0;
    assert_true(plan_grid_settle(&grid, TRIES, 4, gaussian, p, &m));
    assert_int_equal(p->calls, grids * PLAN_GRID_BATCHES);
    assert_true(m.edge < 0.1);
    assert_true(fabs(grid.centre.x + m.x - p->x) < 0.1 * p->sigma_x);
    assert_true(fabs(grid.centre.y + m.y - p->y) < 0.1 * p->sigma_y);
    assert_true(fabs(sqrt(m.xx) / p->sigma_x - 1) < 0.1);
    assert_true(fabs(sqrt(m.yy) / p->sigma_y - 1) < 0.1);
}

static const struct plan_grid first = {{2, 3, 1.2}, 0.4, 0.2};

static void what_lies_within_takes_one_grid(void **state)
{
    (void)state;
    struct posterior p = {.x = 2.1, .y = 3, .sigma_x = 0.1, .sigma_y = 0.07};
    assert_found(&p, first, 1);
}

static void what_lies_beside_is_found(void **state)
{
    (void)state;
    struct posterior p = {.x = 2.5, .y = 2.95, .sigma_x = 0.1, .sigma_y = 0.06};
    assert_found(&p, first, 2);
}

static void what_is_wider_widens_the_grid(void **state)
{
    (void)state;
    struct posterior p = {.x = 2, .y = 3.1, .sigma_x = 0.4, .sigma_y = 0.06};
    assert_found(&p, first, 2);
}

static void far_off_there_is_none(void **state)
{
    (void)state;
    struct posterior p = {.x = 9, .y = 3, .sigma_x = 0.1, .sigma_y = 0.1};
    struct plan_grid grid = first;
    struct plan_moments m;
    assert_false(plan_grid_settle(&grid, TRIES, 0, gaussian, &p, &m));
    assert_true(grid.half_x == first.half_x && grid.half_y == first.half_y);
}

static void nothing_has_no_moments(void **state)
{
    (void)state;
    struct plan_grid grid = first;
    struct plan_moments m;
    assert_false(plan_grid_settle(&grid, TRIES, 4, nothing, NULL, &m));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_lies_within_takes_one_grid),
        cmocka_unit_test(what_lies_beside_is_found),
        cmocka_unit_test(what_is_wider_widens_the_grid),
        cmocka_unit_test(far_off_there_is_none),
        cmocka_unit_test(nothing_has_no_moments),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
