/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What walls are said to do to lengths against what they do to them in scene lab, from rays, of the
 * burst and of the user's own signal. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/dsp/lab_rays.h"

enum { N_USERS = 60 };

static struct wall_error *make(const struct wall_map *walls, double bandwidth_hz)
{
    struct status err = {0};
    struct wall_error_cfg cfg = lab_rays_wall_error(walls);
    cfg.bandwidth_hz = bandwidth_hz;
    struct wall_error *e = wall_error_create(&cfg, &err);
    if (!e)
        fail_msg("%s", err.text);
    return e;
}

enum { ROWS = 6 };
static const enum fix_row rows[ROWS] = {ROW_L1, ROW_L2, ROW_L3, ROW_A1, ROW_A2, ROW_A3};

struct timed {
    double off_m[N_USERS][ROWS]; /* measured less predicted */
    struct wall_shift shift[N_USERS][ROWS];
};

static void make_lights(const struct lab_rays *lab, const struct wall_map *walls,
                        struct wall_light *light[2], cplx gamma[2][256])
{
    struct status err = {0};
    for (size_t k = 0; k < 2; k++) {
        const struct wall_light_cfg cfg = lab_rays_wall_light(lab, walls, k);
        light[k] = wall_light_create(&cfg, &err);
        assert_non_null(light[k]);
        for (size_t m = 0; m < 256; m++)
            gamma[k][m] = lab->sign[k][m];
    }
}

static void time_user(struct toa_est *est, const struct lab_rays *lab, struct vec3 u,
                      struct rng *rng, double off_m[ROWS])
{
    static cplxf h[LAB_STREAMS * LAB_ANT * LAB_K];
    static const struct toa_gate gate[ROWS] = {{2, 24}, {6, 30}, {6, 30}, {1, 9}, {7, 14}, {6, 13}};
    for (size_t s = 0; s < ROWS; s++) {
        struct toa toa;
        if (s == 0)
            lab_rays_streams(lab, u, rng, h);
        if (s == LAB_STREAMS)
            lab_rays_answer(lab, u, rng, h);
        const cplxf *stream = &h[s % LAB_STREAMS * LAB_ANT * LAB_K];
        off_m[s] = toa_estimate(est, stream, &gate[s], 0, &toa)
                       ? INFINITY
                       : toa.length_m - fix_predict(&lab->anchors, rows[s], u, NULL);
    }
}

/* All six lengths as the estimator times them, of users all over a lab with such walls. */
static void time_lengths(double factor, struct timed *out)
{
    static struct lab_rays lab;
    static cplx gamma[2][256];
    const struct toa_cfg toa_cfg = {LAB_ANT, LAB_K, LAB_SPACING_HZ, .n_fft = 8192, .min_db = 12};
    struct status err = {0};
    struct rng rng = rng_seed(3);
    struct wall_light *light[2];
    lab_rays_init(&lab, TEST_DATA_DIR "/ris.json");
    lab.wall = factor;
    const struct wall_map walls = lab_rays_map(&lab, factor);
    struct wall_error *e = make(&walls, LAB_K * LAB_SPACING_HZ);
    struct toa_est *est = toa_est_create(&toa_cfg, &err);
    assert_non_null(est);
    make_lights(&lab, &walls, light, gamma);
    for (size_t i = 0; i < N_USERS; i++) {
        const double x = 2 + 4 * rng_u01(&rng), y = 2 + 4 * rng_u01(&rng), z = 0.8 + rng_u01(&rng);
        const struct vec3 u = {x, y, z};
        time_user(est, &lab, u, &rng, out->off_m[i]);
        for (size_t s = 0; s < ROWS; s++) {
            const size_t by = s % LAB_STREAMS;
            wall_error_at(e, rows[s], u, by ? wall_light_at(light[by - 1], gamma[by - 1], u) : 1,
                          &out->shift[i][s]);
        }
    }
    for (size_t k = 0; k < 2; k++)
        wall_light_destroy(&light[k]);
    toa_est_destroy(&est);
    wall_error_destroy(&e);
    assert_null(e);
}

/* In deviations. The surfaces' phase centres are not taken off. */
static void test_lengths_are_as_far_off_as_said(void **state)
{
    (void)state;
    static struct timed timed;
    double square[ROWS] = {0};
    size_t inside = 0, images = 0;
    time_lengths(0.3, &timed);
    for (size_t i = 0; i < N_USERS; i++)
        for (size_t s = 0; s < ROWS; s++) {
            const struct wall_shift *shift = &timed.shift[i][s];
            const double off = (timed.off_m[i][s] - shift->mean_m) / shift->sigma_m;
            inside += fabs(off) < 1.96;
            if (fabs(timed.off_m[i][s]) >
                3.5) /* a chip: the peak is an image's own, or out of the gate */
                images++;
            else
                square[s] += off * off / N_USERS;
        }
    for (size_t s = 0; s < ROWS; s++)
        print_message("%s: rms in deviations %.2f\n", fix_row_name(rows[s]), sqrt(square[s]));
    print_message("inside %zu of %d, %zu peaks of an image\n", inside, ROWS * N_USERS, images);
    for (size_t s = 0; s < ROWS; s++)
        assert_true(sqrt(square[s]) > 0.6 && sqrt(square[s]) < 1.5);
    assert_in_range(inside, ROWS * N_USERS * 92 / 100, ROWS * N_USERS);
    assert_in_range(images, 0, ROWS * N_USERS / 100);
}

/* Hard walls make lengths longer, and the mean says by how much: what is left without it is less,
 * in the burst and in the user's own signal. */
static void test_mean_is_what_walls_add(void **state)
{
    (void)state;
    static struct timed timed;
    time_lengths(0.45, &timed);
    for (size_t first = 0; first < ROWS; first += LAB_STREAMS) {
        double raw = 0, left = 0, off_m = 0, mean_m = 0;
        for (size_t i = 0; i < N_USERS; i++)
            for (size_t s = first; s < first + LAB_STREAMS; s++) {
                const double off = timed.off_m[i][s], mean = timed.shift[i][s].mean_m;
                if (fabs(off) > 3.5)
                    continue;
                raw += off * off;
                left += (off - mean) * (off - mean);
                off_m += off / (LAB_STREAMS * N_USERS);
                mean_m += mean / (LAB_STREAMS * N_USERS);
            }
        print_message("%s and so on: off by %.3f m, said %.3f m, left %.2f of the squares\n",
                      fix_row_name(rows[first]), off_m, mean_m, left / raw);
        assert_true(left < 0.95 * raw);
        assert_true(mean_m > 0.5 * off_m && mean_m < 1.5 * off_m);
    }
}

/* The darker the user, the more the images of a surface's two ends weigh; without one they do not.
 */
static void test_light(void **state)
{
    (void)state;
    static struct lab_rays lab;
    static const double light[] = {0, 0.25, 0.5, 0.7, 1, 1.5, 2, 4, 9};
    enum { N = sizeof light / sizeof *light };
    lab_rays_init(&lab, TEST_DATA_DIR "/ris.json");
    const struct wall_map walls = lab_rays_map(&lab, 0.3);
    struct wall_error *e = make(&walls, 80e6);
    for (size_t s = 0; s < ROWS; s++) {
        struct wall_shift at[N];
        for (size_t i = 0; i < N; i++)
            wall_error_at(e, rows[s], (struct vec3){4, 3, 1.2}, light[i], &at[i]);
        if (s % LAB_STREAMS == 0) {
            for (size_t i = 1; i < N; i++)
                assert_memory_equal(&at[i], &at[0], sizeof at[0]);
            continue;
        }
        assert_memory_equal(&at[0], &at[1], sizeof at[0]);
        assert_memory_equal(&at[N - 1], &at[N - 2], sizeof at[0]);
        for (size_t i = 2; light[i] < 2; i++)
            assert_true(at[i].sigma_m > at[i - 1].sigma_m);
        assert_true(at[N - 1].sigma_m > 2 * at[4].sigma_m);
    }
    wall_error_destroy(&e);
}

static double sigma_at(const struct wall_map *walls, double bandwidth_hz, enum fix_row row)
{
    struct wall_shift shift;
    struct wall_error *e = make(walls, bandwidth_hz);
    wall_error_at(e, row, (struct vec3){4, 3, 1.2}, 1, &shift);
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
    static const enum fix_row some[] = {ROW_L1, ROW_A1, ROW_A2, ROW_A3};
    for (size_t i = 0; i < sizeof some / sizeof *some; i++) {
        const double b = 80e6, sigma = sigma_at(&soft, b, some[i]);
        assert_true(sigma_at(&none, b, some[i]) < 0.01);
        assert_true(sigma > 0.03 && sigma < 0.3);
        assert_true(sigma_at(&hard, b, some[i]) > 1.5 * sigma);
        assert_true(sigma_at(&soft, b / 4, some[i]) > 1.5 * sigma);
    }
    assert_true(sigma_at(&hard, 80e6, ROW_H) == 0);
}

/* Where a surface shows nobody its face there is no way by it, and nothing of it is carried to
 * places in front. */
static void test_behind_a_surface(void **state)
{
    (void)state;
    static struct lab_rays lab;
    static const enum fix_row by[2][2] = {{ROW_L2, ROW_A2}, {ROW_L3, ROW_A3}};
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
                wall_error_at(without, by[k][i], u, 1, &shift);
                assert_true(fabs(shift.mean_m) < 0.01 && shift.sigma_m < 0.01);
                wall_error_at(with, by[k][i], u, 1, &shift);
                assert_true(fabs(shift.mean_m) < 1 && shift.sigma_m >= 0 && shift.sigma_m < 1);
            }
        }
    struct wall_shift shift;
    wall_error_at(without, ROW_L3, (struct vec3){2.1, 5.9, 1.2}, 1, &shift);
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
    struct wall_error_cfg cfg = lab_rays_wall_error(&walls);
    cfg.bandwidth_hz = 0;
    assert_null(wall_error_create(&cfg, &err));
    assert_int_equal(err.code, ERR_ARG);
    cfg = lab_rays_wall_error(&walls);
    cfg.n_ant = 9;
    assert_null(wall_error_create(&cfg, &err));
    cfg = lab_rays_wall_error(&walls);
    cfg.walls.factor[0] = 1;
    assert_null(wall_error_create(&cfg, &err));
    assert_non_null(strstr(err.text, "factor of a wall"));
    wall_error_destroy(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lengths_are_as_far_off_as_said),
        cmocka_unit_test(test_mean_is_what_walls_add),
        cmocka_unit_test(test_light),
        cmocka_unit_test(test_walls_and_bandwidth_make_it),
        cmocka_unit_test(test_behind_a_surface),
        cmocka_unit_test(test_refusals),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
