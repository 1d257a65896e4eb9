/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Lines of a journal: who was withheld comes back as it was written. */
#include "host/recording_journal.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct journal_entry entry;

/* The line of a cycle with these users withheld, to free(). */
static char *line_of(unsigned withheld)
{
    static struct recording_cycle c = {.input = {.capture = -1},
                                       .window = {[BLOCK_SENSING] = {.there = true, .n_samp = 1},
                                                  [BLOCK_RESPONSE] = {.there = true, .n_samp = 1}},
                                       .report = {.response = RESPONSE_SILENT}};
    c.input.withheld = withheld;
    char *text = journal_format_cycle(&c);
    assert_non_null(text);
    return text;
}

static int read_line(const char *text)
{
    struct status err = {0};
    return journal_parse(text, strlen(text), &entry, &err);
}

static void who_is_withheld_comes_back(void **state)
{
    (void)state;
    const unsigned sets[] = {1, 1u << (BS_USERS_MAX - 1), 0x5a5a, (1u << BS_USERS_MAX) - 1};
    for (size_t i = 0; i < sizeof sets / sizeof *sets; i++) {
        char *text = line_of(sets[i]);
        assert_int_equal(read_line(text), OK);
        assert_int_equal(entry.line, JOURNAL_CYCLE);
        assert_int_equal(entry.cycle.input.withheld, sets[i]);
        free(text);
    }
}

/* As recordings of before there was such an order. */
static void nobody_withheld_is_not_written(void **state)
{
    (void)state;
    char *text = line_of(0);
    assert_null(strstr(text, "withheld"));
    assert_int_equal(read_line(text), OK);
    assert_int_equal(entry.cycle.input.withheld, 0);
    free(text);
}

static void places_that_are_not_there_are_refused(void **state)
{
    static const char *const wrong[] = {"65536", "-1", "\"1\"", "1.0"};
    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        char *text = line_of(0), damaged[4096];
        snprintf(damaged, sizeof damaged, "{\"withheld\":%s,%s", wrong[i], text + 1);
        assert_int_equal(read_line(damaged), ERR_FORMAT);
        free(text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_is_withheld_comes_back),
        cmocka_unit_test(nobody_withheld_is_not_written),
        cmocka_unit_test(places_that_are_not_there_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
