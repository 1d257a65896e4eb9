/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "host/schedule.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static struct schedule_cfg lab(void)
{
    return (struct schedule_cfg){
        .rate_hz = 100e6,
        .period_s = 0.2,
        .response_delay_s = 0.02,
        .slot_samps = 9216,
        .n_slot = 8,
        .n_rep = 8,
        .symbol_samps = 1152,
        .sensing_symbols = 3,
        .response_symbols = 2,
    };
}

static int64_t end_of(const struct schedule *s, enum schedule_window w)
{
    return s->window[w].begin + s->window[w].n;
}

static void lab_cycle_has_the_windows_of_the_plan(void **state)
{
    (void)state;
    struct schedule s;
    struct status err = {0};
    struct schedule_cfg cfg = lab();
    assert_int_equal(schedule_init(&s, &cfg, &err), OK);
    assert_int_equal(s.period, 20000000);
    assert_int_equal(s.window[WINDOW_BURST].n, 64 * 9216 + 3 * 1152);
    assert_int_equal(s.window[WINDOW_SENSING].begin, -100);
    assert_int_equal(s.window[WINDOW_RESPONSE].begin, 2000000 - 2048);
    assert_int_equal(s.window[WINDOW_TRIGGER].begin, 2000000);
    assert_true(end_of(&s, WINDOW_RESPONSE) >= 2000000 + 8 * 9216 + 2 * 1152 + 6400);
    assert_true(s.window[WINDOW_COMM].n > 17000000); /* most of the cycle is for communication */
}

static void windows_never_overlap(void **state)
{
    (void)state;
    struct schedule s;
    struct status err = {0};
    struct schedule_cfg cfg = lab();
    assert_int_equal(schedule_init(&s, &cfg, &err), OK);
    assert_true(end_of(&s, WINDOW_SENSING) <= s.window[WINDOW_RESPONSE].begin);
    assert_true(end_of(&s, WINDOW_RESPONSE) <= s.window[WINDOW_COMM].begin);
    assert_true(end_of(&s, WINDOW_COMM) <= s.period + s.window[WINDOW_SENSING].begin);
}

static void pilots_have_their_place_after_the_answer(void **state)
{
    (void)state;
    struct schedule s;
    struct status err = {0};
    struct schedule_cfg cfg = lab();
    cfg.pilots = 60;
    cfg.pilot_samps = 2048;
    cfg.pilots_delay_s = 0.06;
    assert_int_equal(schedule_init(&s, &cfg, &err), OK);
    assert_int_equal(s.window[WINDOW_PILOT_TRIGGER].begin, 6000000);
    assert_true(end_of(&s, WINDOW_RESPONSE) < s.window[WINDOW_PILOTS].begin);
    assert_true(s.window[WINDOW_PILOTS].begin < 6000000 - 2000);
    assert_true(end_of(&s, WINDOW_PILOTS) >= 6000000 + 60 * 2048 + 6400);
    assert_true(end_of(&s, WINDOW_PILOTS) <= s.window[WINDOW_COMM].begin);
    cfg.pilots_delay_s = 0.03; /* the boards cannot be armed anew by then */
    assert_int_equal(schedule_init(&s, &cfg, &err), ERR_ARG);
    assert_non_null(strstr(err.text, "pixels.delay_s"));
}

static void early_response_is_refused(void **state)
{
    (void)state;
    struct schedule s;
    struct status err = {0};
    struct schedule_cfg cfg = lab();
    cfg.response_delay_s = 0.0059;
    assert_int_equal(schedule_init(&s, &cfg, &err), ERR_ARG);
    assert_non_null(strstr(err.text, "response_delay_s"));
    cfg.response_delay_s = 0.0061; /* the window opens two periods before */
    assert_int_equal(schedule_init(&s, &cfg, &err), OK);
}

static void short_period_is_refused(void **state)
{
    (void)state;
    struct schedule s;
    struct status err = {0};
    struct schedule_cfg cfg = lab();
    cfg.period_s = 0.021;
    assert_int_equal(schedule_init(&s, &cfg, &err), ERR_ARG);
    assert_non_null(strstr(err.text, "cycle_period_s"));
    cfg.period_s = 0.022;
    assert_int_equal(schedule_init(&s, &cfg, &err), OK);
    cfg.n_rep = 0;
    assert_int_equal(schedule_init(&s, &cfg, &err), ERR_ARG);
}

static void starts_lie_on_the_grid_of_the_period(void **state)
{
    (void)state;
    struct schedule s;
    struct status err = {0};
    struct schedule_cfg cfg = lab();
    assert_int_equal(schedule_init(&s, &cfg, &err), OK);
    schedule_begin(&s, 50000000);
    assert_int_equal(s.first, 60000000);
    assert_int_equal(schedule_start(&s, 3), 120000000);
    schedule_begin(&s, 60000001);
    assert_int_equal(s.first, 80000000);
}

static void next_cycle_leaves_the_lead(void **state)
{
    (void)state;
    struct schedule s;
    struct status err = {0};
    struct schedule_cfg cfg = lab();
    assert_int_equal(schedule_init(&s, &cfg, &err), OK);
    schedule_begin(&s, 0);
    assert_int_equal(schedule_next(&s, 5, 0), 5);
    int64_t begin = schedule_start(&s, 7) + s.window[WINDOW_SENSING].begin;
    assert_int_equal(schedule_next(&s, 5, begin), 7);
    assert_int_equal(schedule_next(&s, 5, begin + 1), 8);
}

static void fix_time_is_the_middle_of_the_burst(void **state)
{
    (void)state;
    struct schedule s;
    struct status err = {0};
    struct schedule_cfg cfg = lab();
    assert_int_equal(schedule_init(&s, &cfg, &err), OK);
    schedule_begin(&s, 0);
    double expected = 0.4 + (64 * 9216 + 3 * 1152) / 2.0 / 100e6;
    assert_true(fabs(schedule_fix_time(&s, 2) - expected) < 1e-9);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lab_cycle_has_the_windows_of_the_plan),
        cmocka_unit_test(windows_never_overlap),
        cmocka_unit_test(pilots_have_their_place_after_the_answer),
        cmocka_unit_test(early_response_is_refused),
        cmocka_unit_test(short_period_is_refused),
        cmocka_unit_test(starts_lie_on_the_grid_of_the_period),
        cmocka_unit_test(next_cycle_leaves_the_lead),
        cmocka_unit_test(fix_time_is_the_middle_of_the_burst),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
