/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What ends a board that does not work any more: the independent watchdog and the supply's
 * supervisor. Both lead to a reset, and after a reset the outputs are off. */
#pragma once
#include "firmware/drivers/stm32f405.h"

void guard_start(void); /* setup only: watchdog of 2 s, supply threshold 2.7 V */
void guard_feed(void);

/* The supply's interrupt: true when it is low now. */
bool guard_supply_low(void);
