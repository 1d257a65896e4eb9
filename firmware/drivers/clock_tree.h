/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * 168 MHz from the crystal, or from the internal oscillator (1 %) when the crystal does not start.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#define CORE_MHZ   168
#define APB2_HZ    84000000 /* USART1 */
#define TIMER2_MHZ 84

enum clock_source {
    CLOCK_CRYSTAL,
    CLOCK_INTERNAL,
    CLOCK_EMULATED, /* no clock tree at all: QEMU, whose TIM2 counts at 1 GHz */
};

/* Setup only. crystal_mhz: 4..26. */
enum clock_source clock_tree_start(unsigned crystal_mhz);

/* A number that differs from boot to boot. */
uint32_t clock_tree_random(enum clock_source source);
