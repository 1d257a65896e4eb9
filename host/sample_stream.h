/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The whole of a continuous capture on its way from the RX thread to the recorder's: a ring of
 * samples of all channels, with the tick of every run. One thread puts, one takes; no lock. Its
 * memory is made when it is first opened, and kept. */
#pragma once
#include "dsp/cplx.h"
#include "frames/status.h"
#include "host/radio.h"

struct sample_stream_cfg {
    size_t n_ant;  /* 1..RADIO_CHANNELS_MAX */
    size_t n_samp; /* that the ring holds of each, > 0 */
    bool lossless; /* gated time: the RX thread waits for room */
};

struct sample_run { /* samples that follow each other without a gap */
    int64_t tick;
    size_t n;
    const struct sc16 *samp[RADIO_CHANNELS_MAX];
};

struct sample_stream;

/* Setup only. NULL: no memory, says so. */
struct sample_stream *sample_stream_create(const struct sample_stream_cfg *cfg, struct status *err);
void sample_stream_destroy(struct sample_stream **stream);

/* --- RX thread, RT-safe but for the wait of a lossless one: nothing while it is closed. What does
 * not fit is dropped with all that follows, and sample_stream_overrun says so. */
void sample_stream_put(struct sample_stream *stream, int64_t tick, const struct sc16 *const *samp,
                       size_t n);

/* --- the taking thread */

/* Samples come from now on, what an earlier opening left is gone. Any thread while none takes.
 * ERR_NO_MEMORY. */
int sample_stream_open(struct sample_stream *stream, struct status *err) MUST_CHECK;
/* None come any more; what is in the ring can still be taken. Twice is the same. */
void sample_stream_close(struct sample_stream *stream);
/* At most max samples of what is there. False: nothing now. */
bool sample_stream_peek(struct sample_stream *stream, size_t max, struct sample_run *out);
void sample_stream_done(struct sample_stream *stream, size_t n); /* n of the run peeked at */
bool sample_stream_overrun(const struct sample_stream *stream);
/* --- any thread */

/* It is open, and the sample of this tick came into it, or earlier ones did. RT-safe. */
bool sample_stream_since(const struct sample_stream *stream, int64_t tick);
size_t sample_stream_bytes(const struct sample_stream *stream); /* of memory, once it is made */
