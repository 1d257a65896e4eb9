/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The trigger input: external interrupt line 0, pin PA0. */
#pragma once
#include "firmware/drivers/stm32f405.h"

enum trigger_edge { EDGE_NONE, EDGE_RISING, EDGE_FALLING };

bool trigger_start(void); /* setup only. False when a register does not hold what was written */
void trigger_set(enum trigger_edge edge);
bool trigger_interrupt(void); /* true when it was the edge asked for */
