/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A board of the simulated room tells the room what it shows, before it acknowledges a change. */
#pragma once
#include "firmware/core/ris_hw.h"
#include "frames/status.h"

struct sockets;

struct room_link {
    const char *board, *endpoint; /* outlive the link; endpoint "" = no room */
    int timeout_ms;
    struct sockets *sockets;
    void *socket; /* REQ */
    uint8_t message[RIS_REPORT_MAX];
    uint8_t patterns[RIS_STEPS_MAX * RIS_PATTERN_MAX]; /* of a report, steps side by side */
};

int room_link_open(struct room_link *l, const char *board, const char *endpoint, int timeout_ms,
                   struct status *err) MUST_CHECK;
void room_link_close(struct room_link *l);

/* Fills in the board's name, sends the report, waits for the room's code: 0 (also without a room),
 * what the room said, or ERR_TIMEOUT. */
int room_link_tell(struct room_link *l, struct ris_report *report, struct status *err) MUST_CHECK;

/* The same for a change that a board's core is about to make (struct ris_hw's commit). */
int room_link_commit(struct room_link *l, const struct ris_change *change,
                     struct status *err) MUST_CHECK;
