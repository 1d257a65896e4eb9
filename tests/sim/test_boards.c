/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Which pattern a board shows at which tick. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <math.h>

#include "sim/boards.h"

enum { BYTES = 32, EDGE = 1000000, SLOT = 9216 };

struct rig {
    struct scene scene;
    struct boards *boards;
    uint8_t patterns[64 * BYTES], idle[BYTES];
};

static int setup(void **state)
{
    struct rig *rig = calloc(1, sizeof *rig);
    struct status err;
    assert_int_equal(scene_load("lab", NULL, &rig->scene, &err), 0);
    rig->boards = boards_create(&rig->scene, &err);
    assert_non_null(rig->boards);
    memset(rig->idle, 0x5a, sizeof rig->idle);
    for (int i = 0; i < 64; i++)
        memset(rig->patterns + i * BYTES, i + 1, BYTES);
    *state = rig;
    return 0;
}

static int teardown(void **state)
{
    struct rig *rig = *state;
    boards_destroy(&rig->boards);
    boards_destroy(&rig->boards);
    free(rig);
    return 0;
}

static struct ris_report report_of(const struct rig *rig, enum ris_report_kind kind)
{
    struct ris_report r = {.board = "ris2",
                           .kind = (uint8_t)kind,
                           .trigger = RIS_TRIGGER_RISING,
                           .shape = {16, 16, 1},
                           .patterns = rig->patterns,
                           .idle = rig->idle};
    if (kind == RIS_REPORT_ARM) {
        r.n_edges = 2;
        r.n_steps = 8;
        r.reps[0] = 8;
        r.reps[1] = 1;
        r.delay_ns = 5000;
        r.period_ns = 92160;
    } else if (kind == RIS_REPORT_APPLY_AT_EDGE) {
        r.n_edges = r.n_steps = 1;
        r.reps[0] = 1;
    }
    return r;
}

static void tell(struct rig *rig, const struct ris_report *report, int64_t tick)
{
    struct status err;
    size_t ris = 9;
    assert_int_equal(boards_report(rig->boards, report, tick, &ris, &err), 0);
    assert_int_equal(ris, 1);
}

/* First byte of what RIS 2 shows. */
static int shown(struct rig *rig, int64_t tick)
{
    int64_t next;
    int pattern = boards_pattern(rig->boards, 1, tick, &next)[0];
    assert_true(next > tick);
    return pattern;
}

static void a_board_is_dark_until_it_reports(void **state)
{
    struct rig *rig = *state;
    int64_t next;
    assert_int_equal(boards_pattern(rig->boards, 0, 5, &next)[0], 0);
    assert_true(next == BOARDS_NEVER);
    struct ris_report r = report_of(rig, RIS_REPORT_APPLY);
    tell(rig, &r, 10);
    assert_int_equal(shown(rig, 10), 0x5a);
}

static void steps_are_latched_by_the_boards_timer(void **state)
{
    struct rig *rig = *state;
    struct ris_report r = report_of(rig, RIS_REPORT_ARM);
    tell(rig, &r, 100);
    boards_edge(rig->boards, EDGE, 1, 0);
    assert_int_equal(shown(rig, EDGE + 499), 0x5a);
    for (int k = 0; k < 64; k++) {
        assert_int_equal(shown(rig, EDGE + 500 + k * SLOT), k % 8 + 1);
        assert_int_equal(shown(rig, EDGE + 500 + k * SLOT + SLOT - 1), k % 8 + 1);
    }
    assert_int_equal(shown(rig, EDGE + 500 + 64 * SLOT), 0x5a);
    int64_t next;
    boards_pattern(rig->boards, 1, EDGE, &next);
    assert_true(next == EDGE + 500);
    boards_pattern(rig->boards, 1, EDGE + 500 + 3 * SLOT, &next);
    assert_true(next == EDGE + 500 + 4 * SLOT);
    boards_pattern(rig->boards, 1, EDGE + 500 + 64 * SLOT, &next);
    assert_true(next == BOARDS_NEVER);
}

/* Delays and periods that are no whole number of samples: each latch is within a sample of its
 * instant at 100 MS/s, and the steps do not drift. */
static void latches_keep_to_the_sample(void **state)
{
    struct rig *rig = *state;
    double worst = 0;
    for (uint32_t odd = 0; odd < 10; odd++) {
        struct ris_report r = report_of(rig, RIS_REPORT_ARM);
        r.delay_ns = 5000 + odd;
        r.period_ns = 92160 + 3 * odd;
        tell(rig, &r, 100);
        const int64_t edge = (int64_t)(odd + 1) * 2 * EDGE;
        boards_edge(rig->boards, edge, 1, 0);
        int64_t next = edge;
        for (int k = 0; k < 64; k++) {
            boards_pattern(rig->boards, 1, next, &next);
            double exact = (double)edge + 0.1 * (r.delay_ns + (double)k * r.period_ns);
            worst = fmax(worst, fabs((double)next - exact));
            assert_int_equal(shown(rig, next), k % 8 + 1);
        }
        boards_forget(rig->boards, edge + EDGE);
    }
    print_message("latches within %.2f samples\n", worst);
    assert_true(worst <= 1);
}

static void every_edge_has_its_repetitions(void **state)
{
    struct rig *rig = *state;
    const int64_t second = EDGE + 2000000;
    struct ris_report r = report_of(rig, RIS_REPORT_ARM);
    boards_edge(rig->boards, second, 1, 0); /* known before the first, and before the report */
    tell(rig, &r, 100);
    boards_edge(rig->boards, EDGE, 1, 0);
    boards_edge(rig->boards, EDGE + SLOT, 1, 0);            /* while running: missed */
    boards_edge(rig->boards, second + 1000000, 1, 0);       /* nothing left to play */
    boards_edge(rig->boards, EDGE + 63 * SLOT, 0, 1);       /* the burst's end */
    boards_edge(rig->boards, EDGE + 100 * SLOT, 1 << 5, 0); /* another line */
    assert_int_equal(shown(rig, second - 1), 0x5a);
    assert_int_equal(shown(rig, second + 500 + 7 * SLOT), 8);
    assert_int_equal(shown(rig, second + 500 + 8 * SLOT), 0x5a);
    assert_int_equal(shown(rig, second + 1000000 + 500), 0x5a);
    boards_forget(rig->boards, second + 1);
    assert_int_equal(boards_lost_edges(rig->boards), 1);
    assert_int_equal(shown(rig, second + 500 + SLOT), 2);
    boards_forget(rig->boards, second + 3000000);
    assert_int_equal(shown(rig, second + 3000000), 0x5a);
}

static void edges_before_the_report_do_not_count(void **state)
{
    struct rig *rig = *state;
    struct ris_report r = report_of(rig, RIS_REPORT_ARM);
    boards_edge(rig->boards, 50, 1, 0);
    tell(rig, &r, 100);
    assert_int_equal(shown(rig, 100 + 2 * SLOT), 0x5a);
    boards_edge(rig->boards, EDGE, 1, 0);
    r.trigger = RIS_TRIGGER_FALLING;
    tell(rig, &r, 200);
    assert_int_equal(shown(rig, EDGE + 500), 0x5a);
    boards_edge(rig->boards, EDGE + 100, 0, 1);
    assert_int_equal(shown(rig, EDGE + 600), 1);
    r = report_of(rig, RIS_REPORT_DISARM);
    tell(rig, &r, EDGE + 700);
    assert_int_equal(shown(rig, EDGE + 700), 0x5a);
}

static void a_profile_applied_at_an_edge_stays(void **state)
{
    struct rig *rig = *state;
    struct ris_report r = report_of(rig, RIS_REPORT_APPLY_AT_EDGE);
    tell(rig, &r, 0);
    boards_edge(rig->boards, EDGE, 1, 0);
    boards_edge(rig->boards, EDGE + 10, 1, 0);
    assert_int_equal(shown(rig, EDGE - 1), 0x5a);
    assert_int_equal(shown(rig, EDGE), 1);
    assert_int_equal(shown(rig, EDGE + 500000000), 1);
    boards_forget(rig->boards, EDGE + 1000);
    assert_int_equal(shown(rig, EDGE + 500000000), 1);
}

static void strangers_are_refused(void **state)
{
    struct rig *rig = *state;
    struct status err;
    size_t ris;
    struct ris_report r = report_of(rig, RIS_REPORT_APPLY);
    strcpy(r.board, "ris7");
    assert_int_equal(boards_report(rig->boards, &r, 0, &ris, &err), ERR_NOT_FOUND);
    assert_non_null(strstr(err.text, "ris7"));
    strcpy(r.board, "ris1");
    r.shape.columns = 8;
    assert_int_equal(boards_report(rig->boards, &r, 0, &ris, &err), ERR_ARG);
    assert_non_null(strstr(err.text, "8 x 16"));
}

static void a_flood_of_edges_is_survived(void **state)
{
    struct rig *rig = *state;
    for (int i = 0; i < 1000; i++)
        boards_edge(rig->boards, i, 1, 0);
    assert_int_equal(boards_lost_edges(rig->boards), 1000 - 256);
    boards_forget(rig->boards, 1000);
    assert_int_equal(shown(rig, 1000), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_board_is_dark_until_it_reports, setup, teardown),
        cmocka_unit_test_setup_teardown(steps_are_latched_by_the_boards_timer, setup, teardown),
        cmocka_unit_test_setup_teardown(latches_keep_to_the_sample, setup, teardown),
        cmocka_unit_test_setup_teardown(every_edge_has_its_repetitions, setup, teardown),
        cmocka_unit_test_setup_teardown(edges_before_the_report_do_not_count, setup, teardown),
        cmocka_unit_test_setup_teardown(a_profile_applied_at_an_edge_stays, setup, teardown),
        cmocka_unit_test_setup_teardown(strangers_are_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(a_flood_of_edges_is_survived, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
