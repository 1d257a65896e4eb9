/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Records cycles while they are worked on. Blocks are not copied: the DSP thread exchanges a block
 * it is done with for an empty one of the recorder's, and the recorder's own thread writes. What is
 * queued is bounded by those blocks; when they run out the disk is too slow, and the recording ends
 * with the last cycle that was whole. Neither that nor a full disk touches the radio.
 *
 * The queue is also the pre-trigger ring: with cfg.pretrigger_s it always holds the last seconds,
 * and a recording starts with them. docs/recording.md. */
#pragma once
#include "host/recording.h"
#include "host/sample_stream.h"

struct recorder_cfg {
    const struct bs_cfg *bs;                    /* outlives the recorder */
    const struct schedule *schedule;            /* likewise; its first tick is set */
    const struct profile_set *profiles[BS_RIS]; /* read at create only */
    struct pipeline *pipeline;                  /* for sizes */
    const char *serial;                         /* of the radio */
    struct sample_stream *stream;               /* of a continuous capture, or NULL */
    bool lossless;                              /* gated time: the DSP thread waits for the disk */
    /* A line for the audit log: a recording begins or ends. The recorder's thread, or NULL. */
    void (*tell)(void *context, const char *line);
    void *tell_context;
};

enum recorder_state {
    RECORDER_IDLE,
    RECORDER_ARMED, /* the ring turns */
    RECORDER_STARTING,
    RECORDER_RECORDING,
    RECORDER_CLOSING, /* the rest of the queue, digests */
    RECORDER_STATES
};

enum recorder_extent {
    RECORDER_CONFIGURED, /* as record.stream says */
    RECORDER_WINDOWS,    /* of every cycle */
    RECORDER_STREAM,     /* and the whole continuous stream beside them */
};

enum recorder_alarm {
    RECORDER_WELL,
    RECORDER_FULL,
    RECORDER_SLOW,
    RECORDER_FAILED,
    RECORDER_ALARMS
};

struct recorder_status {
    enum recorder_state state;
    enum recorder_alarm alarm; /* how the last recording ended, until the next begins */
    char prefix[RECORDING_PATH], why[RECORDING_TEXT]; /* of the last one too */
    uint64_t cycles, bytes;                           /* written */
    uint64_t stream_samples;                          /* of each channel; 0 without the stream */
    size_t queued, queued_max; /* cycles in memory; most of them in this recording */
    double ring_s;             /* seconds in the ring */
    size_t memory_bytes;       /* of blocks and states; 0 until the first recording or ring */
};

struct recorder;

/* Setup only. */
struct recorder *recorder_create(const struct recorder_cfg *cfg, struct status *err);
void recorder_destroy(struct recorder **recorder);

/* --- DSP thread, RT-safe but for the wait of a lossless recorder */

/* Before pipeline_sensing of a cycle, and before pixels come into force for it. */
void recorder_begin(struct recorder *recorder, const struct cycle_plan *plan);
void recorder_pixels(struct recorder *recorder, size_t ris, const struct pixel_map *map);
/* After the pipeline is done with the block. Returns the block to give back to its pool. */
struct block *recorder_swap(struct recorder *recorder, struct block *block);
/* When the cycle is complete but for a train of pilots. */
void recorder_report(struct recorder *recorder, const struct cycle_report *report);
/* No cycle will follow. */
void recorder_end(struct recorder *recorder);

/* --- its own thread: returns once stopped and all is written */
void recorder_run(struct recorder *recorder);
void recorder_stop_thread(struct recorder *recorder);

/* --- any other thread */

/* name: prefix of the files. The rest happens in the recorder's thread: look at the status.
 * ERR_BUSY: one is running. ERR_ARG: the name. ERR_STATE: there is no stream to record. */
int recorder_start(struct recorder *recorder, const char *name, enum recorder_extent extent,
                   struct status *err) MUST_CHECK;
/* Ends after the cycle that is being worked on. ERR_STATE: none is running. */
int recorder_stop(struct recorder *recorder, struct status *err) MUST_CHECK;
/* A comment on the next cycle; without a recording, what the ring holds is kept as `name`.
 * ERR_STATE: no recording, and no ring. ERR_ARG: text too long. */
int recorder_mark(struct recorder *recorder, const char *text, const char *name,
                  struct status *err) MUST_CHECK;
void recorder_status(struct recorder *recorder, struct recorder_status *out);

const char *recorder_state_name(enum recorder_state state); /* "idle" ... */
const char *recorder_alarm_name(enum recorder_alarm alarm); /* "", "disk_full", ... */
