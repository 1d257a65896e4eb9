/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Watchdog and supply supervisor on made-up registers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "firmware/drivers/guard.h"

#define PVD_LINE (1u << 16)
#define PVDO     (1u << 2)

static struct iwdg_regs iwdg;
static struct exti_regs exti;
static volatile uint32_t cr, csr;
static const struct guard_bus bus = {&iwdg, &exti, &cr, &csr};
static int n_off, n_reset;

/* The supply comes back some time after the outputs are off. */
static void off(void)
{
    assert_int_equal(n_reset, 0);
    assert_true(csr & PVDO);
    n_off++;
    csr = 0;
}

static void reset(void)
{
    assert_int_equal(n_off, 1);
    assert_false(csr & PVDO);
    n_reset++;
}

static void test_both_are_armed(void **state)
{
    (void)state;
    guard_start(&bus);
    assert_int_equal(cr, 1u << 4 | 5u << 5); /* on, 2.7 V */
    assert_true(exti.rtsr & exti.imr & PVD_LINE);
    assert_int_equal(iwdg.pr, 3);
    assert_in_range(iwdg.rlr, 1000, 4095); /* over 0.7 s whatever the oscillator does */
    assert_int_equal(iwdg.kr, 0xaaaa);
    iwdg.kr = 0;
    guard_feed(&bus);
    assert_int_equal(iwdg.kr, 0xaaaa);
}

static void test_low_supply_darkens_then_resets(void **state)
{
    (void)state;
    csr = PVDO;
    guard_supply(&bus, off, reset);
    assert_int_equal(n_off, 1);
    assert_int_equal(n_reset, 1);
    assert_int_equal(exti.pr, PVD_LINE);
}

static void test_a_false_alarm_does_nothing(void **state)
{
    (void)state;
    csr = 0;
    exti.pr = n_off = n_reset = 0;
    guard_supply(&bus, off, reset);
    assert_int_equal(n_off + n_reset, 0);
    assert_int_equal(exti.pr, PVD_LINE); /* acknowledged */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_both_are_armed),
        cmocka_unit_test(test_low_supply_darkens_then_resets),
        cmocka_unit_test(test_a_false_alarm_does_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
