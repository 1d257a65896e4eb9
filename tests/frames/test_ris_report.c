/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The boards' report to the room: round trip, and refusal of everything that is not whole. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "frames/ris_report.h"

static const uint8_t patterns[8] = {1, 2, 3, 4, 5, 6, 7, 8};
static const uint8_t idle[2] = {0xff, 0x7f};

static struct ris_report arm_report(void)
{
    return (struct ris_report){.board = "ris-1_b",
                               .kind = RIS_REPORT_ARM,
                               .trigger = RIS_TRIGGER_RISING,
                               .shape = {8, 2, 1},
                               .n_edges = 2,
                               .n_steps = 4,
                               .reps = {8, 1},
                               .tag = 77,
                               .delay_ns = 500,
                               .period_ns = 92160,
                               .patterns = patterns,
                               .idle = idle};
}

static void a_sequence_comes_back(void **state)
{
    (void)state;
    struct ris_report r = arm_report();
    struct ris_report got;
    uint8_t msg[256];
    int n = ris_report_encode(&r, msg, sizeof msg);
    assert_true(n > 0);
    assert_int_equal(ris_report_decode(msg, (size_t)n, &got), OK);
    assert_string_equal(got.board, "ris-1_b");
    assert_int_equal(got.kind, RIS_REPORT_ARM);
    assert_int_equal(got.trigger, RIS_TRIGGER_RISING);
    assert_true(ris_shape_equal(got.shape, r.shape));
    assert_int_equal(got.n_edges, 2);
    assert_int_equal(got.reps[0], 8);
    assert_int_equal(got.reps[1], 1);
    assert_int_equal(got.tag, 77);
    assert_int_equal(got.delay_ns, 500);
    assert_int_equal(got.period_ns, 92160);
    assert_memory_equal(got.patterns, patterns, 8);
    assert_memory_equal(got.idle, idle, 2);
    assert_memory_equal(ris_report_step(&got, 4 * 7 + 3), patterns + 6, 2);
    assert_int_equal(ris_report_encode(&r, msg, (size_t)n - 1), ERR_NO_SPACE);
}

static void static_reports_carry_one_pattern(void **state)
{
    (void)state;
    for (unsigned kind = RIS_REPORT_APPLY; kind <= RIS_REPORT_APPLY_AT_EDGE; kind++) {
        struct ris_report r = {.board = "ris2", .kind = (uint8_t)kind, .shape = {8, 2, 1}};
        struct ris_report got;
        uint8_t msg[64];
        r.idle = idle;
        if (kind == RIS_REPORT_APPLY_AT_EDGE) {
            r.n_edges = r.n_steps = 1;
            r.reps[0] = 1;
            r.patterns = patterns;
        }
        int n = ris_report_encode(&r, msg, sizeof msg);
        assert_true(n > 0);
        assert_int_equal(ris_report_decode(msg, (size_t)n, &got), OK);
        assert_int_equal(got.kind, kind);
        assert_memory_equal(got.idle, idle, 2);
    }
}

static void what_is_not_whole_is_refused(void **state)
{
    (void)state;
    struct ris_report r = arm_report();
    struct ris_report got;
    uint8_t msg[257];
    int n = ris_report_encode(&r, msg, sizeof msg);
    for (int cut = 0; cut < n; cut++)
        assert_int_equal(ris_report_decode(msg, (size_t)cut, &got), ERR_FORMAT);
    assert_int_equal(ris_report_decode(msg, (size_t)n + 1, &got), ERR_FORMAT);
    msg[0] ^= 1;
    assert_int_equal(ris_report_decode(msg, (size_t)n, &got), ERR_FORMAT);
}

static void values_out_of_range_are_refused(void **state)
{
    (void)state;
    uint8_t msg[256];
    struct ris_report r = arm_report();
    strcpy(r.board, "");
    assert_int_equal(ris_report_encode(&r, msg, sizeof msg), ERR_ARG);
    strcpy(r.board, "a b");
    assert_int_equal(ris_report_encode(&r, msg, sizeof msg), ERR_ARG);
    r = arm_report();
    r.period_ns = 0;
    assert_int_equal(ris_report_encode(&r, msg, sizeof msg), ERR_ARG);
    r = arm_report();
    r.kind = RIS_REPORT_APPLY; /* with steps */
    assert_int_equal(ris_report_encode(&r, msg, sizeof msg), ERR_ARG);
    r = arm_report();
    r.shape.columns = 7; /* spare bits are set */
    assert_int_equal(ris_report_encode(&r, msg, sizeof msg), ERR_ARG);
}

static void replies_carry_a_status_code(void **state)
{
    (void)state;
    uint8_t reply[RIS_REPLY_BYTES];
    for (int code = OK; code >= ERR_INTERRUPTED; code--) {
        ris_reply_encode(code, reply);
        assert_int_equal(ris_reply_decode(reply, sizeof reply), code);
    }
    assert_int_equal(ris_reply_decode(reply, 3), ERR_FORMAT);
    assert_int_equal(ris_reply_decode((const uint8_t[]){1, 0, 0, 0}, 4), ERR_FORMAT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_sequence_comes_back),
        cmocka_unit_test(static_reports_carry_one_pattern),
        cmocka_unit_test(what_is_not_whole_is_refused),
        cmocka_unit_test(values_out_of_range_are_refused),
        cmocka_unit_test(replies_carry_a_status_code),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
