/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The step timer, from SysTick: a first delay, then periods without drift (fractions of a tick are
 * carried on). When it does not step it beats every 50 ms, which keeps the main loop awake. */
#pragma once
#include "firmware/drivers/cortex.h"

struct stepper {
    bool stepping;
    uint64_t period_q; /* ticks, 32 bits behind the point */
    uint32_t fraction; /* of the position reached, likewise */
    uint32_t left;     /* ticks of the present step that SysTick was not given yet */
    bool ends[2];      /* the interval that runs, and the next one, end a step */
};

void stepper_start(struct stepper *s); /* setup only: starts to beat */

/* Steps at delay_ns and then every period_ns; period 0 ends that. */
void stepper_set(struct stepper *s, uint32_t delay_ns, uint32_t period_ns);

/* SysTick's interrupt. True when a step is due now. */
bool stepper_interrupt(struct stepper *s);
