/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What the pipeline hands to the calibration of the site, and takes from it. The DSP thread copies
 * into preallocated slots and never waits; one background thread reads. Only cycles without any
 * fault are handed over. */
#pragma once
#include "host/pipeline.h"

enum { SITE_SAMPLES = 4, SITE_STREAMS = 1 + BS_RIS * PROFILES_MAX };

/* A stream of the empty room: 0 is the static one, then all profiles of RIS1, then of RIS2. */
struct site_stream {
    enum stream_name name;
    uint64_t config;
};

struct site_sample { /* one cycle */
    uint64_t cycle;
    struct stream_lock zero;   /* that held */
    double seen_s;             /* where the leak was seen */
    cplxf tap[STREAM_MAX_ANT]; /* of the leak, as received: phases and gains of the channels */
    cplxf correction[STREAM_MAX_ANT]; /* that held */
    int user_id;
    bool answered; /* with permission: `answer` is valid */
    cplxf *own;    /* [n_rx x K] static stream of the own burst, background included */
    cplxf *answer; /* [n_rx x K] static stream of the answer, antenna phases as received */
};

struct site_capture { /* the empty room, or why not */
    bool good;
    char why[256];
    unsigned cycles;
    struct stream_lock zero;
    cplxf correction[STREAM_MAX_ANT];
    size_t n_stream;
    struct site_stream stream[SITE_STREAMS];
    cplxf *room[SITE_STREAMS]; /* [n_rx x K] each */
};

struct site_update { /* for the next cycle; voids the background */
    bool set_zero, set_correction;
    struct stream_lock zero;
    cplxf correction[STREAM_MAX_ANT];
};

/* --- background thread */

/* Whether cycles are handed over at all; none are at first. */
void pipeline_site_want(struct pipeline *p, bool samples);
/* Until something was handed over, or for timeout_s. */
void pipeline_site_wait(struct pipeline *p, double timeout_s);
/* The oldest sample, or NULL; it stays until dropped. Newer ones are lost while all slots wait. */
const struct site_sample *pipeline_site_sample(struct pipeline *p);
void pipeline_site_drop(struct pipeline *p);
/* The latest outcome of a capture, or NULL; likewise. */
const struct site_capture *pipeline_site_capture(struct pipeline *p);
void pipeline_site_capture_done(struct pipeline *p);
/* ERR_BUSY: the DSP thread has not taken the last one yet. */
int pipeline_site_update(struct pipeline *p, const struct site_update *update) MUST_CHECK;

/* --- before the threads start */

/* The streams of the profiles in use. Returns how many. */
size_t pipeline_site_streams(const struct pipeline *p, struct site_stream out[SITE_STREAMS]);

/* Applies a stored zero (a radio whose leak contradicts it falls back on the leak) and correction.
 */
void pipeline_site_start(struct pipeline *p, const struct site_update *update);
/* Empty room [n_rx x K] of one stream. ERR_STATE: not one of those in use. */
int pipeline_site_import(struct pipeline *p, const struct site_stream *stream,
                         const cplxf *room) MUST_CHECK;
/* All streams are imported, age_s old: in place of the first capture. */
void pipeline_site_captured(struct pipeline *p, double age_s);
