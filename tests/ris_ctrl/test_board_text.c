/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Lines and letters of the boards that speak text: what is an answer, and what is not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "ris_ctrl/opensource_text.h"
#include "ris_ctrl/tile_text.h"

static struct opensource_answer answer;

/* Kind of the line in text, n bytes with the newline. */
static enum opensource_kind kind_n(const char *text, size_t n)
{
    for (size_t i = 0; i + 1 < n; i++)
        assert_int_equal(opensource_answer_push(&answer, (uint8_t)text[i]), OPENSOURCE_NONE);
    return opensource_answer_push(&answer, (uint8_t)text[n - 1]);
}

#define KIND(text) kind_n(text, sizeof(text) - 1)

static void lines_are_told_apart(void **state)
{
    (void)state;
    assert_int_equal(KIND("#OK\n"), OPENSOURCE_OK);
    assert_int_equal(KIND("#OK\r\n"), OPENSOURCE_OK);
    assert_int_equal(KIND("\r#READY!\n"), OPENSOURCE_READY);
    assert_int_equal(KIND("Row count: 16\n"), OPENSOURCE_NONE);
    assert_int_equal(KIND("\n"), OPENSOURCE_NONE);
    assert_int_equal(KIND("#4.98V\n"), OPENSOURCE_WORD);
    assert_string_equal(opensource_answer_word(&answer), "4.98V");
}

static void damaged_answers_are_none(void **state)
{
    (void)state;
    assert_int_equal(KIND("#OK\0junk\n"), OPENSOURCE_BAD);
    assert_int_equal(KIND("#OK\0\n"), OPENSOURCE_BAD);
    assert_int_equal(KIND("#\xff\xfe\x01\n"), OPENSOURCE_BAD);
    assert_int_equal(KIND("#7\x1b[2J\n"), OPENSOURCE_BAD);
    assert_int_equal(KIND("#O\rK\n"), OPENSOURCE_BAD);
    assert_int_equal(KIND("#\n"), OPENSOURCE_BAD);
    assert_int_equal(KIND("#123456789012345678901234\n"), OPENSOURCE_BAD);
    char line[600];
    memset(line, '0', sizeof line);
    memcpy(line, "#0x", 3);
    line[599] = '\n';
    assert_int_equal(kind_n(line, 600), OPENSOURCE_BAD);
    line[68] = '\n'; /* one digit too many */
    assert_int_equal(kind_n(line, 69), OPENSOURCE_BAD);
    line[67] = '\n';
    assert_int_equal(kind_n(line, 68), OPENSOURCE_PATTERN);
    assert_int_equal(KIND("#OK\n"), OPENSOURCE_OK); /* nothing is left of them */
}

static void patterns_have_element_0_in_the_top_bit(void **state)
{
    (void)state;
    uint8_t p[OPENSOURCE_BYTES] = {0x01, 0x80}, back[OPENSOURCE_BYTES];
    char line[OPENSOURCE_SHOW_MAX + 1];
    p[31] = 0x40;
    opensource_show(p, line);
    assert_memory_equal(line, "!0x8001000", 10);
    assert_string_equal(line + 3 + 60, "0002\n");
    line[0] = '#';
    assert_int_equal(kind_n(line, strlen(line)), OPENSOURCE_PATTERN);
    opensource_answer_pattern(&answer, back);
    assert_memory_equal(back, p, sizeof p);
}

static void volts(void **state)
{
    (void)state;
    assert_int_equal(opensource_millivolts("4.98V"), 4980);
    assert_int_equal(opensource_millivolts("5"), 5000);
    assert_int_equal(opensource_millivolts("12.3456 V"), 12345);
    assert_int_equal(opensource_millivolts(".5"), 500);
    assert_int_equal(opensource_millivolts("-0.02V"), 0);
    assert_int_equal(opensource_millivolts("60V"), 0);
    assert_int_equal(opensource_millivolts("99999999999999999999"), 0);
    assert_int_equal(opensource_millivolts("0x1F"), 0);
    assert_int_equal(opensource_millivolts("nan"), 0);
    assert_int_equal(opensource_millivolts(""), 0);
}

static void one_letter_answers_one_frame(void **state)
{
    (void)state;
    struct tile_line t = {.waiting = false};
    tile_line_sent(&t);
    assert_int_equal(tile_line_push(&t, '\n'), TILE_NOTHING);
    assert_int_equal(tile_line_push(&t, 'a'), TILE_DONE);
    tile_line_sent(&t);
    assert_int_equal(tile_line_push(&t, 'b'), TILE_REFUSED);
    assert_int_equal(tile_line_push(&t, 'a'), TILE_STRAY);
    tile_line_sent(&t);
    assert_int_equal(tile_line_push(&t, 'a'), TILE_STRAY); /* whose is it? */
}

static void frames_have_spaces_and_semicolons(void **state)
{
    (void)state;
    char frame[TILE_FRAME_MAX];
    uint8_t p[1] = {0x02}; /* element 0 has state 2 */
    size_t n = tile_frame((struct ris_shape){2, 2, 2}, 7, p, frame);
    assert_int_equal(n, 17);
    assert_memory_equal(frame, "071 0 0 0;0 0 0 0", 17);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_are_told_apart),
        cmocka_unit_test(damaged_answers_are_none),
        cmocka_unit_test(patterns_have_element_0_in_the_top_bit),
        cmocka_unit_test(volts),
        cmocka_unit_test(one_letter_answers_one_frame),
        cmocka_unit_test(frames_have_spaces_and_semicolons),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
