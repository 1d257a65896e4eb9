/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "firmware/drivers/trigger.h"

#define LINE 1u

bool trigger_start(void)
{
    SYSCFG_EXTICR1 = SYSCFG_EXTICR1 & ~0xfu; /* port A */
    EXTI->imr |= LINE;
    trigger_set(EDGE_NONE);
    cortex_enable_irq(IRQ_EXTI0, PRIORITY_STEP);
    return (EXTI->imr & LINE) != 0;
}

void trigger_set(enum trigger_edge edge)
{
    EXTI->rtsr = edge == EDGE_RISING ? EXTI->rtsr | LINE : EXTI->rtsr & ~LINE;
    EXTI->ftsr = edge == EDGE_FALLING ? EXTI->ftsr | LINE : EXTI->ftsr & ~LINE;
    EXTI->pr = LINE; /* an edge from before does not count */
}

bool trigger_interrupt(void)
{
    bool edge = (EXTI->pr & LINE) != 0;
    EXTI->pr = LINE;
    return edge;
}
