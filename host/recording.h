/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A recording: a SigMF Collection with one Recording per receive channel, and beside it what a
 * replay needs to give the very same positions. PREFIX.sigmf-collection, PREFIX-rxN.sigmf-meta and
 * .sigmf-data; PREFIX.mirador-journal (a line of JSON per cycle), .mirador-state (checkpoints),
 * .mirador-bs.yaml (the configuration). docs/recording.md. Plain data. */
#pragma once
#include "host/pipeline_state.h"

enum { RECORDING_PATH = 512, RECORDING_WINDOWS = 3, RECORDING_TEXT = 160 };
enum recording_file {
    RECORDING_COLLECTION,
    RECORDING_JOURNAL,
    RECORDING_STATE,
    RECORDING_CONFIG,
    RECORDING_SEGMENTS, /* of the continuous stream, where there is one */
    RECORDING_RESERVE,  /* space for the SigMF files while the disk fills; gone afterwards */
    RECORDING_FILES
};

/* The windows of a cycle, in the order of enum block_kind: where the schedule has them, and what
 * files call them. */
extern const enum schedule_window recording_schedule_window[RECORDING_WINDOWS];
extern const char *const recording_window_name[RECORDING_WINDOWS];

struct recording_head {
    char version[32];   /* of the program that wrote it */
    int64_t first_tick; /* schedule.first */
    int64_t tick0;      /* this tick was at ... */
    double unix0_s;     /* ... this time; in a gated room ticks are not wall time */
    double rate_hz, carrier_hz, tx_gain_db, rx_gain_db; /* as configured */
    size_t n_rx;
    char serial[64];                     /* of the radio */
    struct profile_set profiles[BS_RIS]; /* states.gamma alone of the states */
};

struct recording_window { /* of samples, order of enum block_kind */
    bool there;
    struct radio_block info;
    uint32_t plan_faults; /* of block.plan: grows during a cycle */
    size_t n_samp;
    uint64_t first;                              /* sample in the data files */
    const struct sc16 *samp[RADIO_CHANNELS_MAX]; /* while it is being written; else NULL */
};

struct recording_chunk { /* of the state file */
    uint64_t at;
    size_t n; /* bytes; 0: there is none */
    uint32_t crc;
    const void *bytes; /* while it is being written; else NULL */
};

struct recording_cycle {
    struct cycle_plan plan;
    struct recording_window window[RECORDING_WINDOWS];
    struct pipeline_input input;
    struct recording_chunk state;          /* of the pipeline before this cycle */
    struct recording_chunk pixels[BS_RIS]; /* factors that came into force with it */
    char mark[RECORDING_TEXT];             /* "": none */
    struct cycle_report report; /* read back: plan, user, time, verdict and answer, outcome, faults,
                                 * position, covariance, track, zero and background */
};

/* prefix may also be the name of the collection's file. ERR_ARG: too long. */
int recording_prefix(const char *name, char prefix[RECORDING_PATH], struct status *err) MUST_CHECK;
void recording_path(const char *prefix, enum recording_file file, char path[RECORDING_PATH]);
void recording_channel_path(const char *prefix, size_t channel, const char *ending,
                            char path[RECORDING_PATH]); /* ending: "meta", "data" */
const char *recording_base(const char *path);           /* what is behind its last slash */
