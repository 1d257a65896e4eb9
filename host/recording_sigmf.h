/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The SigMF 1.x side of a recording: made from its journal, and read back for checks. Setup and
 * background threads only. */
#pragma once
#include "host/recording_stream.h"

/* Writes PREFIX-rxN.sigmf-meta of all channels and PREFIX.sigmf-collection from the journal.
 * digest: [n_rx] of the data files, in hex. */
int sigmf_write(const char *prefix, const char digest[][129], struct status *err) MUST_CHECK;

/* Likewise PREFIX-stream-rxN.sigmf-meta, from the segments. */
int sigmf_write_stream(const char *prefix, const struct recording_head *head,
                       const struct recording_segments *segments, const char digest[][129],
                       struct status *err) MUST_CHECK;

struct sigmf_capture {
    uint64_t sample_start, global_index;
};

struct sigmf_meta {
    double rate_hz, carrier_hz; /* carrier of the first capture */
    char sha512[129];           /* "": none */
    size_t n_capture, n_annotation;
    struct sigmf_capture *capture; /* [n_capture], owned */
};

/* The bytes of a .sigmf-meta file of ours. ERR_FORMAT: says what is missing, of the wrong type or
 * out of order; *out is empty then. */
int sigmf_parse(const char *text, size_t n, struct sigmf_meta *out, struct status *err) MUST_CHECK;
void sigmf_clear(struct sigmf_meta *meta);
int sigmf_read(const char *path, struct sigmf_meta *out, struct status *err) MUST_CHECK;
