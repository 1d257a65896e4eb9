/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Gain and frequency on order: the control thread asks, the schedule thread carries it out between
 * two cycles, and marks the one that begins. One order at a time. */
#pragma once
#include "host/telemetry.h"

struct tuning;

/* Setup only. NULL: out of memory. */
struct tuning *tuning_create(const struct bs_cfg *cfg, struct status *err);
void tuning_destroy(struct tuning **tuning);

/* Control thread. ERR_BUSY: the last order still waits. */
int tuning_ask(struct tuning *tuning, const struct radio_setting *want,
               struct status *err) MUST_CHECK;
void tuning_state(struct tuning *tuning, struct radio_order *out); /* any thread */

/* Schedule thread, RT-safe but for the calls to the radio: carries out what was asked, from `tick`
 * on. *in_force: what holds in the coming cycle. Returns FAULT_RETUNED or 0. */
uint32_t tuning_apply(struct tuning *tuning, struct radio *radio, int64_t tick,
                      struct radio_setting *in_force);
