/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "firmware/drivers/stepper.h"

#define TICKS_PER_NS_Q 721554506u /* 0.168 GHz, 32 bits behind the point */
#define SYST_MAX       0x1000000u
#define BEAT           8400000u /* 50 ms */
#define FIRST_MIN      64u      /* ticks: what it takes to set the next interval */
#define CSR_RUN        7u       /* processor clock, interrupt, enable */

/* Length of the next interval, and whether a step ends with it. A step longer than SysTick's 24
 * bits is cut so that no interval gets short. */
static uint32_t next_interval(struct stepper *s, bool *ends)
{
    *ends = false;
    if (!s->stepping)
        return BEAT;
    if (s->left == 0) {
        uint64_t position = s->fraction + s->period_q;
        s->left = (uint32_t)(position >> 32);
        s->fraction = (uint32_t)position;
    }
    uint32_t ticks = s->left > SYST_MAX ? SYST_MAX / 2 : s->left;
    s->left -= ticks;
    *ends = s->left == 0;
    return ticks;
}

/* SysTick takes a new reload value at its next wrap, so it always has one interval in advance. */
static void restart(struct stepper *s)
{
    SYST_CSR = 0;
    SCB_ICSR = ICSR_PENDSTCLR;
    SYST_RVR = next_interval(s, &s->ends[0]) - 1;
    SYST_CVR = 0;
    SYST_CSR = CSR_RUN;
    while (SYST_CVR == 0)
        ;
    SYST_RVR = next_interval(s, &s->ends[1]) - 1;
}

void stepper_start(struct stepper *s)
{
    *s = (struct stepper){.stepping = false};
    SCB_SHPR3 = PRIORITY_STEP << 24 | PRIORITY_SHIFT << 16;
    restart(s);
}

void stepper_set(struct stepper *s, uint32_t delay_ns, uint32_t period_ns)
{
    uint64_t delay_q = (uint64_t)delay_ns * TICKS_PER_NS_Q;
    s->stepping = period_ns > 0;
    s->period_q = (uint64_t)period_ns * TICKS_PER_NS_Q;
    s->fraction = (uint32_t)delay_q;
    s->left = (uint32_t)(delay_q >> 32);
    if (s->left < FIRST_MIN)
        s->left = FIRST_MIN;
    restart(s);
}

bool stepper_interrupt(struct stepper *s)
{
    bool due = s->ends[0];
    s->ends[0] = s->ends[1];
    SYST_RVR = next_interval(s, &s->ends[1]) - 1;
    return due;
}
