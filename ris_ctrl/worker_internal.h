/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What the files of the worker share. Everything here runs in the worker's thread. */
#pragma once
#include "ris_ctrl/board_surface.h"
#include "ris_ctrl/library.h"
#include "ris_ctrl/store.h"
#include "ris_ctrl/worker.h"
#include <pthread.h>
#include <stdatomic.h>

struct worker {
    struct worker_cfg cfg;
    char endpoint[64]; /* inproc */
    void *front;       /* the service's end */
    void *back;        /* the thread's end */
    pthread_t thread;
    bool started;
    struct store *store;
    struct library library;
    struct board *board;  /* NULL while absent */
    struct status absent; /* why */
    atomic_bool present;
    struct job job;
    struct done done, news;

    /* What is told about the command that runs, after its client has its answer. */
    const char *result; /* event, NULL = nothing */
    uint64_t result_hash;
    char result_text[sizeof((struct status *)0)->text];

    /* Health: what the elements must show while no sequence runs, 0 = not known. While the store
     * has a next profile that is what the edge will bring. */
    uint64_t expect;
    int64_t next_look_us;
    unsigned looks;
    bool silent, wrong; /* told already */
    bool gave_up;       /* a request of the command that runs got no answer in all its tries */
    unsigned n_failed;  /* times in a row that it could be opened and not be used */
    bool begun;         /* it has been open once */
    bool at_edge;       /* the static profile takes hold at the next edge */
    struct {            /* static profile that is not on disk yet */
        bool due;
        uint16_t slot;
        uint8_t pattern[RIS_PATTERN_MAX];
    } unsaved;
    int trigger; /* enum ris_trigger that a client chose, -1 = none did */

    int64_t worst_us[COMMAND_STOP]; /* recent longest times of the driver, by command */
    int64_t no_retry_after_us;      /* of the command that runs */

    /* Identify: the blinking stops at end_us. */
    int64_t blink_end_us, blink_next_us; /* 0 = not blinking */
    unsigned blinks;

    atomic_bool stopping;
    pthread_mutex_t lock; /* of the next three */
    pthread_cond_t changed;
    bool opened; /* the first try is over */
    struct status first;
};

/* News for the PUB. */
void worker_news(struct worker *w, const char *event, uint64_t hash, const char *text);

/* The board does not do what it should: log, news, and it is closed until it can be opened. */
void worker_lost(struct worker *w, const struct status *why);

/* The same profile was acknowledged and then read back as another. */
int worker_wrong(struct worker *w, uint64_t want, uint64_t got, struct status *err);

/* After anything that the board answered. */
void worker_answered(struct worker *w);

/* struct board_cfg's tell; context is the worker. */
void worker_silent(void *context, const char *text);

/* Before a sequence takes the place of what shows: the idle board is read back. While a sequence is
 * armed the chain holds the pattern of the next latch, so this is when a client that arms every
 * cycle leaves time to look. ERR_STATE when the elements showed something else; it is sent again.
 */
int worker_verify_idle(struct worker *w, struct status *err) MUST_CHECK;

/* The present health and the return of a board; called when next_look_us is over. */
void worker_look(struct worker *w);

/* The board is open for the first time: learns its pace, shows its last static profile again. */
void worker_begin(struct worker *w);

/* Fill reply, return the code. */
int worker_execute(struct worker *w, const struct job *job, struct reply *reply,
                   struct status *err) MUST_CHECK;
/* Save, delete, profiles: works while the board is away. */
int worker_library(struct worker *w, const struct command *c, struct reply *reply,
                   struct status *err) MUST_CHECK;

/* What the elements show from now on. worker_expect_next: from the next edge on. */
void worker_expect(struct worker *w, uint16_t slot);
void worker_expect_next(struct worker *w, uint16_t slot);
/* The edge has come, or will not come any more. */
void worker_settle(struct worker *w);
void worker_drop_next(struct worker *w);

/* Writes the static profile to disk if it is a new one: at a look, never before an answer. A
 * command that comes at that moment waits for it. */
void worker_keep(struct worker *w);
/* pattern with its dead columns at 0, into out (may be the same). */
void worker_mask(const struct worker *w, const uint8_t *pattern, uint8_t *out);

int worker_blink_start(struct worker *w, unsigned seconds, struct board_ack *ack,
                       struct status *err) MUST_CHECK;
void worker_blink_step(struct worker *w);
/* Ends it if it runs and shows again what was there. */
void worker_blink_end(struct worker *w);
