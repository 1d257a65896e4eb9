/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * [S1] III-F, the table of complexities, as processor time: what one position and one configuration
 * cost with a given array and surface. Setup only; reentrant; memory of its own while it runs. */
#pragma once
#include "calib/surface_trial.h"

enum runtime_step {
    RUNTIME_TOA,      /* arrival in one stream of 811 carriers, at most TOA_MAX_ANT antennas */
    RUNTIME_IDENTITY, /* an antenna vector against the steering vectors of both surfaces, (35) */
    RUNTIME_CRAMER,   /* position, known height, (47)-(48) */
    RUNTIME_WNLS,     /* position by least squares from there */
    RUNTIME_ALIGN,    /* phases of one surface by (14), all steps until it stops growing */
    RUNTIME_QUANTISE, /* the same to states of `bits` bits (1 if 0) */
    RUNTIME_MRT,      /* weights of the communication beam, (7) */
    RUNTIME_STEPS,
};

/* "toa", "identity", ... */
const char *runtime_step_name(enum runtime_step step);

/* Least time of a call out of several batches [s] by clock_s, this thread's processor time, which
 * must advance. ERR_NO_MEMORY, or ERR_GEOMETRY when a surface cannot hang there. */
int runtime_measure(const struct surface_trial *trial, double (*clock_s)(void),
                    double seconds[RUNTIME_STEPS]) MUST_CHECK;
