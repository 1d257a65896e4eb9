/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * User data in the slots of the data link, at either end: what joins data_link.h, which knows no
 * modulation, to data_slot.h, which knows no packets. */
#pragma once
#include "dsp/data_slot.h"
#include "host/data_link.h"
#include "host/link_port.h"

/* Setup only. The switching points are data_mcs()'s. NULL and *err as data_link_create(). */
struct data_link *link_traffic_create(const struct link_port_cfg *cfg,
                                      enum secure_link_direction sends,
                                      const struct secure_keys *keys, struct status *err);
/* ERR_ARG: a slot of this way ("downlink", "uplink") is too short for packets even in the slowest
 * scheme; says what to raise. */
int link_traffic_check(const struct data_slot *slot, const char *way,
                       struct status *err) MUST_CHECK;

/* Of somebody who is not to be told of: how strong either side is heard, and what follows from it.
 */
void link_traffic_forget(struct data_link_state *state);

/* RT-safe. Header and payload of the slot about to be sent; link NULL: known data in scheme `mcs`.
 * payload: [data_slot_bytes_max()]. */
struct data_slot_header link_traffic_fill(struct data_link *link, const struct data_slot *slot,
                                          const struct data_link_slot *when, unsigned mcs,
                                          uint8_t *payload);
/* RT-safe. What came of a slot that was listened to: rc of data_slot_decode() and its results. */
void link_traffic_take(struct data_link *link, const struct data_link_slot *when, int rc,
                       const struct data_slot_result *result, uint8_t *payload, size_t n_byte);

struct report_text;
/* Appends `,"mcs":...`; null: not known. */
void link_mcs_add(struct report_text *text, int mcs);
/* JSON members with a leading comma: `"traffic":{...}`. Their length, or ERR_NO_SPACE. RT-safe. */
int link_traffic_format(const struct data_link_state *state, char *out, size_t size);
