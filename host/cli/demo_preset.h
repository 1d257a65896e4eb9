/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What the room must be told about the radio of a preset, read from the configuration that
 * `miradord --config NAME --dump-config` prints. Setup only. */
#pragma once
#include <stddef.h>

#include "frames/status.h"
#include "host/cli/children.h"

struct demo_preset {
    double rate_hz;
    double cycle_period_s, first_cycle_s;
    size_t n_tx, n_rx;
    double max_eirp_dbm;
    char scene[32]; /* a preset of the simulated room: which; "": of a device */
};

/* Asks the base station, with the arguments in *command: a preset (a name of ours or a file) and
 * overrides of its keys. Faults are ERR_ARG with the daemon's own line. */
int demo_preset_read(const struct children *children, const char *preset, struct command *command,
                     struct demo_preset *out, struct status *err) MUST_CHECK;

/* The same from the dump's text. */
int demo_preset_parse(const char *name, const char *text, struct demo_preset *out,
                      struct status *err) MUST_CHECK;

/* Adds "--set KEY=VALUE" for the scene's radios to follow: rate and receive antennas. The carrier
 * is the scene's, whose surfaces are made for it. */
void demo_preset_tell_room(const struct demo_preset *preset, struct command *command);
