/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "firmware/drivers/supply.h"

#define EOC        (1u << 1)
#define ADON       (1u << 0)
#define SWSTART    (1u << 30)
#define REFERENCE  17u        /* channel of the internal reference */
#define SMP17_480  (7u << 21) /* 480 cycles: 23 us at 21 MHz; it wants 10 */
#define TSVREFE    (1u << 23) /* switches the reference through */
#define ADCPRE_4   (1u << 16) /* 84 MHz / 4 */
#define CAL_SUPPLY 3300u      /* mV at calibration */
#define CAL_MIN    1200u      /* 1.18 .. 1.24 V of 3.3 V are 1464 .. 1540 */
#define CAL_MAX    1800u
#define LOWEST_MV  1700u /* no such chip runs below, */
#define HIGHEST_MV 4000u /* or survives above: such a reading is none */

bool supply_start(struct supply *s, const struct supply_bus *bus)
{
    *s = (struct supply){.bus = *bus};
    if (bus->calibration < CAL_MIN || bus->calibration > CAL_MAX) {
        s->bus.adc = 0;
        return false;
    }
    struct adc_regs *adc = bus->adc;
    *bus->common = TSVREFE | ADCPRE_4;
    adc->smpr1 = SMP17_480;
    adc->sqr1 = 0; /* one conversion */
    adc->sqr3 = REFERENCE;
    adc->cr2 = ADON;
    bool sound = *bus->common == (TSVREFE | ADCPRE_4) && adc->smpr1 == SMP17_480 &&
                 adc->sqr3 == REFERENCE && (adc->cr2 & ADON) != 0;
    adc->cr2 = ADON | SWSTART;
    return sound;
}

uint16_t supply_mv(struct supply *s)
{
    struct adc_regs *adc = s->bus.adc;
    if (adc == 0 || (adc->sr & EOC) == 0)
        return s->mv;
    uint32_t reading = adc->dr & 0xfff; /* clears EOC */
    uint32_t mv = reading > 0 ? CAL_SUPPLY * s->bus.calibration / reading : 0;
    s->mv = mv >= LOWEST_MV && mv <= HIGHEST_MV ? (uint16_t)mv : 0;
    adc->cr2 = ADON | SWSTART;
    return s->mv;
}
