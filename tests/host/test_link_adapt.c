/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The scheme follows what the other side heard. */
#include "host/link_adapt.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void adaptation_follows_the_other_side(void **state)
{
    struct link_adapt a = {.n_mcs = 3, .from_db = {0, 10, 18}};
    (void)state;
    link_adapt_report(&a, 1, 0, NAN);
    assert_int_equal(a.mcs, 0);
    link_adapt_report(&a, 1, 0, 10.4); /* not steadily above 10 */
    assert_int_equal(a.mcs, 0);
    link_adapt_report(&a, 1, 0, 10.6);
    assert_int_equal(a.mcs, 1);
    link_adapt_report(&a, 1, 0, 10.1); /* nor below it */
    assert_int_equal(a.mcs, 1);
    link_adapt_report(&a, 1, 0, 30);
    assert_int_equal(a.mcs, 2);
    link_adapt_report(&a, 0, 25, 18.5); /* a wall counts once */
    assert_true(fabs(a.margin_db - LINK_ADAPT_LOSS_DB) < 1e-9);
    assert_int_equal(a.mcs, 1);
    for (int i = 0; i < 100; i++)
        link_adapt_report(&a, 0, 1, 100);
    assert_true(a.margin_db == LINK_ADAPT_MARGIN_DB);
    for (int i = 0; i < 200; i++)
        link_adapt_report(&a, 1, 0, 18.6);
    assert_true(a.margin_db < 1e-9);
    assert_int_equal(a.mcs, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(adaptation_follows_the_other_side),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
