/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Names of what touched a cycle. */
#include "host/cycle_fault.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static void test_names(void **state)
{
    (void)state;
    char text[256];
    assert_int_equal(cycle_faults_json(0, text, sizeof text), 2);
    assert_string_equal(text, "[]");
    cycle_faults_json(FAULT_RX_GAP | FAULT_RIS_UNKNOWN, text, sizeof text);
    assert_string_equal(text, "[\"rx_gap\",\"ris_unknown\"]");
    for (size_t i = 0; i < CYCLE_FAULTS; i++)
        assert_string_not_equal(cycle_fault_name(i), "unknown");
    assert_string_equal(cycle_fault_name(CYCLE_FAULTS), "unknown");
}

static void test_all_fit_and_short_texts_stay_valid(void **state)
{
    (void)state;
    char text[256];
    size_t n = cycle_faults_json(UINT32_MAX, text, sizeof text);
    assert_int_equal(n, strlen(text));
    for (size_t i = 0; i < CYCLE_FAULTS; i++)
        assert_non_null(strstr(text, cycle_fault_name(i)));
    for (size_t size = 0; size < sizeof text; size++) {
        memset(text, 'x', sizeof text);
        n = cycle_faults_json(UINT32_MAX, text, size);
        assert_true(n < size || size == 0);
        if (n > 0) {
            assert_int_equal(text[n - 1], ']');
            assert_int_equal(text[n], '\0');
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_all_fit_and_short_texts_stay_valid),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
