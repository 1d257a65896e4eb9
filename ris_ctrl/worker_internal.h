/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What the files of the worker share. Everything here runs in the worker's thread. */
#pragma once
#include "ris_ctrl/board_surface.h"
#include "ris_ctrl/keeper.h"
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
    atomic_bool stop;
    struct store *store;
    struct library library;
    struct keeper *keeper; /* NULL = there is no library */
    struct board *board;   /* NULL while absent */
    unsigned away;         /* tries in a row, and the loss itself, that told why it is absent */
    struct job job;
    struct done done, news;

    /* What is told about the command that runs, after its client has its answer. */
    const char *result; /* event, NULL = nothing */
    uint64_t result_hash;
    char result_text[sizeof((struct status *)0)->text];

    /* Health: what the elements must show while no sequence runs, 0 = not known. */
    uint64_t expect;
    int pending; /* slot that an apply shows from the next edge on, -1 = none waits for one */
    uint64_t pending_hash;
    int64_t next_look_us;
    unsigned looks;
    bool silent, wrong; /* told already */
    bool gave_up;       /* a request of the command that runs got no answer in all its tries */
    int trigger;        /* enum ris_trigger that a client chose, -1 = none did */

    /* The command that runs. */
    bool sent;      /* it left for the board, which may do it whatever its client is told */
    bool take_back; /* its client is told that it did not happen, but it may have */

    int64_t worst_us[COMMAND_STOP]; /* recent longest times of the driver, by command */
    int64_t no_retry_after_us;      /* of the command that runs */

    /* Identify: the blinking stops at end_us. */
    int64_t blink_end_us, blink_next_us; /* 0 = not blinking */
    unsigned blinks;

    pthread_mutex_t lock; /* of the next four; absent is written by the thread alone */
    pthread_cond_t changed;
    struct status absent; /* why it is, OK while the board is present */
    bool opened;          /* the first try is over */
    struct status first;
};

/* The service or the program is to end. */
bool worker_stopping(const struct worker *w);

/* News for the PUB. */
void worker_news(struct worker *w, const char *event, uint64_t hash, const char *text);

/* The board does not do what it should: log, news, and it is closed until it can be opened. */
void worker_lost(struct worker *w, const struct status *why);

/* There is no board: each reason goes once to the log and the news. */
void worker_absent(struct worker *w, const struct status *why);
void worker_present(struct worker *w);

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

/* Reads the last static profile, to be shown when the board is there. */
void worker_recall(struct worker *w);
/* Shows it on the board that has just been opened for the first time. */
void worker_boot(struct worker *w);

/* Shows the static profile, by way of its slot; afterwards the slot has its own profile again. */
int worker_show_again(struct worker *w, struct status *err) MUST_CHECK;

/* The elements show that slot now, for good; nothing waits for an edge. */
void worker_shows(struct worker *w, uint16_t slot);
/* The idle board says what it shows: has the edge come that an apply waits for? */
void worker_settle(struct worker *w, uint64_t shown);

/* Undoes a command whose client was told that it did not happen. */
void worker_take_back(struct worker *w, const struct command *c);

/* Fill reply, return the code. */
int worker_execute(struct worker *w, const struct job *job, struct reply *reply,
                   struct status *err) MUST_CHECK;
/* Save, delete, profiles: works while the board is away. */
int worker_library(struct worker *w, const struct command *c, struct reply *reply,
                   struct status *err) MUST_CHECK;

/* Has the static profile written to disk; nobody waits for it. */
void worker_keep(struct worker *w);
/* pattern with its dead columns at 0, into out (may be the same). */
void worker_mask(const struct worker *w, const uint8_t *pattern, uint8_t *out);

int worker_blink_start(struct worker *w, unsigned seconds, struct board_ack *ack,
                       struct status *err) MUST_CHECK;
void worker_blink_step(struct worker *w);
/* Ends it if it runs and shows again what was there. */
void worker_blink_end(struct worker *w);
