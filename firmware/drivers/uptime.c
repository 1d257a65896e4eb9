/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "firmware/drivers/uptime.h"
#include "firmware/drivers/stm32f405.h"

#define EMULATED_MHZ 1000

static uint64_t total_us;
static uint32_t last;

bool uptime_start(enum clock_source source)
{
    uint32_t divide = (source == CLOCK_EMULATED ? EMULATED_MHZ : TIMER2_MHZ) - 1;
    TIM2->psc = divide;
    TIM2->arr = UINT32_MAX;
    TIM2->egr = 1; /* the divider takes effect with an update */
    TIM2->cr1 = 1;
    last = TIM2->cnt;
    return TIM2->psc == divide && TIM2->arr == UINT32_MAX;
}

uint64_t uptime_us(void)
{
    uint32_t mask = cortex_mask_all();
    uint32_t now = TIM2->cnt;
    total_us += now - last;
    last = now;
    uint64_t us = total_us;
    cortex_unmask_all(mask);
    return us;
}
