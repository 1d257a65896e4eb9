/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What the files of the recorder share: recorder.c (setup, commands), recorder_intake.c (DSP
 * thread), recorder_thread.c (files), recorder_memory.c (slots). Not for users of recorder.h. */
#pragma once
#include "host/recorder.h"
#include "host/recording_writer.h"
#include <pthread.h>

#define RECORDER_TOO_SLOW "the disk is slower than the samples come"

struct slot { /* a cycle in memory */
    struct recording_cycle cycle;
    struct block *block[RECORDING_WINDOWS];
    unsigned char *state; /* of a checkpoint, or NULL */
    cplxf factor[BS_RIS][PIXEL_ELEMENTS_MAX];
    bool reported;
    struct slot *next;
};

struct slot_list {
    struct slot *head, *tail;
    size_t n;
};

struct recorder {
    struct recorder_cfg cfg;
    struct recording_head *head;
    size_t ring_cycles, checkpoint_cycles, n_slot, n_state, state_size;
    double period_s;

    pthread_mutex_t lock; /* of everything below, but what is the writer's */
    pthread_cond_t news;  /* for the recorder's thread */
    pthread_cond_t room;  /* for a DSP thread that waits */
    struct recorder_status status;
    bool stopping, failed, need_state, snapshot;
    bool streaming; /* this recording has the stream too */
    bool opening;   /* recorder_start makes the stream's memory; files wait for it */
    bool ended;     /* the DSP thread brings nothing more */
    bool overrun;   /* a cycle was dropped while the recording started */
    size_t snapshot_left;
    char mark[RECORDING_TEXT];
    size_t since_state; /* cycles since the last checkpoint */
    int64_t clock_tick; /* seen at clock_s */
    double clock_s;

    bool have_memory;
    struct slot *slots, *open; /* open: the DSP thread's, until it is in the queue */
    struct slot_list free, queue;
    struct block_pool *pool[RECORDING_WINDOWS];
    struct block **spare[RECORDING_WINDOWS];
    size_t n_spare[RECORDING_WINDOWS];
    unsigned char *state_memory, **state;
    size_t n_state_free, memory_bytes;

    struct recording_writer *writer; /* the recorder's thread alone */
};

/* recorder_memory.c. Blocks, slots and states; once, and kept. Without the lock: until
 * have_memory is set under it, nobody else looks at them. */
int recorder_memory(struct recorder *r, struct status *err) MUST_CHECK;
void recorder_memory_free(struct recorder *r);
/* Under the lock, once threads run. */
void recorder_use_memory(struct recorder *r);
void slot_push(struct slot_list *list, struct slot *slot);
struct slot *slot_pop(struct slot_list *list);
void recorder_recycle(struct recorder *r, struct slot *slot); /* its blocks and state are free */

/* recorder.c. Under the lock: ends the recording with what is in the queue. */
void recorder_close_with(struct recorder *r, enum recorder_alarm alarm, const char *why);
/* recorder_thread.c. Likewise: no recording any more. What the queue still has is the ring's. */
void recorder_come_to_rest(struct recorder *r);
