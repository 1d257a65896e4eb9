/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A base station without a radio that records made-up cycles, on a disk of its own: write(2) of the
 * program is slow, full, or dies when a test says so. */
#pragma once
#include "host/recorder.h"
#include <pthread.h>
#include <stdatomic.h>

extern _Atomic long space;  /* bytes left; -1: enough */
extern atomic_int pause_us; /* per call that writes samples */
extern atomic_bool hold;    /* a disk that takes its time to begin with */
extern char told[2000];     /* lines for the audit log */

struct bench {
    struct bs_cfg cfg;
    struct schedule schedule;
    struct secure_keys keys;
    struct pipeline *pipeline;
    struct recorder *recorder;
    struct sample_stream *stream; /* NULL unless a test makes one before its recorder */
    struct block_pool *pool[2];
    pthread_t thread;
    int64_t index;
    char folder[200], prefix[260];
};

int set_up(void **state); /* a struct bench in a folder of its own */
int tear_down(void **state);
void make_recorder(struct bench *b, bool lossless);
void end_recorder(struct bench *b);

/* The present cycle's samples: noise that only the index decides. */
void fill(struct block *block, const struct cycle_plan *plan, enum block_kind kind);
/* So many more, as the DSP thread works on them. */
void cycles(struct bench *b, int n);
/* A recording to b->prefix. */
void start(struct bench *b);
struct recorder_status wait_for(struct bench *b, enum recorder_state state);

/* recording_check finds nothing, and n cycles. */
void assert_whole(const char *prefix, uint64_t n);
/* Every sample is what fill() made of its cycle. */
void assert_samples(struct bench *b, const char *prefix);
/* n cycles from there on, each bit by bit. */
void replay_equals(const char *prefix, double from_s, size_t n);
