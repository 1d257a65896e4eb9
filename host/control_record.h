/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The command "record" of the control socket:
 *
 *   {"cmd":"record","do":"start","name":"monday"}  -> {"ok":true,"prefix":".."}  begun; see status
 *      "stream":true: the whole of a continuous capture too; without it, as record.stream says
 *   {"cmd":"record","do":"mark","text":"door","name":".."} -> {"ok":true}
 *   {"cmd":"record","do":"stop"}                   -> {"ok":true}
 *   {"cmd":"record","do":"status"}                 -> {"ok":true,"state":..,"cycles":..}
 *
 * A name (optional: the time) has letters, digits, '.', '_' and '-' only: recordings go into the
 * daemon's own folder and nowhere else. */
#pragma once
#include "host/recorder.h"
#include <jansson.h>

/* Carries one out; the members of the answer as one object into out. folder: where recordings go.
 */
int control_record(struct recorder *recorder, const char *folder, const json_t *args, char *out,
                   size_t size, struct status *err) MUST_CHECK;

/* The status as one JSON object, also in `health`. Returns its length, or ERR_NO_SPACE. */
int control_record_status(const struct recorder_status *status, char *out, size_t size);
