/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Directions of users seen among walls in scene lab: as far off as the map says. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "dsp/array.h"
#include "dsp/rng.h"
#include "dsp/wall_direction.h"
#include "tests/dsp/lab_rays.h"

enum { N = LAB_ANT, PLACES = 40, DRAWS = 50 };
#define BANDWIDTH_HZ  80e6
#define WAVELENGTH_M  (SPEED_OF_LIGHT / 5.8e9)
#define SPACING_WAVES 0.5

struct bench {
    struct wall_map walls;
    struct vec3 axis;
    double x[N];
    struct rng rng;
};

static int set_up(void **state)
{
    static struct bench b;
    struct lab_rays lab;
    lab_rays_init(&lab, TEST_DATA_DIR "/ris.json");
    b.walls = lab_rays_map(&lab, 0.3);
    b.axis = vec3_unit((struct vec3){1, -1, 0}); /* across the boresight */
    for (size_t m = 0; m < N; m++)
        b.x[m] = SPACING_WAVES * ((double)m - 0.5 * (N - 1));
    b.rng = rng_seed(5);
    *state = &b;
    return 0;
}

static struct vec3 a_place(struct bench *b)
{
    return (struct vec3){1.5 + 5 * rng_u01(&b->rng), 1.5 + 5 * rng_u01(&b->rng), 1.2};
}

static double lobe(double length_m)
{
    const double t = PI * BANDWIDTH_HZ / SPEED_OF_LIGHT * length_m;
    return fabs(t) < 1e-9 ? 1 : sin(t) / t;
}

static double sine_of(const struct bench *b, struct vec3 from)
{
    return vec3_dot(vec3_unit(vec3_sub(from, b->walls.anchors.rx)), b->axis);
}

/* The sine measured in the delay cell of the direct way, less the true one: all ways of the map
 * with phases drawn. */
static double measured_off(struct bench *b, struct vec3 u, const struct wall_paths *paths)
{
    const double direct_m = vec3_dist(u, b->walls.anchors.rx), sine = sine_of(b, u);
    cplxf a[N], y[N];
    for (size_t m = 0; m < N; m++) {
        a[m] = (cplxf)cexp(I * 2 * PI * b->x[m] * sine);
        y[m] = a[m];
    }
    for (size_t i = 0; i < paths->n; i++) {
        const size_t way = paths->way[i].first;
        if (way == 0)
            continue;
        const double from = sine_of(b, wall_map_image(&b->walls, u, way));
        const cplx amp = sqrt(paths->power[i]) * lobe(paths->length_m[i] - direct_m) *
                         cexp(I * 2 * PI * rng_u01(&b->rng));
        for (size_t m = 0; m < N; m++)
            y[m] += (cplxf)(amp * cexp(I * 2 * PI * b->x[m] * from));
    }
    return array_sine_off(a, y, b->x, N);
}

static void directions_are_as_far_off_as_the_map_says(void **state)
{
    struct bench *b = *state;
    double told = 0, square = 0, least = INFINITY, most = 0;
    for (size_t place = 0; place < PLACES; place++) {
        const struct vec3 u = a_place(b);
        const double sigma = wall_direction_sigma(&b->walls, u, b->axis, b->x, N, BANDWIDTH_HZ);
        struct wall_paths paths;
        wall_paths_list(&b->walls, WALL_ANSWER, u, &paths);
        for (size_t i = 0; i < DRAWS; i++) {
            const double off = measured_off(b, u, &paths);
            square += off * off / (sigma * sigma);
        }
        told += sigma / PLACES;
        least = fmin(least, sigma);
        most = fmax(most, sigma);
    }
    const double ratio = sqrt(square / (PLACES * DRAWS));
    print_message("rms over sigma %.3f; sigma %.4f, from %.4f to %.4f\n", ratio, told, least, most);
    assert_true(fabs(ratio - 1) < 0.1);
    assert_true(most > 1.5 * least);
}

static void walls_that_reflect_nothing_turn_nothing(void **state)
{
    struct bench *b = *state;
    struct wall_map walls = b->walls;
    for (size_t face = 0; face < 6; face++)
        walls.factor[face] = 0;
    assert_true(wall_direction_sigma(&walls, (struct vec3){4, 3, 1.2}, b->axis, b->x, N,
                                     BANDWIDTH_HZ) == 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(directions_are_as_far_off_as_the_map_says),
        cmocka_unit_test(walls_that_reflect_nothing_turn_nothing),
    };
    return cmocka_run_group_tests_name("wall_direction", tests, set_up, NULL);
}
