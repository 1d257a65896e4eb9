/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The time table for whoever draws it: page, `mirador schedule`, programs of others. */
#pragma once
#include "host/schedule.h"
#include <jansson.h>

/* {"period_s", "slot_s", "response_s", "windows": [{"name", "begin_s", "length_s"}], "guards":
 * [{"name", "after", "before", "begin_s", "length_s", "free_s"}]}; times from the cycle's start. A
 * guard begins where `after` ends; free_s is what the table leaves there. The caller owns it. NULL:
 * out of memory. */
json_t *schedule_json(const struct schedule *s);
