/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Whether a recording is whole, making it so again, and cutting. Background threads only. */
#pragma once
#include "host/recording.h"

struct recording_summary {
    uint64_t cycles, fixes, marks, checkpoints, with_faults, samples; /* samples of one channel */
    double first_s, last_s; /* device time of the first and last cycle */
    double unix_s;          /* when it began */
    char why[RECORDING_TEXT];
};

/* Walks through the journal. */
int recording_summarise(const char *name, struct recording_summary *out,
                        struct status *err) MUST_CHECK;

/* All digests, sizes, checkpoints, and the SigMF files against the journal. ERR_CRC (a file is not
 * what was written), ERR_FORMAT, ERR_STATE (cut short), ERR_NOT_FOUND, ERR_IO. */
int recording_check(const char *name, struct status *err) MUST_CHECK;

/* Keeps everything up to the last whole cycle, cuts off the rest and writes the SigMF files.
 * *cycles: how many are kept. ERR_BUSY: it is still being written. Never for one that
 * recording_check calls damaged (ERR_CRC): it would sign the damage. */
int recording_repair(const char *name, uint64_t *cycles, struct status *err) MUST_CHECK;

/* Cycles from the last checkpoint at or before from_s (since the first) to to_s, as a recording of
 * its own. */
int recording_cut(const char *name, double from_s, double to_s, const char *to, uint64_t *cycles,
                  struct status *err) MUST_CHECK;
