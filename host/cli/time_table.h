/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Draws a cycle's time table (host/schedule_json.h). */
#pragma once
#include <jansson.h>
#include <stdio.h>

#include "frames/status.h"

/* A line with a bar for each window, in the order of time, and one for each guard. */
void time_table_text(const json_t *table, FILE *out);
/* The same as a picture, a row each. */
void time_table_svg(const json_t *table, FILE *out);

/* ERR_FORMAT: not a time table. */
int time_table_check(const json_t *table, struct status *err) MUST_CHECK;
