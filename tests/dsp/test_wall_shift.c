/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What walls are expected to do to the lengths of a user whose place a fix knows roughly. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "dsp/wall_shift.h"
#include "tests/dsp/lab_rays.h"

struct bench {
    struct lab_rays lab;
    struct wall_map walls;
    struct wall_error *error;
    struct wall_light *light[2];
    cplx gamma[2][256];
    struct wall_shift_view view;
};

static int set_up(void **state)
{
    static struct bench b;
    struct status err = {0};
    lab_rays_init(&b.lab, TEST_DATA_DIR "/ris.json");
    b.walls = lab_rays_map(&b.lab, 0.3);
    const struct wall_error_cfg error = lab_rays_wall_error(&b.walls);
    b.error = wall_error_create(&error, &err);
    assert_non_null(b.error);
    b.view.error = b.error;
    for (size_t k = 0; k < 2; k++) {
        const struct wall_light_cfg light = lab_rays_wall_light(&b.lab, &b.walls, k);
        b.light[k] = wall_light_create(&light, &err);
        assert_non_null(b.light[k]);
        for (size_t m = 0; m < 256; m++)
            b.gamma[k][m] = b.lab.sign[k][m];
        b.view.light[k] = b.light[k];
        b.view.gamma[k] = b.gamma[k];
    }
    *state = &b;
    return 0;
}

static int tear_down(void **state)
{
    struct bench *b = *state;
    wall_error_destroy(&b->error);
    for (size_t k = 0; k < 2; k++)
        wall_light_destroy(&b->light[k]);
    return 0;
}

/* At one place, as it is lit there. */
static bool shift_at(const struct bench *b, enum fix_row row, struct vec3 u,
                     struct wall_shift *shift)
{
    static const int surface[ROW_COUNT] = {[ROW_L2] = 1, [ROW_A2] = 1, [ROW_L3] = 2, [ROW_A3] = 2};
    const int k = surface[row] - 1;
    return wall_error_at(b->error, row, u, k < 0 ? 1 : wall_light_at(b->light[k], b->gamma[k], u),
                         shift);
}

static void test_of_a_place_that_is_known(void **state)
{
    const struct bench *b = *state;
    const struct fix fix = {.position = {3.1, 4.4, 1.2}};
    struct wall_shift shift[ROW_COUNT];
    wall_shift_expect(&b->view, &fix, shift);
    for (enum fix_row row = 0; row < ROW_COUNT; row++) {
        struct wall_shift there;
        assert_int_equal(shift_at(b, row, fix.position, &there), row != ROW_H);
        assert_true(fabs(shift[row].mean_m - there.mean_m) < 1e-12);
        assert_true(fabs(shift[row].sigma_m - there.sigma_m) < 1e-12);
    }
}

/* Known to 0.5 m along y, to 0.1 m along x. */
static struct fix fix_at(struct vec3 u)
{
    return (struct fix){.position = u, .cov = {{0.01, 0, 0}, {0, 0.25, 0}, {0, 0, 0}}};
}

/* Mean and rms over those of the five places where there is such a row. */
static size_t expected(const struct bench *b, enum fix_row row, struct vec3 u,
                       struct wall_shift *all)
{
    const double far = 0.6 * sqrt(5.991464547107979);
    const double dx[] = {0, 0.1 * far, -0.1 * far, 0, 0}, dy[] = {0, 0, 0, 0.5 * far, -0.5 * far};
    size_t n = 0;
    double square = 0;
    *all = (struct wall_shift){0};
    for (size_t k = 0; k < 5; k++) {
        struct wall_shift there;
        if (!shift_at(b, row, (struct vec3){u.x + dx[k], u.y + dy[k], u.z}, &there))
            continue;
        all->mean_m += there.mean_m;
        square += there.sigma_m * there.sigma_m;
        n++;
    }
    all->mean_m /= n ? (double)n : 1;
    all->sigma_m = sqrt(square / (n ? (double)n : 1));
    return n;
}

/* All over the lab and behind its surfaces, where places say nothing of a length by them. */
static void test_over_where_the_user_may_be(void **state)
{
    const struct bench *b = *state;
    size_t none = 0, some = 0;
    for (double x = 0.25; x < 8; x += 0.5)
        for (double y = 0.25; y < 8; y += 0.5) {
            const struct fix fix = fix_at((struct vec3){x, y, 1.2});
            struct wall_shift shift[ROW_COUNT];
            wall_shift_expect(&b->view, &fix, shift);
            for (enum fix_row row = 0; row < ROW_COUNT; row++) {
                struct wall_shift want;
                const size_t n = expected(b, row, fix.position, &want);
                none += n == 0 && row != ROW_H;
                some += n > 0 && n < 5;
                assert_true(fabs(shift[row].mean_m - want.mean_m) < 1e-9);
                assert_true(fabs(shift[row].sigma_m - want.sigma_m) < 1e-9);
            }
        }
    print_message("%zu rows without a place, %zu with some of the five\n", none, some);
    assert_true(none > 0 && some > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_of_a_place_that_is_known),
        cmocka_unit_test(test_over_where_the_user_may_be),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
