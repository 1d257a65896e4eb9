/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Which command a sample belongs to, and what is forgotten. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "host/rx_asked.h"

/* Of `n` commands of 10 samples, 100 apart. */
static struct rx_asked asked(size_t n)
{
    struct rx_asked a = {0};
    for (size_t i = 0; i < n; i++)
        rx_asked_add(&a, 100 * (int64_t)i, 10);
    return a;
}

static void samples_belong_to_commands(void **state)
{
    (void)state;
    struct rx_asked a = asked(3);
    assert_ptr_equal(rx_asked_of(&a, 109, -1), &a.command[1]);
    assert_ptr_equal(rx_asked_of(&a, 100, 99), &a.command[1]);
    assert_null(rx_asked_of(&a, 110, -1));
    assert_null(rx_asked_of(&a, 100, 100));
    assert_ptr_equal(rx_asked_behind(&a, 100), &a.command[2]);
    assert_null(rx_asked_behind(&a, 200));
    assert_true(rx_asked_begins(&a, 200));
    assert_false(rx_asked_begins(&a, 201));
}

static void what_has_come_is_used_up(void **state)
{
    (void)state;
    struct rx_asked a = asked(2);
    assert_false(rx_asked_used_up(&a, 100));
    rx_asked_of(&a, 100, -1)->n = 0;
    assert_true(rx_asked_used_up(&a, 100));
    assert_false(rx_asked_used_up(&a, 0));
    assert_null(rx_asked_of(&a, 100, -1));
}

static void the_last_are_known(void **state)
{
    (void)state;
    struct rx_asked a = asked(RX_ASKED + 2);
    assert_false(rx_asked_begins(&a, 100));
    assert_true(rx_asked_begins(&a, 200));
    assert_int_equal(rx_asked_behind(&a, -1)->tick, 200);
    assert_non_null(rx_asked_of(&a, 100 * (RX_ASKED + 1), -1));
    struct rx_asked none = {0};
    assert_null(rx_asked_behind(&none, -1));
    assert_false(rx_asked_begins(&none, 0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(samples_belong_to_commands),
        cmocka_unit_test(what_has_come_is_used_up),
        cmocka_unit_test(the_last_are_known),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
