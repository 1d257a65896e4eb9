/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Steps of single receive channels, seen in the leak: hardware that changes its gain by itself or
 * whose LO jumps raises no error. Cycle against cycle; slow drift is no step, since every burst is
 * normalised by its own leak. */
#pragma once
#include "dsp/stream.h"
#include <stdbool.h>

#define LEAK_STEP_DB  0.5
#define LEAK_STEP_RAD (5.0 * 3.14159265358979 / 180)
#define LEAK_GONE_DB  20.0 /* under its first level: a channel without a signal, not a quiet one */

struct leak_watch {
    bool known;
    cplxf tap[STREAM_MAX_ANT];   /* of the last burst */
    float first[STREAM_MAX_ANT]; /* power in the first one */
};

/* RT-safe. Forget: the next burst is the first. */
void leak_watch_reset(struct leak_watch *watch);

/* RT-safe. tap: [n_ant], of one burst (struct stream_ref). True if a channel's gain moved by
 * LEAK_STEP_DB since the burst before, two channels' phases by LEAK_STEP_RAD against each other
 * (a phase common to all cancels), or a channel's leak is gone. */
bool leak_watch_look(struct leak_watch *watch, const cplxf *tap, size_t n_ant);

/* RT-safe. */
void leak_watch_state(struct leak_watch *watch, struct state_io *io);
