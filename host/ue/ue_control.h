/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Commands to the terminal, in the way of command_port.h, on a socket of this machine and in a
 * thread of their own:
 *
 *   {"cmd":"status"}   -> {"ok":true,"user":1001,"answer":"yes","noes":0,"last_cycle":5003}
 *   {"cmd":"withdraw"} -> the same; no cycle later than last_cycle is permitted
 *   {"cmd":"permit"}   -> the same
 *
 * "answer": to the next cycle that asks, "yes", "no", or "silence"; "noes": how often no is still
 * said; "last_cycle": the last that asked, null: none yet. */
#pragma once
#include "host/ue/permission.h"
#include <stddef.h>

struct ue_control;

/* Setup only, before the radio's thread becomes urgent. endpoint: ipc. permission is borrowed.
 * NULL: says why. */
struct ue_control *ue_control_create(const char *endpoint, uint32_t user_id,
                                     struct permission *permission, struct status *err) MUST_CHECK;
void ue_control_destroy(struct ue_control **control);

/* Carries out one command; writes the answer as text. For tests. */
void ue_control_execute(uint32_t user_id, struct permission *permission, const char *text, size_t n,
                        char *answer, size_t size);
