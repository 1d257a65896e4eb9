/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Publishes the channel of a scene to the air, just in time: response sets only for the transmit
 * ports that send, one for every step of scene.update_s of their activity, and a snapshot at every
 * tick at which a board latches a pattern meanwhile. What is published at a tick depends on the
 * scene, the packets, the edges and the reports, never on when it is computed. Not thread-safe. */
#pragma once
#include "frames/ris_report.h"
#include "sim/air.h"
#include "sim/boards.h"
#include "sim/channel.h"

struct publisher;

/* Radio 0 of the air is the base station, 1 + u user u. All three must outlive the publisher. */
struct publisher_cfg {
    struct air *air;
    const struct scene *scene;
    struct channel *channel;
};

/* What an air of this scene is made of; name, speed and gate are the caller's. */
void publisher_air_cfg(const struct scene *scene, struct air_cfg *out);

/* Setup only. Publishes a first, silent snapshot. NULL with the reason in *err. */
struct publisher *publisher_create(const struct publisher_cfg *cfg, struct status *err);
void publisher_destroy(struct publisher **publisher);

/* Takes all waiting events, publishes up to target and moves the horizon there. Returns the new
 * horizon, less than target while readers still need old sets: call again later. */
int64_t publisher_run(struct publisher *publisher, int64_t target);

int64_t publisher_horizon(const struct publisher *publisher);

/* Tick of the base station's first packet, AIR_NEVER before. */
int64_t publisher_first_burst(const struct publisher *publisher);

/* A board's report, effective now. Errors of boards_report. */
int publisher_report(struct publisher *publisher, const struct ris_report *report,
                     struct status *err) MUST_CHECK;

struct publisher_counts {
    uint64_t sets, snaps, rewinds, edges, reports, busy;
    uint64_t late; /* bursts and edges that were known, or worked on, only after they were read */
};
struct publisher_counts publisher_counts(const struct publisher *publisher);
