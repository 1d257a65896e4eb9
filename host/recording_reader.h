/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Reads a recording cycle by cycle, also one that was cut short. Background threads only. */
#pragma once
#include "host/recording_journal.h"

struct recording_reader;

/* name: prefix or collection. ERR_NOT_FOUND, ERR_IO, ERR_FORMAT (the head). */
struct recording_reader *recording_reader_open(const char *name, struct status *err);
void recording_reader_close(struct recording_reader **reader);
const struct recording_head *recording_reader_head(const struct recording_reader *reader);
const char *recording_reader_prefix(const struct recording_reader *reader);

/* The next whole cycle, whose samples and chunks are there. Returns 0; ERR_NOT_FOUND after the last
 * (recording_reader_why says how it ended); ERR_FORMAT: this line or what it names is damaged. */
int recording_reader_next(struct recording_reader *reader, struct recording_cycle *out,
                          struct status *err) MUST_CHECK;
const char *recording_reader_why(const struct recording_reader *reader); /* "": cut short */
void recording_reader_rewind(struct recording_reader *reader);
/* Where the line after the last one read begins in the journal. */
long recording_reader_offset(const struct recording_reader *reader);

struct recording_start {
    size_t cycle;   /* number of the one with the checkpoint */
    bool found;     /* there is one */
    double since_s; /* ... so long after the first cycle */
    double first_s; /* time of the first cycle */
};
/* The last checkpoint no later than from_s after the first cycle; without one, the first later one.
 * The reader stands at the first cycle afterwards. ERR_ARG: from_s is behind the last cycle. */
int recording_reader_start(struct recording_reader *reader, double from_s,
                           struct recording_start *out, struct status *err) MUST_CHECK;

/* Samples of a window into buf [n_rx][n_samp]. */
int recording_reader_samples(struct recording_reader *reader, const struct recording_window *window,
                             struct sc16 *const *buf, struct status *err) MUST_CHECK;
/* Bytes of a chunk, whose checksum is right; to free(). NULL: says why. */
void *recording_reader_chunk(struct recording_reader *reader, const struct recording_chunk *chunk,
                             struct status *err);

/* The configuration that was in force, with overrides ("estimate.map=no") on top. */
int recording_config(const char *prefix, const struct config_sets *sets, struct bs_cfg *out,
                     struct status *err) MUST_CHECK;
