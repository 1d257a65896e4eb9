/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * How long the stages of a cycle take, and how often one took longer than it may. A stage over its
 * budget counts as a miss of ours unless the witness saw the machine away for long enough to
 * explain it; then it is inconclusive. */
#pragma once
#include "host/witness.h"

enum deadline_stage {
    DEADLINE_ARM,      /* first ARM sent to the last acknowledgement */
    DEADLINE_SENSING,  /* sensing samples in hand to their paths */
    DEADLINE_RESPONSE, /* answer: burst found, frame read and checked, its paths */
    DEADLINE_FIX,      /* paths to position and track */
    DEADLINE_TOTAL,    /* answer's samples in hand to the finished report */
    DEADLINE_PUBLISH,  /* answer's samples in hand to the published position */
    DEADLINE_STAGES
};

struct deadlines_cfg {
    double budget_s[DEADLINE_STAGES]; /* 0: none, never missed */
    const struct witness *witness;    /* or NULL: every miss is ours. Outlives the deadlines */
};

struct deadline {
    double budget_us;
    uint64_t missed, inconclusive;
    struct histogram_summary took;
};

struct deadlines;

struct deadlines *deadlines_create(const struct deadlines_cfg *cfg, struct status *err); /* setup */
void deadlines_destroy(struct deadlines **d);

/* RT-safe, any thread; times of clock_ns(). Call it when the stage ends: the witness forgets. */
void deadlines_note(struct deadlines *d, enum deadline_stage stage, int64_t begin_ns,
                    int64_t end_ns);

void deadlines_read(const struct deadlines *d, struct deadline out[DEADLINE_STAGES]);
const char *deadline_stage_name(enum deadline_stage stage); /* "arm" ... */
