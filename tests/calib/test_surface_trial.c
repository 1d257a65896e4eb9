/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Beams and places of [S1] figures 4 to 6 against recorded figures of an independent implementation
 * and against what geometry says; run times grow as the operations do. */
#include <math.h>
#include <time.h>

#include "calib/runtime_trial.h"
#include "dsp/cplx.h"
#include "tests/dsp/golden.h"

#define DEGREE (PI / 180)

static void beam_of_31_antennas_as_recorded(void **state)
{
    (void)state;
    json_t *doc = golden_load("misc.json");
    const json_t *g = json_object_get(doc, "mrt31");
    struct surface_trial t = surface_trial_default();
    struct surface_beam beam = surface_beam(&t);
    assert_true(fabs(beam.half_power_rad / DEGREE - golden_number(g, "HPBW_deg")) < 0.01);
    assert_true(fabs(beam.null_rad / DEGREE - golden_number(g, "null_deg")) < 1e-9);
    assert_true(fabs(beam.approximate_rad / beam.half_power_rad - 1) < 0.003);
    t.range_m = golden_number(g, "d_for_3m_HPBW");
    assert_true(fabs(surface_beam(&t).width_m - 3) < 0.01);
    const char *name;
    json_t *want;
    json_object_foreach(json_object_get(g, "loss_dB"), name, want)
    {
        if (sscanf(name, "d=%lf e=%lf", &t.range_m, &t.offset_m) != 2)
            fail_msg("%s", name);
        /* recorded: the worst within the offset where a null lies within */
        double loss = surface_beam(&t).loss_db;
        if (atan(t.offset_m / t.range_m) < beam.null_rad)
            assert_true(fabs(loss - json_number_value(want)) < 1e-6);
        else
            assert_true(loss < -13);
    }
    t.n_ant = 1;
    assert_true(isnan(surface_beam(&t).half_power_rad));
    json_decref(doc);
}

/* Peaks stand where the user is, nulls of the base station at 2 / M in sine. */
static void patterns_peak_at_the_user(void **state)
{
    (void)state;
    struct surface_trial t = surface_trial_default();
    t.user_m = (struct vec3){15, 20, 1.5};
    t.columns = 16;
    const double bs = atan2(20, 15) - PI / 4; /* broadside looks at (25, 25) */
    const struct vec3 normal = panel_bisector(t.ris_m[0], t.bs_m, (struct vec3){25, 25, 1.4});
    double ris = atan2(20, 15 - 50) - atan2(normal.y, normal.x);
    double angle[3] = {bs, ris, asin(sin(bs) + 2.0 / 31)}, out[3][3];
    assert_int_equal(surface_pattern(&t, angle, 3, out), 0);
    assert_true(fabs(out[0][0]) < 1e-6);
    assert_true(fabs(out[1][1]) < 1e-6);
    assert_true(out[2][0] < -25);
    t.bits = 1;
    assert_int_equal(surface_pattern(&t, angle, 3, out), 0);
    assert_true(out[1][1] < -2 && out[1][1] > -6);
    t.user_m = (struct vec3){60, -20, 1.5};
    assert_int_equal(surface_pattern(&t, angle, 3, out), ERR_GEOMETRY);
}

static void check_level(const json_t *g, const struct ris_coverage *level)
{
    assert_true(level->median_db > golden_number(g, "median") - 0.3);
    assert_true(level->p5_db > golden_number(g, "p5") - 0.3);
}

/* Not worse than the recorded designs of the lab; waits by hand. */
static void places_of_the_lab(void **state)
{
    (void)state;
    json_t *doc = golden_load("ris.json");
    const json_t *lab = json_object_get(doc, "lab_ris");
    double *const none[SURFACE_DESIGNS] = {NULL};
    struct surface_cover cover[SURFACE_DESIGNS];
    struct surface_trial t = surface_trial_default();
    t.bs_m = (struct vec3){0.5, 0.5, 2.2};
    t.ris_m[0] = (struct vec3){7, 1.5, 1.9};
    t.ris_m[1] = (struct vec3){1, 6, 1.7};
    t.user_m = (struct vec3){4, 4, 1.2};
    t.box_min_m = (struct vec3){2, 2, 1.2};
    t.box_max_m = (struct vec3){6, 6, 1.2};
    t.carrier_hz = 5.8e9;
    t.columns = t.rows = 16;
    t.bits = 1;
    t.threshold_db = -30;
    t.which = SURFACE_SECOND;
    assert_int_equal(surface_cover(&t, none, cover), 0);
    check_level(json_object_get(lab, "RIS2_wide_1bit"), &cover[SURFACE_WIDE].level);
    check_level(json_object_get(lab, "RIS2_codebook16_1bit"), &cover[SURFACE_CODEBOOK].level);
    t.which = SURFACE_FIRST;
    assert_int_equal(surface_cover(&t, none, cover), 0);
    check_level(json_object_get(lab, "RIS1_wide_1bit"), &cover[SURFACE_WIDE].level);
    check_level(json_object_get(lab, "RIS1_codebook16_1bit"), &cover[SURFACE_CODEBOOK].level);
    assert_true(cover[SURFACE_TRACKED].level.min_db > -4.3); /* what 1 bit costs */
    assert_true(cover[SURFACE_WIDE].lit > 0.99);
    assert_true(fabs(cover[SURFACE_WIDE].wait_mean_s - 0.6) <
                0.01); /* half a cycle, and the answer */
    assert_true(fabs(cover[SURFACE_WIDE].wait_p95_s - 1.05) < 0.01);
    assert_true(cover[SURFACE_CODEBOOK].wait_p95_s > 1.5);
    assert_true(isnan(cover[SURFACE_TRACKED].wait_mean_s));
    json_decref(doc);
}

/* A place has the level of its weaker surface, a beam in turn that of the cycle it is shown in. */
static void a_place_needs_both_surfaces(void **state)
{
    (void)state;
    enum { PLACES = 9 * 9 };
    static double level[3][SURFACE_DESIGNS][PLACES];
    struct surface_cover cover[SURFACE_DESIGNS];
    struct surface_trial t = surface_trial_default();
    t.columns = 8;
    t.grid = 9;
    for (int which = SURFACE_WEAKER; which <= SURFACE_SECOND; which++) {
        double *const each[SURFACE_DESIGNS] = {level[which][0], level[which][1], level[which][2],
                                               level[which][3]};
        t.which = which;
        assert_int_equal(surface_cover(&t, each, cover), 0);
    }
    for (int d = 0; d < SURFACE_DESIGNS; d++)
        for (int i = 0; i < PLACES; i++) {
            const double both = level[SURFACE_WEAKER][d][i];
            const double least = fmin(level[SURFACE_FIRST][d][i], level[SURFACE_SECOND][d][i]);
            assert_true(d == SURFACE_CODEBOOK ? both <= least : both == least);
        }
}

static double processor_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* Sixteen times the antennas: by far more than a step that they do not touch, by far less than
 * their square. */
static void run_times_grow_with_the_array(void **state)
{
    (void)state;
    double few[RUNTIME_STEPS], many[RUNTIME_STEPS];
    struct surface_trial t = surface_trial_default();
    t.rows = 3;
    t.n_ant = 16;
    assert_int_equal(runtime_measure(&t, processor_s, few), 0);
    t.n_ant = 256;
    assert_int_equal(runtime_measure(&t, processor_s, many), 0);
    static const enum runtime_step growing[] = {RUNTIME_ALIGN, RUNTIME_MRT, RUNTIME_IDENTITY};
    for (size_t i = 0; i < sizeof growing / sizeof *growing; i++) {
        const double ratio = many[growing[i]] / few[growing[i]];
        print_message("%s: %.1f times\n", runtime_step_name(growing[i]), ratio);
        assert_true(ratio > 5 && ratio < 50);
    }
}

static void run_times_grow_with_the_surface(void **state)
{
    (void)state;
    double small[RUNTIME_STEPS], large[RUNTIME_STEPS];
    struct surface_trial t = surface_trial_default();
    t.rows = 3;
    assert_int_equal(runtime_measure(&t, processor_s, small), 0);
    t.columns = t.rows = 24; /* 64 times the elements, the same array */
    assert_int_equal(runtime_measure(&t, processor_s, large), 0);
    for (int s = 0; s < RUNTIME_STEPS; s++)
        assert_true(small[s] > 1e-10 && large[s] < 1);
    assert_true(large[RUNTIME_ALIGN] > 8 * small[RUNTIME_ALIGN]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(beam_of_31_antennas_as_recorded),
        cmocka_unit_test(patterns_peak_at_the_user),
        cmocka_unit_test(places_of_the_lab),
        cmocka_unit_test(a_place_needs_both_surfaces),
        cmocka_unit_test(run_times_grow_with_the_array),
        cmocka_unit_test(run_times_grow_with_the_surface),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
