/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "firmware/drivers/guard.h"

#define PVD_LINE    (1u << 16)
#define PWR_PVDE    (1u << 4)
#define PWR_PLS_2V7 (5u << 5)
#define PVDO        (1u << 2)

#define IWDG_UNLOCK 0x5555
#define IWDG_FEED   0xaaaa
#define IWDG_START  0xcccc
#define IWDG_DIV_32 3    /* 32 kHz / 32 = 1 kHz */
#define IWDG_RELOAD 2000 /* 1.4 .. 3.8 s over the oscillator's tolerance */

void guard_start(const struct guard_bus *bus)
{
    *bus->pwr_cr |= PWR_PVDE | PWR_PLS_2V7;
    bus->exti->rtsr |= PVD_LINE; /* rises when the supply falls below the threshold */
    bus->exti->imr |= PVD_LINE;
    bus->iwdg->kr = IWDG_START;
    bus->iwdg->kr = IWDG_UNLOCK;
    bus->iwdg->pr = IWDG_DIV_32;
    bus->iwdg->rlr = IWDG_RELOAD;
    bus->iwdg->kr = IWDG_FEED;
}

void guard_feed(const struct guard_bus *bus)
{
    bus->iwdg->kr = IWDG_FEED;
}

static bool is_low(const struct guard_bus *bus)
{
    bus->exti->pr = PVD_LINE;
    return (*bus->pwr_csr & PVDO) != 0;
}

void guard_supply(const struct guard_bus *bus, void (*off)(void), void (*reset)(void))
{
    if (!is_low(bus))
        return;
    off();
    while (is_low(bus))
        ;
    reset();
}
