/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The supply's driver on made-up registers of an ADC. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "firmware/drivers/supply.h"

#define CALIBRATION 1502
#define EOC         2u
#define SWSTART     (1u << 30)

static struct adc_regs adc;
static volatile uint32_t common;

static struct supply_bus bus(uint16_t calibration)
{
    adc = (struct adc_regs){0};
    common = 0;
    return (struct supply_bus){&adc, &common, calibration};
}

static uint16_t convert(struct supply *s, uint32_t reading)
{
    assert_true(adc.cr2 & SWSTART); /* one was begun */
    adc.cr2 &= ~SWSTART;
    adc.sr = EOC;
    adc.dr = reading;
    uint16_t mv = supply_mv(s);
    adc.sr = 0;
    return mv;
}

static void test_reference_tells_the_supply(void **state)
{
    (void)state;
    struct supply s;
    const struct supply_bus b = bus(CALIBRATION);
    assert_true(supply_start(&s, &b));
    assert_int_equal(adc.sqr3, 17);
    assert_int_equal(adc.smpr1 >> 21 & 7, 7);
    assert_int_equal(common >> 16 & 3, 1); /* 21 MHz: 36 are allowed */
    assert_int_equal(supply_mv(&s), 0);    /* not converted yet */
    assert_int_equal(convert(&s, CALIBRATION), 3300);
    assert_int_equal(supply_mv(&s), 3300); /* holds until the next one is in */
    assert_in_range(convert(&s, 1652), 2998, 3001);
}

static void test_nonsense_is_unknown(void **state)
{
    (void)state;
    struct supply s;
    struct supply_bus b = bus(CALIBRATION);
    assert_true(supply_start(&s, &b));
    assert_int_equal(convert(&s, 0), 0);
    assert_int_equal(convert(&s, 4095), 0);
    assert_int_equal(convert(&s, CALIBRATION), 3300);
    b = bus(0xffff); /* never calibrated */
    assert_false(supply_start(&s, &b));
    adc.sr = EOC;
    adc.dr = CALIBRATION;
    assert_int_equal(supply_mv(&s), 0);
    assert_int_equal(adc.cr2, 0); /* nothing was switched on */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reference_tells_the_supply),
        cmocka_unit_test(test_nonsense_is_unknown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
