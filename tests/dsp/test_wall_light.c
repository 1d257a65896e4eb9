/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What a profile sends to images against what it sends to the user, by the sum itself. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/dsp/lab_rays.h"

enum { N = 256, MOST = 64 * 64 };
#define BANDWIDTH_HZ (LAB_K * LAB_SPACING_HZ)
static const double wavelength_m = SPEED_OF_LIGHT / 5.8e9;
static const struct vec3 user = {4.3, 3.2, 1.2};

struct bench {
    struct lab_rays lab;
    struct wall_map walls;
    struct wall_light *light[2];
    cplx gamma[MOST];
};

static void make(struct bench *b)
{
    struct status err = {0};
    for (size_t k = 0; k < 2; k++) {
        const struct wall_light_cfg cfg = lab_rays_wall_light(&b->lab, &b->walls, k);
        b->light[k] = wall_light_create(&cfg, &err);
        if (!b->light[k])
            fail_msg("%s", err.text);
    }
}

static int set_up(void **state)
{
    static struct bench bench;
    lab_rays_init(&bench.lab, TEST_DATA_DIR "/ris.json");
    bench.walls = lab_rays_map(&bench.lab, 0.3);
    make(&bench);
    *state = &bench;
    return 0;
}

static int tear_down(void **state)
{
    struct bench *b = *state;
    for (size_t k = 0; k < 2; k++) {
        wall_light_destroy(&b->light[k]);
        assert_null(b->light[k]);
    }
    return 0;
}

static double way_m(const struct bench *b, size_t ris, size_t m, struct vec3 u, struct vec3 bs)
{
    const struct vec3 e = panel_element(&b->lab.panel[ris], m);
    return vec3_dist(u, e) + vec3_dist(bs, e);
}

static double power_of(const struct bench *b, size_t ris, struct vec3 u, struct vec3 bs)
{
    cplx f = 0;
    for (size_t m = 0; m < panel_elements(&b->lab.panel[ris]); m++)
        f += b->gamma[m] * cexp(-2 * PI * I * (way_m(b, ris, m, u, bs) / wavelength_m));
    return cplx_norm(f);
}

static double light_by_sums(const struct bench *b, size_t ris, struct vec3 u)
{
    const struct vec3 bs = b->lab.anchors.rx, r = b->lab.anchors.ris[ris];
    struct wall_paths paths;
    double images = 0, weights = 0;
    wall_paths_list(&b->walls, WALL_ANSWER + 1 + ris, u, &paths);
    for (size_t i = 0; i < paths.n; i++) {
        const struct vec3 uj = wall_map_image(&b->walls, u, paths.way[i].first),
                          bk = wall_map_image(&b->walls, bs, paths.way[i].second);
        const double x =
            (vec3_dist(uj, r) + vec3_dist(r, bk) - vec3_dist(u, r) - vec3_dist(r, bs)) *
            BANDWIDTH_HZ / SPEED_OF_LIGHT;
        if (x < 1e-3)
            continue;
        const double slope = (cos(PI * x) - sin(PI * x) / (PI * x)) / x;
        images += paths.power[i] * slope * slope * power_of(b, ris, uj, bk);
        weights += paths.power[i] * slope * slope;
    }
    return sqrt(images / weights / power_of(b, ris, u, bs));
}

static void assert_is_the_sum(struct bench *b, size_t ris, int n_place)
{
    struct rng rng = rng_seed(5);
    for (int i = 0; i < n_place; i++) {
        const double x = 2 + 4 * rng_u01(&rng), y = 2 + 4 * rng_u01(&rng);
        const struct vec3 u = {x, y, 1.2};
        const double want = light_by_sums(b, ris, u),
                     got = wall_light_at(b->light[ris], b->gamma, u);
        if (want < 50) /* a null is one to the last bit */
            assert_true(fabs(got / want - 1) < 2e-3);
    }
}

static void test_is_the_sum(void **state)
{
    struct bench *b = *state;
    for (size_t k = 0; k < 2; k++) {
        for (size_t m = 0; m < N; m++)
            b->gamma[m] = b->lab.sign[k][m];
        assert_is_the_sum(b, k, 20);
    }
}

/* Whole tiles of elements, and a part of one. */
static void test_is_the_sum_of_large_panels(void **state)
{
    struct bench *b = *state;
    struct rng rng = rng_seed(7);
    const struct panel lab[2] = {b->lab.panel[0], b->lab.panel[1]};
    static const size_t rows[2] = {64, 37}, columns[2] = {64, 29};
    tear_down(state);
    for (size_t m = 0; m < MOST; m++)
        b->gamma[m] = cexp(2 * PI * I * rng_u01(&rng));
    for (size_t k = 0; k < 2; k++)
        b->lab.panel[k].rows = rows[k], b->lab.panel[k].columns = columns[k];
    make(b);
    for (size_t k = 0; k < 2; k++)
        assert_is_the_sum(b, k, 5);
    tear_down(state);
    memcpy(b->lab.panel, lab, sizeof lab);
    make(b);
}

static void focus(struct bench *b, size_t ris, struct vec3 u)
{
    for (size_t m = 0; m < N; m++)
        b->gamma[m] = cexp(2 * PI * I * (way_m(b, ris, m, u, b->lab.anchors.rx) / wavelength_m));
}

static void test_focus(void **state)
{
    struct bench *b = *state;
    for (size_t k = 0; k < 2; k++) {
        focus(b, k, user);
        assert_true(wall_light_at(b->light[k], b->gamma, user) < 0.3);
        focus(b, k, wall_map_image(&b->walls, user, 4));
        assert_true(wall_light_at(b->light[k], b->gamma, user) > 2);
        memset(b->gamma, 0, sizeof b->gamma);
        assert_true(wall_light_at(b->light[k], b->gamma, user) <= 100);
        b->gamma[17] = 1; /* one element sends alike everywhere */
        assert_true(fabs(wall_light_at(b->light[k], b->gamma, user) - 1) < 1e-4);
    }
}

static void test_without_images(void **state)
{
    struct bench *b = *state;
    const struct vec3 behind = vec3_sub(b->lab.anchors.ris[0], b->walls.face[0]);
    focus(b, 0, user);
    assert_true(wall_light_at(b->light[0], b->gamma, behind) == 1);
    const struct wall_map walls = b->walls;
    tear_down(state);
    b->walls = lab_rays_map(&b->lab, 0);
    make(b);
    assert_true(wall_light_at(b->light[0], b->gamma, user) == 1);
    tear_down(state);
    b->walls = walls;
    make(b);
}

static void test_refusals(void **state)
{
    const struct bench *b = *state;
    struct status err = {0};
    struct wall_light_cfg cfg = lab_rays_wall_light(&b->lab, &b->walls, 0);
    cfg.ris = 2;
    assert_null(wall_light_create(&cfg, &err));
    assert_int_equal(err.code, ERR_ARG);
    cfg = lab_rays_wall_light(&b->lab, &b->walls, 0);
    cfg.bandwidth_hz = 0;
    assert_null(wall_light_create(&cfg, &err));
    cfg = lab_rays_wall_light(&b->lab, &b->walls, 0);
    cfg.panel.columns = 0;
    assert_null(wall_light_create(&cfg, &err));
    cfg = lab_rays_wall_light(&b->lab, &b->walls, 0);
    cfg.walls.factor[3] = -1;
    assert_null(wall_light_create(&cfg, &err));
    assert_non_null(strstr(err.text, "factor of a wall"));
    wall_light_destroy(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_is_the_sum), cmocka_unit_test(test_is_the_sum_of_large_panels),
        cmocka_unit_test(test_focus),      cmocka_unit_test(test_without_images),
        cmocka_unit_test(test_refusals),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
