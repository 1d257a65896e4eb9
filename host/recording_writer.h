/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Writes a recording cycle by cycle. Whatever happens, the files hold whole cycles: one that does
 * not fit on the disk is taken back. Background threads only. */
#pragma once
#include "host/recording.h"

struct recording_writer;

/* Makes all files; refuses to replace any (ERR_BUSY). cfg: written beside. ERR_IO, ERR_NO_SPACE. */
struct recording_writer *recording_writer_create(const char *prefix,
                                                 const struct recording_head *head,
                                                 const struct bs_cfg *cfg, struct status *err);

/* Samples and chunks of *cycle are written; it learns where. On an error (ERR_NO_SPACE: the disk is
 * full, ERR_IO) the recording ends before this cycle: finish it. */
int recording_writer_append(struct recording_writer *writer, struct recording_cycle *cycle,
                            struct status *err) MUST_CHECK;

/* As if it had not been created: none of its files stays. */
void recording_writer_abandon(struct recording_writer **writer);
/* Once, before the first cycle: the continuous stream too. head: as given to create. */
int recording_writer_add_stream(struct recording_writer *writer, const struct recording_head *head,
                                struct status *err) MUST_CHECK;
/* n samples of every channel of it; on an error likewise none of them. */
int recording_writer_stream(struct recording_writer *writer, int64_t tick,
                            const struct sc16 *const *samp, size_t n,
                            struct status *err) MUST_CHECK;

/* Writes the SigMF files and the digests, and destroys the writer. why: for the journal. */
int recording_writer_finish(struct recording_writer **writer, const char *why,
                            struct status *err) MUST_CHECK;

uint64_t recording_writer_cycles(const struct recording_writer *writer);
uint64_t recording_writer_bytes(const struct recording_writer *writer);
uint64_t recording_writer_stream_samples(const struct recording_writer *writer); /* a channel */
