/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "firmware/drivers/guard.h"

#define PVD_LINE    (1u << 16)
#define PWR_PVDE    (1u << 4)
#define PWR_PLS_2V7 (5u << 5)
#define PWR_CSR     REG32(0x40007004)
#define PVDO        (1u << 2)

#define IWDG_UNLOCK 0x5555
#define IWDG_FEED   0xaaaa
#define IWDG_START  0xcccc
#define IWDG_DIV_32 3    /* 32 kHz / 32 = 1 kHz */
#define IWDG_RELOAD 2000 /* 1.4 .. 3.8 s over the oscillator's tolerance */

void guard_start(void)
{
    PWR_CR |= PWR_PVDE | PWR_PLS_2V7;
    EXTI->rtsr |= PVD_LINE; /* rises when the supply falls below the threshold */
    EXTI->imr |= PVD_LINE;
    cortex_enable_irq(IRQ_PVD, PRIORITY_SUPPLY);
    IWDG->kr = IWDG_START;
    IWDG->kr = IWDG_UNLOCK;
    IWDG->pr = IWDG_DIV_32;
    IWDG->rlr = IWDG_RELOAD;
    IWDG->kr = IWDG_FEED;
}

void guard_feed(void)
{
    IWDG->kr = IWDG_FEED;
}

bool guard_supply_low(void)
{
    EXTI->pr = PVD_LINE;
    return (PWR_CSR & PVDO) != 0;
}
