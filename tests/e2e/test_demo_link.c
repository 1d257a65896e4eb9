/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What data cost and what their beam gains, in the whole chain: three short demos of one room in
 * which the base station's antennas serve both directions. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/e2e/demo_run.h"

/* 20 dB less power than usual: at full power phase noise hides what a beam gains. */
#define ROOM                                                                                       \
    "--seconds 7 --speed 0 --seed 1 --scene lab-shared --link --path still "                       \
    "--set bs.radio.tx_gain_db=2 "
#define ONE_ANTENNA                                                                                \
    "--set bs.radio.tx_channels=[0] --set bs.geometry.tx_m=[[0.527412,0.472588,2.2]] "
enum { FIXES_MIN = 12, FIXES_MAX = 64 };

static void run(struct demo_run *out, const char *args)
{
    demo_run(out, args);
    if (out->exit_code)
        fail_msg("exit code %d: %s", out->exit_code, out->stderr_text);
    assert_in_range(out->n_fix, FIXES_MIN, FIXES_MAX);
}

static int by_size(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* The same cycles give the same positions: to millimetres half of them, and none is elsewhere (a
 * receiver whose blocks begin elsewhere rounds differently, and the map-aided fix sees it). */
static void assert_same_positions(const struct demo_run *a, const struct demo_run *b)
{
    double apart_m[FIXES_MAX], square[2] = {0};
    size_t n = 0;
    for (size_t i = 0; i < a->n_fix; i++)
        for (size_t j = 0; j < b->n_fix; j++) {
            const struct demo_fix *p = &a->fix[i], *q = &b->fix[j];
            if (p->cycle != q->cycle)
                continue;
            apart_m[n++] =
                hypot(p->position_m[0] - q->position_m[0], p->position_m[1] - q->position_m[1]);
            square[0] += p->error_m * p->error_m;
            square[1] += q->error_m * q->error_m;
        }
    assert_true(n >= FIXES_MIN && n + 1 >= a->n_fix && n + 1 >= b->n_fix);
    qsort(apart_m, n, sizeof *apart_m, by_size);
    const double rms[] = {sqrt(square[0] / (double)n), sqrt(square[1] / (double)n)};
    print_message("positions apart: median %.1f mm, most %.1f mm; rms error %.1f and %.1f mm\n",
                  1e3 * apart_m[n / 2], 1e3 * apart_m[n - 1], 1e3 * rms[0], 1e3 * rms[1]);
    assert_true(apart_m[n / 2] < 0.01 && apart_m[n - 1] < 0.06);
    assert_true(fabs(rms[0] - rms[1]) < 0.01);
}

/* 15 dB at the user: known to be lost by the fastest scheme, whole by the one that is found. */
static void assert_one_antenna_gets_a_slower_scheme(const struct demo_run *one)
{
    const double mcs = demo_summary(one, "link.base.mcs"),
                 fer = demo_summary(one, "link.terminal_figures.down.fer");
    print_message("one antenna: scheme %.0f, %.2f of the slots lost\n", mcs, fer);
    assert_true(mcs >= 3 && mcs <= 6 && fer < 0.2);
    assert_true(demo_summary(one, "link.terminal.mcs") == 7); /* 40 dB the other way */
}

static void test_data_leave_sensing_alone_and_a_beam_gains_what_it_should(void **state)
{
    (void)state;
    struct demo_run quiet, beam, one;
    run(&quiet, ROOM "--set bs.link.enabled=no --set ue.link.enabled=no");
    run(&beam, ROOM "--set bs.link.beam=reciprocity");
    run(&one, ROOM ONE_ANTENNA);
    assert_same_positions(&quiet, &beam);
    const double gain_db = demo_summary(&beam, "link.down.snr_db") -
                           demo_summary(&one, "link.down.snr_db"),
                 theory_db = demo_summary(&beam, "link.beam.gain_db");
    print_message("beam by reciprocity: %.2f dB gained, %.2f dB by theory\n", gain_db, theory_db);
    assert_true(demo_summary(&beam, "link.beam.slots") >= FIXES_MIN);
    assert_true(theory_db > 5 && fabs(gain_db - theory_db) < 0.5);
    assert_one_antenna_gets_a_slower_scheme(&one);
    demo_run_free(&quiet);
    demo_run_free(&beam);
    demo_run_free(&one);
}

/* Without any path that counts nobody is found; the beam needs no position, and none is told, nor
 * what would follow from one. */
static void test_a_beam_for_who_is_not_found(void **state)
{
    (void)state;
    static const char *const unknown[] = {"expected_loss_db", "aim_error_m", "speed_max_mps"};
    struct demo_run r;
    demo_run(&r, ROOM "--set bs.link.beam=reciprocity --set bs.estimate.echoes=no "
                      "--set bs.estimate.cooperative=no");
    assert_int_equal(r.n_fix, 0);
    assert_non_null(strstr(r.stderr_text, "no fix though the user permits it"));
    assert_true(demo_summary(&r, "link.beam.slots") >= FIXES_MIN);
    assert_true(demo_summary(&r, "link.beam.gain_db") > 5);
    const json_t *beam = json_object_get(json_object_get(r.summary, "link"), "beam");
    for (size_t i = 0; i < sizeof unknown / sizeof *unknown; i++)
        assert_true(json_is_null(json_object_get(beam, unknown[i])));
    demo_run_free(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_data_leave_sensing_alone_and_a_beam_gains_what_it_should),
        cmocka_unit_test(test_a_beam_for_who_is_not_found),
    };
    return cmocka_run_group_tests(tests, demo_place_make, demo_place_remove);
}
