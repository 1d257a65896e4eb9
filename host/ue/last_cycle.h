/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The highest cycle a user may have accepted, on disk, so that no frame is accepted twice across
 * restarts. It is written ahead in blocks, which keeps the disk out of the few milliseconds between
 * hearing and answering. The exact number goes into a second file without waiting for the disk: the
 * kernel keeps that when the program dies, and only loses it when the machine does. So it counts
 * during the boot it was written in; after a crash of the machine the user is deaf for the rest of
 * a block. */
#pragma once
#include "frames/status.h"
#include <stdint.h>

#define LAST_CYCLE_BLOCK 32

struct last_cycle {
    char path[300], now_path[300], boot[40];
    int now_fd;        /* of the second file; -1: there is none, the block alone counts */
    uint64_t covered;  /* what the first file says: no cycle above it was ever accepted */
    uint64_t accepted; /* as of the open: cycles up to here count as accepted */
};

/* Setup only. Reads state_dir/ue-ID.cycle; a missing file is cycle 0. A damaged one is an error
 * (ERR_FORMAT with the cure), never a fresh start. state_dir/ue-ID.now is believed if it is of this
 * boot and within the block. Pair with last_cycle_free, on an error too. */
int last_cycle_open(struct last_cycle *last, const char *state_dir, uint32_t user_id,
                    struct status *err) MUST_CHECK;

void last_cycle_free(struct last_cycle *last);

/* The cycle is on disk when this returns 0: at once if it is covered, else after a write. Before
 * every transmission. ERR_IO: do not transmit. */
int last_cycle_cover(struct last_cycle *last, uint64_t cycle, struct status *err) MUST_CHECK;

/* Writes the next block when less than half of one is left. When there is time. */
int last_cycle_refresh(struct last_cycle *last, uint64_t cycle, struct status *err) MUST_CHECK;

/* A clean end: the file says exactly this cycle. */
int last_cycle_close(struct last_cycle *last, uint64_t cycle, struct status *err) MUST_CHECK;
