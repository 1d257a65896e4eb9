/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Sample blocks that move between threads by ownership: taken from a pool, pushed through queues,
 * given back. Whoever holds the pointer owns the block. All memory is allocated (and touched) at
 * create; take, push, pop and give allocate nothing and hold a lock only for the hand-off. */
#pragma once
#include "host/radio.h"

enum block_kind {
    BLOCK_SENSING,
    BLOCK_RESPONSE,
    BLOCK_PILOTS,
    BLOCK_UPLINK,   /* the user's slot of data */
    BLOCK_SOUNDING, /* our own transmit channels, one at a time */
};

/* What the schedule thread decided about a cycle, before its first sample. */
struct cycle_plan {
    int64_t index;              /* of the schedule */
    uint64_t cycle;             /* the counter that never repeats */
    size_t user;                /* whom the frame addresses: index in the configuration */
    uint8_t sensing[5];         /* the 40 bits as sent */
    bool others;                /* users besides this one are served: an echo may be theirs */
    bool sync;                  /* a sync frame went along */
    uint32_t faults;            /* enum cycle_fault: what touched it so far */
    uint32_t excused;           /* faults that do not block a position, since the user insisted */
    uint32_t tuning;            /* radio_tuning(): what was learned under another value is void */
    struct radio_setting radio; /* in force; carrier_hz 0: as before */
    bool still;                 /* the surfaces hold their profile: paths are told by steering */
    uint8_t profile[2]; /* that RIS1 and RIS2 step through: number in their struct profile_set */
};

struct block {
    enum block_kind kind;
    struct radio_block info; /* tick, valid samples, faults */
    uint64_t dropped;        /* blocks lost since the one before */
    int64_t received_ns;     /* CLOCK_MONOTONIC when the last sample was there */
    struct cycle_plan plan;
    size_t n_ant, n_samp;                  /* capacity = size of each buffer */
    struct sc16 *samp[RADIO_CHANNELS_MAX]; /* [n_ant][n_samp] */
    struct block *next;                    /* of the pool or queue */
};

struct block_pool;
/* Setup only; 64-byte aligned buffers. NULL: out of memory (says so in *err) or zero sizes. */
struct block_pool *block_pool_create(size_t n_block, size_t n_ant, size_t n_samp,
                                     struct status *err);
void block_pool_destroy(struct block_pool **pool); /* blocks must all be back or abandoned */
/* A free block, or NULL: none free and wait is false, or the pool was stopped. */
struct block *block_pool_take(struct block_pool *pool, bool wait);
/* May be another pool's block of the same sizes, while that pool lives. */
void block_pool_give(struct block_pool *pool, struct block *block);
void block_pool_stop(struct block_pool *pool); /* wakes everyone who waits */

struct block_queue; /* unbounded in blocks, so bounded by the pools */
struct block_queue *block_queue_create(struct status *err);
void block_queue_destroy(struct block_queue **queue);
void block_queue_push(struct block_queue *queue, struct block *block);
/* Oldest block; waits. NULL once stopped. */
struct block *block_queue_pop(struct block_queue *queue);
void block_queue_stop(struct block_queue *queue);
