/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A recording through the same pipeline as live: same blocks, same plans, same requests, same state
 * to start from, and the recorded verdicts on the answers in place of the keys. Without overrides
 * every number comes out as it did live, bit by bit. One thread. docs/recording.md. */
#pragma once
#include "host/recording_reader.h"

struct replay_cfg {
    const char *recording;   /* prefix or collection */
    struct config_sets sets; /* overrides of the configuration */
    double from_s, to_s;     /* since the first recorded cycle; to_s may be INFINITY */
};

struct replay_step {
    struct recording_cycle live; /* as recorded */
    struct cycle_report report;  /* as it came out now */
    double since_s;              /* of this cycle, since the first recorded one */
    bool same;                   /* report is what live.report says, bit by bit */
};

struct replay;

/* Starts at the last checkpoint at or before from_s. NULL: says why; ERR_ARG: from_s is behind the
 * end, or an override could do nothing here. */
struct replay *replay_create(const struct replay_cfg *cfg, struct status *err);
void replay_destroy(struct replay **replay);

/* The next cycle from from_s on; those between the checkpoint and it are worked on in silence.
 * ERR_NOT_FOUND: there is none up to to_s. */
int replay_next(struct replay *replay, struct replay_step *out, struct status *err) MUST_CHECK;

const struct recording_reader *replay_reader(const struct replay *replay);
const struct bs_cfg *replay_config(const struct replay *replay);
const struct schedule *replay_schedule(const struct replay *replay);
struct pipeline *replay_pipeline(struct replay *replay);
/* The train of the cycle that came last, or NULL. */
const struct block *replay_pilots(const struct replay *replay);
