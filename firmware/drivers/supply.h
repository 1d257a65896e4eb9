/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Supply voltage of the processor, from its internal reference by ADC1: the reference is fixed, so
 * its reading falls as the supply rises. A conversion runs beside the program. */
#pragma once
#include <stdbool.h>
#include <stdint.h>

struct adc_regs { /* RM0090, section 13.13 */
    volatile uint32_t sr, cr1, cr2, smpr1, smpr2, jofr[4], htr, ltr, sqr1, sqr2, sqr3, jsqr, jdr[4],
        dr;
};

struct supply_bus {
    struct adc_regs *adc;
    volatile uint32_t *common; /* ADC_CCR */
    uint16_t calibration;      /* the reference's reading at 3.3 V, from the factory */
};

struct supply {
    struct supply_bus bus;
    uint16_t mv; /* newest, 0 = not known */
};

/* Setup only; the ADC's clock is on. Begins the first conversion. False when a register does not
 * hold what was written, or the chip has no calibration: the supply then stays unknown. */
bool supply_start(struct supply *s, const struct supply_bus *bus);

/* Takes a finished conversion and begins the next. Returns the newest voltage [mV], 0 = not known.
 */
uint16_t supply_mv(struct supply *s);
