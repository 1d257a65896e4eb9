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
        .switch_s = 10e-6,
        .turnaround_s = 500e-6,
        .settle_s = 100e-6,
        .prepare_s = 15e-3,
    };
}

static struct schedule_cfg with_data(void)
{
    struct schedule_cfg cfg = lab();
    cfg.data = true;
    cfg.downlink_s = 2e-3;
    cfg.downlink_delay_s = 0.08;
    cfg.uplink_s = 1e-3;
    cfg.uplink_delay_s = 0.1;
    return cfg;
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
    assert_int_equal(s.window[WINDOW_DOWNLINK].n, 0); /* no data link: no slots */
    assert_int_equal(s.window[WINDOW_UPLINK].n, 0);
}

static void windows_never_overlap(void **state)
{
    (void)state;
    struct schedule s;
    struct status err = {0};
    struct schedule_cfg cfg = lab();
    assert_int_equal(schedule_init(&s, &cfg, &err), OK);
    assert_true(end_of(&s, WINDOW_SENSING) <= s.window[WINDOW_RESPONSE].begin);
    assert_true(end_of(&s, WINDOW_RESPONSE) <= s.period + s.window[WINDOW_SENSING].begin);
}

static void data_have_slots_of_whole_symbols(void **state)
{
    (void)state;
    struct schedule s;
    struct status err = {0};
    struct schedule_cfg cfg = with_data();
    assert_int_equal(schedule_init(&s, &cfg, &err), OK);
    assert_int_equal(s.downlink, 8000000);
    assert_int_equal(s.uplink, 10000000);
    assert_int_equal(s.downlink_symbols, 173); /* 2 ms of 11.52 us */
    assert_int_equal(s.uplink_symbols, 86);
    assert_int_equal(s.window[WINDOW_DOWNLINK].begin, 8000000);
    assert_int_equal(s.window[WINDOW_DOWNLINK].n, 173 * 1152);
    assert_int_equal(s.window[WINDOW_UPLINK].begin, 10000000 - 2048);
    assert_int_equal(end_of(&s, WINDOW_UPLINK), 10000000 + 86 * 1152 + 6400);
}

static void the_link_moves_no_other_window(void **state)
{
    (void)state;
    struct schedule with, without;
    struct status err = {0};
    struct schedule_cfg on = with_data(), off = lab();
    assert_int_equal(schedule_init(&with, &on, &err), OK);
    assert_int_equal(schedule_init(&without, &off, &err), OK);
    for (size_t i = 0; i < WINDOW_DOWNLINK; i++)
        assert_memory_equal(&with.window[i], &without.window[i], sizeof with.window[i]);
}

struct clash {
    double downlink_s, downlink_delay_s, uplink_delay_s, prepare_s, settle_s;
    size_t pilots;
    const char *said[5];
};

/* Each clash names both windows, the numbers and the key. */
static void overlapping_slots_are_refused_by_name(void **state)
{
    (void)state;
    const struct clash clashes[] = {
        {2e-3,
         0.001,
         0.1,
         15e-3,
         0,
         0,
         {"the downlink begins 1.000 ms", "response capture ends at 20.824 ms", "15.000 ms",
          "fix and permission", "link.downlink_delay_s"}},
        {2e-3,
         0.0357,
         0.1,
         15e-3,
         0,
         0,
         {"the downlink begins 35.700 ms", "response capture ends at", "fix and permission",
          "raise link.downlink_delay_s", ""}},
        {2e-3,
         0.08,
         0.0819,
         15e-3,
         0,
         0,
         {"the uplink begins 81.880 ms", "the downlink ends at 81.993 ms", "0.500 ms",
          "turn-around", "raise link.uplink_delay_s"}},
        {2e-3,
         0.08,
         0.0795,
         15e-3,
         0,
         0,
         {"the downlink begins 80.000 ms", "the uplink ends at 80.555 ms", "turn-around",
          "raise link.downlink_delay_s", ""}},
        {30e-3,
         0.04,
         0.1,
         15e-3,
         0,
         60,
         {"the pilots begins 59.980 ms", "the downlink ends at 69.", "switching",
          "raise link.downlink_delay_s", ""}},
        {2e-3,
         0.0614,
         0.1,
         15e-3,
         5e-3,
         60,
         {"the downlink begins 61.400 ms", "the pilots ends at 61.293 ms", "5.000 ms",
          "surfaces settle", "raise link.downlink_delay_s"}},
        {2e-3,
         0.08,
         0.1987,
         15e-3,
         0,
         0,
         {"next cycle's sensing capture begins 199.999 ms", "the uplink ends at 199.755 ms",
          "turn-around", "raise schedule.cycle_period_s", ""}},
    };
    for (size_t i = 0; i < sizeof clashes / sizeof *clashes; i++) {
        const struct clash *c = &clashes[i];
        struct schedule_cfg cfg = with_data();
        struct schedule s;
        struct status err = {0};
        cfg.downlink_s = c->downlink_s;
        cfg.downlink_delay_s = c->downlink_delay_s;
        cfg.uplink_delay_s = c->uplink_delay_s;
        cfg.prepare_s = c->prepare_s;
        cfg.settle_s = c->settle_s;
        cfg.pilots = c->pilots;
        cfg.pilot_samps = 2048;
        cfg.pilots_delay_s = 0.06;
        assert_int_equal(schedule_init(&s, &cfg, &err), ERR_ARG);
        for (size_t k = 0; k < 5; k++)
            if (!strstr(err.text, c->said[k] ? c->said[k] : ""))
                fail_msg("clash %zu: '%s' is not in: %s", i, c->said[k], err.text);
    }
}

static void a_slot_of_three_symbols_is_refused(void **state)
{
    (void)state;
    struct schedule s;
    struct status err = {0};
    struct schedule_cfg cfg = with_data();
    cfg.uplink_s = 46e-6;
    assert_int_equal(schedule_init(&s, &cfg, &err), ERR_ARG);
    assert_non_null(strstr(err.text, "link.uplink_s"));
    cfg.uplink_s = 46.1e-6;
    assert_int_equal(schedule_init(&s, &cfg, &err), OK);
}

static struct schedule_cfg with_pilots(struct schedule_cfg cfg)
{
    cfg.pilots = 60;
    cfg.pilot_samps = 2048;
    cfg.pilots_delay_s = 0.06;
    return cfg;
}

/* What is drawn is what is checked: every gap is at least its guard, and they follow each other. */
static void gaps_tell_the_guards_in_order(void **state)
{
    (void)state;
    struct schedule s;
    struct schedule_gap gap[WINDOW_COUNT];
    struct status err = {0};
    struct schedule_cfg cfg = with_pilots(with_data());
    assert_int_equal(schedule_init(&s, &cfg, &err), OK);
    const enum schedule_window before[] = {WINDOW_RESPONSE, WINDOW_PILOTS, WINDOW_DOWNLINK,
                                           WINDOW_UPLINK, WINDOW_SENSING};
    const enum schedule_guard guard[] = {GUARD_NONE, GUARD_REARM, GUARD_SETTLE, GUARD_TURNAROUND,
                                         GUARD_TURNAROUND};
    assert_int_equal(schedule_gaps(&s, gap), 5);
    for (size_t i = 0; i < 5; i++) {
        assert_int_equal(gap[i].before, before[i]);
        assert_int_equal(gap[i].guard, guard[i]);
        assert_true(gap[i].begin + gap[i].need <= gap[i].next);
    }
    assert_int_equal(gap[4].next, s.period - 100);
}

static const struct schedule_gap *before(const struct schedule_gap *gap, enum schedule_window w)
{
    while (gap->before != w)
        gap++;
    return gap;
}

static void slow_surfaces_widen_their_guards(void **state)
{
    (void)state;
    struct schedule s;
    struct schedule_gap gap[WINDOW_COUNT];
    struct status err = {0};
    struct schedule_cfg cfg = with_pilots(with_data());
    cfg.surface_s = 6e-3;
    cfg.follow_s = 11e-3;
    assert_int_equal(schedule_init(&s, &cfg, &err), OK);
    schedule_gaps(&s, gap);
    assert_int_equal(before(gap, WINDOW_PILOTS)->need, 2000000); /* their 20 ms are more */
    assert_int_equal(before(gap, WINDOW_DOWNLINK)->guard, GUARD_SETTLE);
    assert_int_equal(before(gap, WINDOW_DOWNLINK)->need, 600000);
    assert_int_equal(before(gap, WINDOW_SENSING)->guard, GUARD_FOLLOW);
    assert_int_equal(before(gap, WINDOW_SENSING)->need, 1100000);
    cfg.arm_s = 22e-3;
    assert_int_equal(schedule_init(&s, &cfg, &err), OK);
    schedule_gaps(&s, gap);
    assert_int_equal(before(gap, WINDOW_SENSING)->need, 3300000);
    assert_int_equal(s.guard.follow, 1100000); /* what the radio is waited for does not grow */
    cfg.surface_s = 30e-3;
    cfg.downlink_delay_s = 0.1, cfg.uplink_delay_s = 0.12;
    assert_int_equal(schedule_init(&s, &cfg, &err), OK);
    schedule_gaps(&s, gap);
    assert_int_equal(before(gap, WINDOW_PILOTS)->need, 3000000);
    cfg.surface_s = 50e-3;
    assert_int_equal(schedule_init(&s, &cfg, &err), ERR_ARG);
    assert_non_null(strstr(err.text, "surfaces are re-armed"));
    cfg.surface_s = 0;
    cfg.follow_s = 0.1;
    assert_int_equal(schedule_init(&s, &cfg, &err), ERR_ARG);
    assert_non_null(strstr(err.text, "surfaces take the next profile"));
}

static void pilots_have_their_place_after_the_answer(void **state)
{
    (void)state;
    struct schedule s;
    struct status err = {0};
    struct schedule_cfg cfg = with_pilots(lab());
    assert_int_equal(schedule_init(&s, &cfg, &err), OK);
    assert_int_equal(s.window[WINDOW_PILOT_TRIGGER].begin, 6000000);
    assert_true(end_of(&s, WINDOW_RESPONSE) < s.window[WINDOW_PILOTS].begin);
    assert_true(s.window[WINDOW_PILOTS].begin < 6000000 - 2000);
    assert_true(end_of(&s, WINDOW_PILOTS) >= 6000000 + 60 * 2048 + 6400);
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
    cfg.n_slot = 0;
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
        cmocka_unit_test(data_have_slots_of_whole_symbols),
        cmocka_unit_test(the_link_moves_no_other_window),
        cmocka_unit_test(overlapping_slots_are_refused_by_name),
        cmocka_unit_test(a_slot_of_three_symbols_is_refused),
        cmocka_unit_test(gaps_tell_the_guards_in_order),
        cmocka_unit_test(slow_surfaces_widen_their_guards),
        cmocka_unit_test(pilots_have_their_place_after_the_answer),
        cmocka_unit_test(early_response_is_refused),
        cmocka_unit_test(short_period_is_refused),
        cmocka_unit_test(starts_lie_on_the_grid_of_the_period),
        cmocka_unit_test(next_cycle_leaves_the_lead),
        cmocka_unit_test(fix_time_is_the_middle_of_the_burst),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
