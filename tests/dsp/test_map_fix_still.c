/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * One stream of still surfaces in scene lab, from rays: no path can be named, and yet the position
 * is good and its ellipse honest. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "dsp/map_fix.h"
#include "tests/dsp/lab_rays.h"

enum { N_USERS = 60, LEN = LAB_ANT * LAB_K };

struct bench {
    struct lab_rays lab;
    struct toa_est *toa;
    struct map_fix *map;
    struct ris_model *ris[2];
    cplxf h[LAB_STREAMS * LEN];
    double error_m[N_USERS];
    size_t n, inside;
};

static void bench_init(struct bench *b)
{
    struct status err = {0};
    const struct toa_cfg toa = {LAB_ANT, LAB_K, LAB_SPACING_HZ, .n_fft = 8192, .min_db = 12};
    lab_rays_init(&b->lab, TEST_DATA_DIR "/ris.json");
    const struct map_fix_cfg cfg = lab_rays_map_fix(&b->lab, 0.3);
    b->toa = toa_est_create(&toa, &err);
    b->map = map_fix_create(&cfg, &err);
    assert_non_null(b->toa);
    assert_non_null(b->map);
    for (int k = 0; k < 2; k++) {
        b->ris[k] = lab_rays_ris(&b->lab, k);
        assert_non_null(b->ris[k]);
    }
}

static void locate(struct bench *b, struct vec3 user, struct rng *rng)
{
    const struct toa_gate gate = {2, 24};
    struct toa toa;
    struct ris_view view[2];
    struct vec3 start;
    struct fix fix;
    double pair[2];
    lab_rays_streams(&b->lab, user, rng, b->h);
    for (size_t i = 0; i < LEN; i++)
        b->h[i] += b->h[LEN + i] + b->h[2 * LEN + i];
    rng_normal2(rng, pair);
    assert_int_equal(toa_estimate(b->toa, b->h, &gate, 0, &toa), 0);
    const struct vec3 to = vec3_sub(user, b->lab.anchors.rx);
    const struct map_fix_still in = {b->h,
                                     &toa,
                                     vec3_dot(vec3_unit(to), vec3_unit((struct vec3){-1, 1, 0})) +
                                         0.03 * pair[1],
                                     {user.z + 0.03 * pair[0], 0.03, true}};
    if (map_fix_start(b->map, &in, &start))
        return;
    for (int k = 0; k < 2; k++)
        view[k] = lab_rays_view(&b->lab, k, b->ris[k], start);
    if (map_fix_solve(b->map, &in, start, view, &fix))
        return;
    const double dx = fix.position.x - user.x, dy = fix.position.y - user.y;
    b->inside += fix_inside95(&fix, dx, dy);
    b->error_m[b->n++] = hypot(dx, dy);
}

static int ascending(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void test_position_without_names(void **state)
{
    (void)state;
    static struct bench b;
    struct rng rng = rng_seed(5);
    bench_init(&b);
    for (size_t i = 0; i < N_USERS; i++) {
        const double x = 2 + 4 * rng_u01(&rng), y = 2 + 4 * rng_u01(&rng), z = 0.8 + rng_u01(&rng);
        locate(&b, (struct vec3){x, y, z}, &rng);
    }
    qsort(b.error_m, b.n, sizeof *b.error_m, ascending);
    print_message("%zu of %d, p50 %.3f p90 %.3f m, inside %zu\n", b.n, N_USERS, b.error_m[b.n / 2],
                  b.error_m[b.n * 9 / 10], b.inside);
    assert_in_range(b.n, N_USERS * 95 / 100, N_USERS);
    assert_true(b.error_m[b.n / 2] < 0.08 && b.error_m[b.n * 9 / 10] < 0.20);
    assert_true(b.inside * 100 >= b.n * 93);
    toa_est_destroy(&b.toa);
    map_fix_destroy(&b.map);
    for (size_t k = 0; k < 2; k++)
        ris_model_destroy(&b.ris[k]);
}

static void test_too_far(void **state)
{
    (void)state;
    static struct lab_rays lab;
    struct status err = {0};
    lab_rays_init(&lab, TEST_DATA_DIR "/ris.json");
    const struct map_fix_cfg cfg = lab_rays_map_fix(&lab, 0.3);
    struct map_fix *map = map_fix_create(&cfg, &err);
    const struct toa far = {.length_m = 60, .snr_db = 40};
    const struct map_fix_still in = {NULL, &far, 0, {1.2, 0.03, true}};
    struct vec3 start;
    assert_non_null(map);
    assert_int_equal(map_fix_start(map, &in, &start), ERR_GEOMETRY);
    map_fix_destroy(&map);
    assert_null(map);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_position_without_names),
        cmocka_unit_test(test_too_far),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
