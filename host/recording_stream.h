/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The continuous stream of a recording, beside its windows: PREFIX-stream-rxN.sigmf-data and
 * -meta, and PREFIX.mirador-stream, a line of JSON per gap that the SigMF files are made from. A
 * replay does not need it. Background threads only. docs/recording.md. */
#pragma once
#include "host/recording.h"

struct recording_segment { /* samples without a gap, up to the next segment's first or the end */
    int64_t tick;          /* of its first sample */
    uint64_t first;        /* sample in the data files */
};

struct recording_segments {
    size_t n, room;
    struct recording_segment *item; /* owned */
    bool ended;                     /* the last line is there */
    uint64_t samples;               /* that line's; 0 without it */
};

/* --- writing */

struct recording_stream;

/* Makes the files; refuses to replace any (ERR_BUSY), and leaves none then. */
struct recording_stream *recording_stream_create(const char *prefix, size_t n_rx,
                                                 struct status *err);
/* n samples of every channel; all of them or none. ERR_NO_SPACE, ERR_IO. */
int recording_stream_append(struct recording_stream *stream, int64_t tick,
                            const struct sc16 *const *samp, size_t n,
                            struct status *err) MUST_CHECK;
/* None of its files stays. */
void recording_stream_abandon(struct recording_stream **stream);
/* The last line, and the SigMF files of the channels. */
int recording_stream_finish(struct recording_stream **stream, const struct recording_head *head,
                            struct status *err) MUST_CHECK;
uint64_t recording_stream_samples(const struct recording_stream *stream); /* of one channel */
uint64_t recording_stream_bytes(const struct recording_stream *stream);
size_t recording_stream_segments(const struct recording_stream *stream);

/* --- reading */

bool recording_stream_there(const char *prefix);
void recording_stream_path(const char *prefix, size_t channel, const char *ending,
                           char path[RECORDING_PATH]); /* ending: "meta", "data" */
/* One line of n bytes, added to *out. ERR_FORMAT: says what is wrong with it. */
int recording_segments_line(struct recording_segments *out, const char *text, size_t n,
                            struct status *err) MUST_CHECK;
/* The whole lines of the file. */
int recording_segments_read(const char *prefix, struct recording_segments *out,
                            struct status *err) MUST_CHECK;
void recording_segments_free(struct recording_segments *segments);
/* After a crash: what all channels have, with its SigMF files. */
int recording_stream_repair(const char *prefix, const struct recording_head *head,
                            struct status *err) MUST_CHECK;
