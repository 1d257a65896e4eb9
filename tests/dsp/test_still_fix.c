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

#include "dsp/still_fix.h"
#include "tests/dsp/lab_rays.h"

enum { N_USERS = 60, LEN = LAB_ANT * LAB_K };
#define LAMBDA 0.0516884

struct bench {
    struct lab_rays lab;
    struct toa_est *toa;
    struct still_fix *still;
    struct ris_model *ris[2];
    cplx gamma[2][256];
    cplxf h[LAB_STREAMS * LEN];
    double error_m[N_USERS];
    size_t n, inside;
};

static struct still_fix_cfg lab_cfg(const struct lab_rays *lab)
{
    struct still_fix_cfg cfg;
    still_fix_cfg_defaults(&cfg);
    cfg.walls = lab_rays_map(lab, 0.3);
    cfg.n_ant = LAB_ANT;
    cfg.n_carrier = LAB_K;
    cfg.spacing_hz = LAB_SPACING_HZ;
    cfg.wavelength_m = LAMBDA;
    cfg.axis = vec3_unit((struct vec3){-1, 1, 0});
    for (size_t j = 0; j < LAB_ANT; j++)
        cfg.element_m[j] = ((double)j - 0.5 * (LAB_ANT - 1)) * LAMBDA / 2;
    return cfg;
}

static void bench_init(struct bench *b)
{
    struct status err = {0};
    const struct toa_cfg toa = {LAB_ANT, LAB_K, LAB_SPACING_HZ, .n_fft = 8192, .min_db = 12};
    lab_rays_init(&b->lab, TEST_DATA_DIR "/ris.json");
    const struct still_fix_cfg cfg = lab_cfg(&b->lab);
    b->toa = toa_est_create(&toa, &err);
    b->still = still_fix_create(&cfg, &err);
    assert_non_null(b->toa);
    assert_non_null(b->still);
    for (size_t k = 0; k < 2; k++) {
        const struct ris_model_cfg ris = {.panel = b->lab.panel[k],
                                          .bs = b->lab.anchors.rx,
                                          .carrier_hz = SPEED_OF_LIGHT / LAMBDA,
                                          .region = {{4, 4}, {4, 4}, {1.2, 1.2}, 1, 1, 1}};
        b->ris[k] = ris_model_create(&ris, &err);
        assert_non_null(b->ris[k]);
        for (size_t m = 0; m < 256; m++)
            b->gamma[k][m] = b->lab.sign[k][m];
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
    const struct still_fix_input in = {b->h,
                                       &toa,
                                       vec3_dot(vec3_unit(to), vec3_unit((struct vec3){-1, 1, 0})) +
                                           0.03 * pair[1],
                                       {user.z + 0.03 * pair[0], 0.03, true}};
    if (still_fix_start(b->still, &in, &start))
        return;
    for (size_t k = 0; k < 2; k++)
        ris_model_view(b->ris[k], b->gamma[k], start, &view[k]);
    if (still_fix_solve(b->still, &in, start, view, &fix))
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
    assert_true(b.error_m[b.n / 2] < 0.15 && b.error_m[b.n * 9 / 10] < 0.35);
    assert_true(b.inside * 100 >= b.n * 90);
    toa_est_destroy(&b.toa);
    still_fix_destroy(&b.still);
    for (size_t k = 0; k < 2; k++)
        ris_model_destroy(&b.ris[k]);
}

static void test_refusals(void **state)
{
    (void)state;
    static struct lab_rays lab;
    struct status err = {0};
    lab_rays_init(&lab, TEST_DATA_DIR "/ris.json");
    struct still_fix_cfg cfg = lab_cfg(&lab), bad = cfg;
    bad.n_ant = 1;
    assert_null(still_fix_create(&bad, &err));
    assert_non_null(strstr(err.text, "n_ant"));
    bad = cfg;
    bad.element_m[0] -= 0.01;
    assert_null(still_fix_create(&bad, &err));
    assert_non_null(strstr(err.text, "mirror"));
    bad = cfg;
    bad.walls.factor[5] = 1;
    assert_null(still_fix_create(&bad, &err));
    assert_non_null(strstr(err.text, "factor of a wall"));

    struct still_fix *still = still_fix_create(&cfg, &err);
    const struct toa far = {.length_m = 60, .snr_db = 40};
    const struct still_fix_input in = {NULL, &far, 0, {1.2, 0.03, true}};
    struct vec3 start;
    assert_non_null(still);
    assert_int_equal(still_fix_start(still, &in, &start), ERR_GEOMETRY);
    still_fix_destroy(&still);
    assert_null(still);
    still_fix_destroy(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_position_without_names),
        cmocka_unit_test(test_refusals),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
