/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The command "calib" of the control socket (docs/telemetry.md has its fields). */
#pragma once
#include "host/site_calib.h"
#include <jansson.h>

/* The request of a command object whose "kind" is delay, channels or background. ERR_ARG. */
int control_calib_request(const json_t *args, struct site_request *out,
                          struct status *err) MUST_CHECK;

/* The state as one JSON object. ERR_NO_SPACE. */
int control_calib_state(const struct site_state *state, char *out, size_t size) MUST_CHECK;
