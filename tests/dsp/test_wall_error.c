/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What walls are said to do to lengths against what they do to them in scene lab, from rays. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "dsp/wall_error.h"
#include "tests/dsp/lab_rays.h"

enum { N_USERS = 60 };

static struct wall_error_cfg cfg_of(const struct wall_map *walls, double bandwidth_hz)
{
    return (struct wall_error_cfg){.walls = *walls,
                                   .height_m = {0.5, 2.2},
                                   .bandwidth_hz = bandwidth_hz,
                                   .axis = vec3_unit((struct vec3){-1, 1, 0}),
                                   .n_ant = LAB_ANT,
                                   .spacing = 0.5};
}

static struct wall_error *make(const struct wall_map *walls, double bandwidth_hz)
{
    struct status err = {0};
    const struct wall_error_cfg cfg = cfg_of(walls, bandwidth_hz);
    struct wall_error *e = wall_error_create(&cfg, &err);
    if (!e)
        fail_msg("%s", err.text);
    return e;
}

/* Lengths as the estimator times them, in deviations. Of L2 and L3 the model does not know the
 * profiles. */
static void test_lengths_are_as_far_off_as_said(void **state)
{
    (void)state;
    static struct lab_rays lab;
    static cplxf h[LAB_STREAMS * LAB_ANT * LAB_K];
    const struct toa_gate gate[3] = {{2, 24}, {6, 30}, {6, 30}};
    const struct toa_cfg toa_cfg = {LAB_ANT, LAB_K, LAB_SPACING_HZ, .n_fft = 8192, .min_db = 12};
    struct status err = {0};
    struct rng rng = rng_seed(3);
    double square[3] = {0};
    size_t inside = 0;
    lab_rays_init(&lab, TEST_DATA_DIR "/ris.json");
    const struct wall_map walls = lab_rays_map(&lab, 0.3);
    struct wall_error *e = make(&walls, LAB_K * LAB_SPACING_HZ);
    struct toa_est *est = toa_est_create(&toa_cfg, &err);
    assert_non_null(est);
    for (size_t i = 0; i < N_USERS; i++) {
        const double x = 2 + 4 * rng_u01(&rng), y = 2 + 4 * rng_u01(&rng), z = 0.8 + rng_u01(&rng);
        const struct vec3 u = {x, y, z};
        lab_rays_streams(&lab, u, &rng, h);
        for (size_t s = 0; s < 3; s++) {
            struct toa toa;
            struct wall_shift shift;
            assert_int_equal(toa_estimate(est, &h[s * LAB_ANT * LAB_K], &gate[s], 0, &toa), 0);
            wall_error_at(e, (enum fix_row)s, u, &shift);
            const double off = (toa.length_m - shift.mean_m -
                                fix_predict(&walls.anchors, (enum fix_row)s, u, NULL)) /
                               shift.sigma_m;
            square[s] += off * off / N_USERS;
            inside += fabs(off) < 1.96;
        }
    }
    print_message("rms in deviations %.2f %.2f %.2f, inside %zu of %d\n", sqrt(square[0]),
                  sqrt(square[1]), sqrt(square[2]), inside, 3 * N_USERS);
    assert_true(sqrt(square[0]) > 0.75 && sqrt(square[0]) < 1.4);
    for (size_t s = 1; s < 3; s++)
        assert_true(sqrt(square[s]) > 0.6 && sqrt(square[s]) < 1.5);
    assert_in_range(inside, 3 * N_USERS * 92 / 100, 3 * N_USERS);
    toa_est_destroy(&est);
    wall_error_destroy(&e);
    assert_null(e);
}

static double sigma_at(const struct wall_map *walls, double bandwidth_hz, enum fix_row row)
{
    struct wall_shift shift;
    struct wall_error *e = make(walls, bandwidth_hz);
    wall_error_at(e, row, (struct vec3){4, 3, 1.2}, &shift);
    wall_error_destroy(&e);
    return shift.sigma_m;
}

static void test_walls_and_bandwidth_make_it(void **state)
{
    (void)state;
    static struct lab_rays lab;
    lab_rays_init(&lab, TEST_DATA_DIR "/ris.json");
    const struct wall_map none = lab_rays_map(&lab, 0), soft = lab_rays_map(&lab, 0.15),
                          hard = lab_rays_map(&lab, 0.45);
    static const enum fix_row rows[] = {ROW_L1, ROW_A1, ROW_A2, ROW_A3};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const double b = 80e6, sigma = sigma_at(&soft, b, rows[i]);
        assert_true(sigma_at(&none, b, rows[i]) < 0.01);
        assert_true(sigma > 0.03 && sigma < 0.3);
        assert_true(sigma_at(&hard, b, rows[i]) > 1.5 * sigma);
        assert_true(sigma_at(&soft, b / 4, rows[i]) > 1.5 * sigma);
    }
    assert_true(sigma_at(&hard, 80e6, ROW_H) == 0);
}

/* Where a surface shows nobody its face there is no way by it, and nothing of it is carried to places
 * in front. */
static void test_behind_a_surface(void **state)
{
    (void)state;
    static struct lab_rays lab;
    static const enum fix_row rows[2][2] = {{ROW_L2, ROW_A2}, {ROW_L3, ROW_A3}};
    lab_rays_init(&lab, TEST_DATA_DIR "/ris.json");
    const struct wall_map none = lab_rays_map(&lab, 0), some = lab_rays_map(&lab, 0.3);
    struct wall_error *without = make(&none, 80e6), *with = make(&some, 80e6);
    for (size_t k = 0; k < 2; k++)
        for (int cm = -150; cm <= 150; cm += 10) {
            struct vec3 u = vec3_add(lab.anchors.ris[k], vec3_scale(some.face[k], cm / 100.0));
            struct wall_paths paths;
            u.z = 1.2;
            wall_paths_list(&some, 1 + k, u, &paths);
            const bool front = vec3_dot(vec3_sub(u, lab.anchors.ris[k]), some.face[k]) > 0;
            assert_int_equal(paths.n > 0, front);
            for (size_t i = 0; i < 2; i++) {
                struct wall_shift shift;
                wall_error_at(without, rows[k][i], u, &shift);
                assert_true(fabs(shift.mean_m) < 0.01 && shift.sigma_m < 0.01);
                wall_error_at(with, rows[k][i], u, &shift);
                assert_true(fabs(shift.mean_m) < 1 && shift.sigma_m >= 0 && shift.sigma_m < 1);
            }
        }
    struct wall_shift shift;
    wall_error_at(without, ROW_L3, (struct vec3){2.1, 5.9, 1.2}, &shift);
    assert_true(fabs(shift.mean_m) < 0.01 && shift.sigma_m < 0.01);
    wall_error_destroy(&without);
    wall_error_destroy(&with);
}

static void test_refusals(void **state)
{
    (void)state;
    static struct lab_rays lab;
    struct status err = {0};
    lab_rays_init(&lab, TEST_DATA_DIR "/ris.json");
    const struct wall_map walls = lab_rays_map(&lab, 0.3);
    struct wall_error_cfg cfg = cfg_of(&walls, 0);
    assert_null(wall_error_create(&cfg, &err));
    assert_int_equal(err.code, ERR_ARG);
    cfg = cfg_of(&walls, 80e6);
    cfg.n_ant = 9;
    assert_null(wall_error_create(&cfg, &err));
    cfg = cfg_of(&walls, 80e6);
    cfg.walls.factor[0] = 1;
    assert_null(wall_error_create(&cfg, &err));
    assert_non_null(strstr(err.text, "factor of a wall"));
    wall_error_destroy(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lengths_are_as_far_off_as_said),
        cmocka_unit_test(test_walls_and_bandwidth_make_it),
        cmocka_unit_test(test_behind_a_surface),
        cmocka_unit_test(test_refusals),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
