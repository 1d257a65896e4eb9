/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Placements that are refused or warned about, frames of panels and lines, steering vectors. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "dsp/array.h"
#include "dsp/geometry.h"

static const struct room_box room = {{0, 0, 0}, {8, 8, 3}};

static struct anchors lab(void)
{
    return (struct anchors){
        .tx = {0.5, 0.5, 2.5}, .rx = {0.5, 0.5, 2.2}, .ris = {{7, 1.5, 1.9}, {1, 6, 1.7}}};
}

static void check_vec3(struct vec3 got, struct vec3 want, double tolerance)
{
    assert_true(vec3_dist(got, want) <= tolerance);
}

static void test_lab_placement_is_good(void **state)
{
    (void)state;
    struct anchors a = lab();
    struct geometry_report report;
    struct status err;
    assert_int_equal(geometry_check(&a, &room, &report, &err), OK);
    assert_true(fabs(report.condition - 1.3532209705272997) < 1e-12); /* independent reference */
    assert_false(report.mirror_symmetric);
    assert_string_equal(err.text, "");
}

static void test_collinear_anchors_are_refused(void **state)
{
    (void)state;
    struct anchors a = {
        .tx = {0.5, 0.5, 2.2}, .rx = {0.5, 0.5, 2.2}, .ris = {{4, 0.5, 1.9}, {7.5, 0.6, 1.7}}};
    struct geometry_report report;
    struct status err;
    assert_int_equal(geometry_check(&a, &room, &report, &err), ERR_GEOMETRY);
    assert_true(fabs(report.condition - 175.02285788913966) < 1e-6); /* independent reference */
    assert_int_equal(err.code, ERR_GEOMETRY);
    assert_non_null(strstr(err.text, "175"));
    a.ris[1] = a.ris[0];
    assert_int_equal(geometry_check(&a, &room, &report, &err), ERR_GEOMETRY);
    assert_true(isinf(report.condition));
}

static void test_mirror_placement_is_flagged(void **state)
{
    (void)state;
    struct anchors a = {
        .tx = {0.5, 0.5, 2.5}, .rx = {0.5, 0.5, 2.2}, .ris = {{7, 1.5, 1.9}, {1.5, 7, 1.9}}};
    struct geometry_report report;
    struct status err;
    assert_int_equal(geometry_check(&a, &room, &report, &err), OK);
    assert_true(report.mirror_symmetric);
    a.ris[1].z = 1.2;
    assert_int_equal(geometry_check(&a, &room, &report, &err), OK);
    assert_false(report.mirror_symmetric);
}

static void test_anchor_outside_the_room_is_named(void **state)
{
    (void)state;
    struct anchors a = lab();
    struct geometry_report report;
    struct status err;
    a.ris[1].y = 9;
    assert_int_equal(geometry_check(&a, &room, &report, &err), ERR_GEOMETRY);
    assert_non_null(strstr(err.text, "RIS2"));
}

static void test_antenna_line(void **state)
{
    (void)state;
    const struct antenna_line line = {{1, 2, 3}, {-2, 2, 0}, 0.1, 4};
    struct vec3 first = antenna_line_element(&line, 0), last = antenna_line_element(&line, 3);
    check_vec3(vec3_scale(vec3_add(first, last), 0.5), line.centre, 1e-15);
    assert_true(fabs(vec3_dist(first, last) - 0.3) < 1e-15);
    assert_true(last.x < first.x && last.y > first.y);
}

/* Of a known place; the gradient against differences to either side. */
static void test_sine_along_a_line(void **state)
{
    (void)state;
    const struct vec3 axis = vec3_unit((struct vec3){-1, 1, 0}), to = {1.1, 2.3, -0.7};
    const struct vec3 side[] = {{1e-5, 0, 0}, {0, 1e-5, 0}, {0, 0, 1e-5}};
    struct vec3 gradient;
    assert_true(fabs(vec3_sine((struct vec3){3, 0, -4}, (struct vec3){1, 0, 0}, NULL) - 0.6) <
                1e-15);
    assert_true(vec3_sine(to, axis, &gradient) == vec3_sine(to, axis, NULL));
    for (size_t i = 0; i < 3; i++) {
        const double change = vec3_sine(vec3_add(to, side[i]), axis, NULL) -
                              vec3_sine(vec3_sub(to, side[i]), axis, NULL);
        assert_true(fabs(vec3_dot(gradient, side[i]) - change / 2) < 1e-14);
    }
}

static void test_images_in_walls(void **state)
{
    (void)state;
    const struct room_box box = {{-1, 0, 0.5}, {8, 6, 3}};
    const struct vec3 p = {1, 2, 2.5}, image[ROOM_IMAGES] = {p,
                                                             {-3, 2, 2.5},
                                                             {15, 2, 2.5},
                                                             {1, -2, 2.5},
                                                             {1, 10, 2.5},
                                                             {1, 2, -1.5},
                                                             {1, 2, 3.5}};
    for (size_t i = 0; i < ROOM_IMAGES; i++)
        check_vec3(room_image(&box, p, i), image[i], 1e-15);
}

static void test_panel_frame(void **state)
{
    (void)state;
    const struct panel_cfg cfg = {{7, 1.5, 1.9}, {-2, 0, 0}, {0.5, 0, 3}, 3, 2, 0.1};
    struct panel p;
    assert_int_equal(panel_init(&p, &cfg), OK);
    check_vec3(p.z, (struct vec3){-1, 0, 0}, 1e-15);
    check_vec3(p.x, (struct vec3){0, -1, 0}, 1e-15); /* up x normal */
    check_vec3(p.y, (struct vec3){0, 0, 1}, 1e-15);
    assert_int_equal(panel_elements(&p), 6);
    check_vec3(panel_element(&p, 0), (struct vec3){7, 1.6, 1.85}, 1e-12);
    check_vec3(panel_element(&p, 1), (struct vec3){7, 1.5, 1.85}, 1e-12); /* column runs first */
    check_vec3(panel_element(&p, 5), (struct vec3){7, 1.4, 1.95}, 1e-12);
}

static void test_bad_panels(void **state)
{
    (void)state;
    struct panel p;
    struct panel_cfg cfg = {{0, 0, 0}, {0, 0, 1}, {0, 0, -2}, 4, 4, 0.1};
    assert_int_equal(panel_init(&p, &cfg), ERR_GEOMETRY);
    cfg.normal = (struct vec3){0, 0, 0};
    assert_int_equal(panel_init(&p, &cfg), ERR_GEOMETRY);
    cfg.normal = (struct vec3){1, 0, 0};
    cfg.columns = 0;
    assert_int_equal(panel_init(&p, &cfg), ERR_ARG);
    cfg.columns = 4;
    cfg.spacing_m = NAN;
    assert_int_equal(panel_init(&p, &cfg), ERR_ARG);
}

static void test_bisector_is_horizontal(void **state)
{
    (void)state;
    struct vec3 n = panel_bisector((struct vec3){7, 1.5, 1.9}, (struct vec3){0.5, 0.5, 2.2},
                                   (struct vec3){4, 4, 1.2});
    assert_true(n.z == 0 && fabs(vec3_norm(n) - 1) < 1e-15 && n.x < 0 && n.y > 0);
}

static void test_phasors(void **state)
{
    (void)state;
    float turns[1001];
    cplxf out[1001];
    for (int i = 0; i < 1001; i++)
        turns[i] = (float)(i - 500) * 0.00731f * (float)(1 + i % 7 * 100);
    phasors(turns, out, 1001);
    for (int i = 0; i < 1001; i++) {
        double t = (double)turns[i] - rint(turns[i]);
        assert_true(fabs(crealf(out[i]) - cos(2 * PI * t)) < 3e-7);
        assert_true(fabs(cimagf(out[i]) + sin(2 * PI * t)) < 3e-7);
    }
}

/* Against the definition with distances in long double. */
static void test_steering_is_near_field(void **state)
{
    (void)state;
    const double wavelength = SPEED_OF_LIGHT / 5.8e9;
    const struct antenna_line line = {{0.5, 0.5, 2.2}, {-1, 1, 0}, wavelength / 2, 100};
    const struct vec3 p = {1.2, 0.9, 1.3};
    struct vec3 element[100];
    cplxf a[100];
    for (size_t i = 0; i < 100; i++)
        element[i] = antenna_line_element(&line, i);
    array_steer(element, 100, line.centre, p, wavelength, a);
    for (size_t i = 0; i < 100; i++) {
        double turns = (vec3_dist(p, element[i]) - vec3_dist(p, line.centre)) / wavelength;
        assert_true(fabs(crealf(a[i]) - cos(2 * PI * turns)) < 1e-6);
        assert_true(fabs(cimagf(a[i]) + sin(2 * PI * turns)) < 1e-6);
    }
    assert_true(fabsf(array_match(a, a, 100) - 1) < 1e-6f);
    cplxf null[100] = {0};
    assert_true(array_match(a, null, 100) == 0);
}

static void test_match_ignores_scale_and_phase(void **state)
{
    (void)state;
    const cplxf a[2] = {1, I}, b[2] = {2 * I, -2}, c[2] = {1, -I};
    assert_true(fabsf(array_match(a, b, 2) - 1) < 1e-6f);
    assert_true(array_match(a, c, 2) < 1e-6f);
}

/* Four antennas half a wavelength apart tell every difference of sines; noise of a tenth moves it
 * by little. */
static void test_sine_off(void **state)
{
    (void)state;
    const double x[4] = {-0.75, -0.25, 0.25, 0.75};
    for (int k = -9; k <= 9; k++) {
        const double s = 0.1 * k + 0.013;
        cplxf a[4], v[4];
        for (int i = 0; i < 4; i++) {
            a[i] = (cplxf)cexp(I * i);
            v[i] = (cplxf)(3 * cexp(I * (i + 2 * PI * x[i] * s + 0.7)));
        }
        assert_true(fabs(array_sine_off(a, v, x, 4) - s) < 1e-3);
        v[2] *= 1.1f + 0.1f * I;
        assert_true(fabs(array_sine_off(a, v, x, 4) - s) < 0.02);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lab_placement_is_good),
        cmocka_unit_test(test_collinear_anchors_are_refused),
        cmocka_unit_test(test_mirror_placement_is_flagged),
        cmocka_unit_test(test_anchor_outside_the_room_is_named),
        cmocka_unit_test(test_antenna_line),
        cmocka_unit_test(test_sine_along_a_line),
        cmocka_unit_test(test_images_in_walls),
        cmocka_unit_test(test_panel_frame),
        cmocka_unit_test(test_bad_panels),
        cmocka_unit_test(test_bisector_is_horizontal),
        cmocka_unit_test(test_phasors),
        cmocka_unit_test(test_steering_is_near_field),
        cmocka_unit_test(test_match_ignores_scale_and_phase),
        cmocka_unit_test(test_sine_off),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
