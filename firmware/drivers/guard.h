/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What ends a board that does not work any more: the independent watchdog and the supply's
 * supervisor. Both lead to a reset, and after a reset the outputs are off. */
#pragma once
#include "firmware/drivers/stm32f405.h"

struct guard_bus {
    struct iwdg_regs *iwdg;
    struct exti_regs *exti;
    volatile uint32_t *pwr_cr, *pwr_csr;
};

/* Setup only: watchdog of 2 s, supply threshold 2.7 V. The supply's interrupt is enabled by the
 * caller. bus must outlive the board. */
void guard_start(const struct guard_bus *bus);
void guard_feed(const struct guard_bus *bus);

/* The supply's interrupt. When it is low now: outputs off at once, then, when it has come back,
 * reset. A false alarm does nothing. */
void guard_supply(const struct guard_bus *bus, void (*off)(void), void (*reset)(void));
