/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Microseconds since boot, from TIM2's 32-bit counter. */
#pragma once
#include "firmware/drivers/clock_tree.h"

/* Setup only. False when the timer does not hold what was written to it. */
bool uptime_start(enum clock_source source);

/* From any level; at least once in 71 minutes. */
uint64_t uptime_us(void);
