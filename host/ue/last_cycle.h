/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The highest cycle a user may have accepted, on disk, so that no frame is accepted twice across
 * restarts. It is written ahead in blocks, which keeps the disk out of the few milliseconds between
 * hearing and answering; after a crash (not after a clean end) the user is deaf for the rest of
 * a block. */
#pragma once
#include "frames/status.h"
#include <stdint.h>

#define LAST_CYCLE_BLOCK 32

struct last_cycle {
    char path[300];
    uint64_t covered; /* what the file says: cycles up to here count as accepted after a restart */
};

/* Setup only. Reads state_dir/ue-ID.cycle; a missing file is cycle 0. A damaged one is an error
 * (ERR_FORMAT with the cure), never a fresh start. */
int last_cycle_open(struct last_cycle *last, const char *state_dir, uint32_t user_id,
                    struct status *err) MUST_CHECK;

/* The cycle is on disk when this returns 0: at once if it is covered, else after a write. Before
 * every transmission. ERR_IO: do not transmit. */
int last_cycle_cover(struct last_cycle *last, uint64_t cycle, struct status *err) MUST_CHECK;

/* Writes the next block when less than half of one is left. When there is time. */
int last_cycle_refresh(struct last_cycle *last, uint64_t cycle, struct status *err) MUST_CHECK;

/* A clean end: the file says exactly this cycle. */
int last_cycle_close(struct last_cycle *last, uint64_t cycle, struct status *err) MUST_CHECK;
