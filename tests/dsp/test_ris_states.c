/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What a board's states reflect, ideal or measured: rounding to them is exact, and designs that
 * know them beat those that believe in even steps. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/dsp/lab_surface.h"

enum { N = LAB_SURFACE_ELEMENTS };

/* What the states of a table reflect in the direction they are rounded to is what no other state
 * beats. */
static void check_table(const struct ris_states *t)
{
    for (double phase = -10; phase < 10; phase += 0.0137) {
        const cplx back = CMPLX(cos(phase), -sin(phase));
        double got = creal(t->gamma[ris_states_nearest(t, phase)] * back);
        for (size_t s = 0; s < (size_t)1 << t->bits; s++)
            assert_true(got >= creal(t->gamma[s] * back) - 1e-8);
    }
}

static const double measured_1[] = {0.57, 2.9, 0.83, 0.6};
static const double measured_2[] = {0.9, 0.1, 0.7, 1.2, 0.95, 3.4, 0.6, 4.1};
/* The third state lies between its neighbours and is of no use in any direction. */
static const double measured_dull[] = {1, 0, 1, 2, 0.1, 2.5, 1, 4};

static void test_state_tables(void **state)
{
    (void)state;
    const double bad[][4] = {{0, 1, 1, 2}, {2, 1, 1, 2}, {1, NAN, 1, 2}, {1, 1, 1, 1}};
    struct ris_states t;
    for (unsigned bits = 1; bits <= 3; bits++) {
        t = ris_states_ideal(bits);
        assert_int_equal(t.n_edge, 1u << bits);
        assert_true(fabs(t.period_rad - 2 * PI / (1u << bits)) < 1e-12);
        check_table(&t);
    }
    assert_int_equal(ris_states_measured(measured_1, 4, &t), OK);
    assert_int_equal(t.n_edge, 2);
    assert_true(t.period_rad == 2 * PI);
    check_table(&t);
    t = ris_states_coded(&t); /* one bit: half the difference, an evenly spaced pair again */
    assert_true(fabs(t.period_rad - PI) < 1e-12);
    assert_true(cabs(t.gamma[0] + t.gamma[1]) < 1e-15);
    assert_int_equal(ris_states_measured(measured_2, 8, &t), OK);
    check_table(&t);
    t = ris_states_coded(&t);
    check_table(&t);
    assert_int_equal(ris_states_measured(measured_dull, 8, &t), OK);
    assert_int_equal(t.n_edge, 3);
    check_table(&t);
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(ris_states_measured(bad[i], 4, &t), ERR_ARG);
    assert_int_equal(ris_states_measured(measured_1, 3, &t), ERR_ARG);
}

static double level_at(const struct ris_model *model, size_t i, const struct ris_states *t,
                       const uint8_t *profile)
{
    cplx gamma[N];
    struct ris_view view;
    ris_profile_gamma(profile, N, t, gamma);
    ris_model_view(model, gamma, ris_model_point(model, i), &view);
    return view.level_db;
}

/* A design that knows what the board's states reflect beats one that believes in even steps. */
static void test_measured_states_are_designed_for(void **state)
{
    (void)state;
    const struct ris_states ideal = ris_states_ideal(2);
    struct ris_region grid = lab_square(5);
    struct ris_model *model = lab_surface(0, &grid);
    struct ris_states real;
    double gain = 0, theta[N];
    uint8_t blind[N], seeing[N];
    assert_int_equal(ris_states_measured(measured_2, 8, &real), OK);
    for (size_t i = 0; i < 25; i++) {
        const cplx *row = ris_model_row(model, i);
        ris_focus(model, i, theta);
        assert_int_equal(ris_quantise(row, N, theta, &ideal, blind), OK);
        assert_int_equal(ris_quantise(row, N, theta, &real, seeing), OK);
        double more = level_at(model, i, &real, seeing) - level_at(model, i, &real, blind);
        assert_true(more > 0);
        gain += more / 25;
    }
    print_message("focus through measured states: %.2f dB better\n", gain);
    assert_true(gain > 0.2);
    struct ris_coverage with, without;
    cplx gamma[N];
    assert_int_equal(ris_wide_profile(model, &ideal, blind), OK);
    assert_int_equal(ris_wide_profile(model, &real, seeing), OK);
    ris_profile_gamma(blind, N, &real, gamma);
    ris_model_coverage(model, gamma, NULL, &without);
    ris_profile_gamma(seeing, N, &real, gamma);
    ris_model_coverage(model, gamma, NULL, &with);
    print_message("wide: 5 %% %.2f dB, not knowing the states %.2f dB\n", with.p5_db,
                  without.p5_db);
    assert_true(with.p5_db > without.p5_db + 0.5);
    ris_model_destroy(&model);
}

/* Exhaustive: no profile of a small panel reflects more onto the point. */
static void test_quantisation_is_exact(void **state)
{
    (void)state;
    enum { SMALL = 8 };
    struct ris_region one = lab_square(1);
    struct ris_model *model = lab_surface(1, &one);
    const cplx *row = ris_model_row(model, 0);
    const double *const tables[] = {measured_2, measured_dull};
    for (size_t k = 0; k < 2; k++) {
        struct ris_states t;
        double theta[SMALL], best = 0;
        uint8_t profile[SMALL];
        cplx sum = 0;
        assert_int_equal(ris_states_measured(tables[k], 8, &t), OK);
        for (size_t m = 0; m < SMALL; m++)
            theta[m] = -carg(row[m]);
        for (unsigned all = 0; all < 1u << 2 * SMALL; all++) {
            cplx f = 0;
            for (size_t m = 0; m < SMALL; m++)
                f += row[m] * t.gamma[all >> 2 * m & 3];
            best = fmax(best, cabs(f));
        }
        assert_int_equal(ris_quantise(row, SMALL, theta, &t, profile), OK);
        for (size_t m = 0; m < SMALL; m++)
            sum += row[m] * t.gamma[profile[m]];
        assert_true(cabs(sum) > best * (1 - 1e-9));
    }
    ris_model_destroy(&model);
}

/* (14) for one place: as strong there as the best focus, over a real array and real states. */
static void test_static_profile(void **state)
{
    (void)state;
    struct ris_region grid = lab_square(3);
    struct vec3 antenna[4];
    for (int a = 0; a < 4; a++)
        antenna[a] =
            vec3_add(lab_bs, vec3_scale((struct vec3){-0.7071, 0.7071, 0}, 0.026 * (a - 1.5)));
    for (int k = 0; k < 2; k++) {
        struct ris_model *model = lab_surface(k, &grid);
        struct ris_states real;
        uint8_t profile[N], focus[N];
        double theta[N];
        assert_int_equal(ris_states_measured(measured_1, 4, &real), OK);
        ris_focus(model, 4, theta);
        assert_int_equal(ris_quantise(ris_model_row(model, 4), N, theta, &real, focus), OK);
        assert_int_equal(ris_static_profile(model, antenna, 4, lab_centre, &real, profile), OK);
        double got = level_at(model, 4, &real, profile), most = level_at(model, 4, &real, focus);
        print_message("static profile %.2f dB, focus %.2f dB\n", got, most);
        assert_true(got > most - 0.1);
        const struct vec3 behind = k ? (struct vec3){0.1, 7.5, 1} : (struct vec3){7.9, 0.1, 1};
        assert_int_equal(ris_static_profile(model, antenna, 4, behind, &real, profile),
                         ERR_GEOMETRY);
        ris_model_destroy(&model);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_state_tables),
        cmocka_unit_test(test_measured_states_are_designed_for),
        cmocka_unit_test(test_quantisation_is_exact),
        cmocka_unit_test(test_static_profile),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
