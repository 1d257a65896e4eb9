/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What is written down of a command that changes something: who, what, and what became of it. */
#pragma once
#include "base/log.h"
#include <jansson.h>

enum { CONTROL_AUDIT_BYTES = 460 };

/* The line for the audit log; takes "who" and "seq" out of the request. sender: name of the proven
 * key, NULL: a program of this machine; "who" is the sender's own word. Runs of 32 hex digits and
 * more may be somebody's key and are cut. Returns false if the line is left out: of refusals the
 * bucket lets some through and the next line tells how many it did not, so that a flood of nonsense
 * does not fill the disk; what was carried out always passes. NULL: all pass. */
bool control_audit_line(struct log_site *refusals, const char *sender, json_t *request,
                        const struct status *verdict, char line[CONTROL_AUDIT_BYTES]);
