/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * One thread for each board: executes its commands in order, looks after its health several times a
 * second, brings it up with its profiles when it appears or was reset. Boards do not wait for one
 * another. */
#pragma once
#include "ris_ctrl/board.h"
#include "ris_ctrl/command.h"
#include "ris_ctrl/reply.h"

struct sockets;
struct worker;

/* Who gets the answer. */
struct job {
    uint8_t client[255]; /* ZeroMQ identity */
    uint8_t n_client;
    bool delimiter; /* a REQ client: an empty frame stands before the command */
    int64_t received_us;
    struct command command;
};

/* What comes back on the socket: an answer to a client, or news for all. */
struct done {
    bool event; /* reply is the news, there is no client */
    uint8_t client[255];
    uint8_t n_client;
    bool delimiter;
    char audit[480]; /* one line, "" = changes nothing */
    char board[RIS_NAME_MAX + 1];
    struct reply reply;
};

/* The line for the audit file, "" for a command that changes nothing. err: why r is not OK. */
void worker_audit(struct done *done, const struct command *c, int r, const struct status *err,
                  int64_t took_us);

struct worker_cfg {
    const struct board_driver *driver;
    struct board_cfg board;
    double spacing_m;        /* between elements, for those who ask */
    const double *states;    /* the same, see struct board_entry; outlives the worker */
    const char *store_dir;   /* "" = none */
    bool restore;            /* show the last static profile again when the board is there */
    bool news;               /* somebody may listen */
    struct sockets *sockets; /* outlives the worker */
};

/* Starts the thread, which opens the board. NULL without memory or threads. */
struct worker *worker_create(const struct worker_cfg *cfg, struct status *err);

/* Waits until the first try to open the board is over. Returns 0, also when the board is absent and
 * may come, or what is wrong with its configuration. */
int worker_ready(struct worker *w, struct status *err) MUST_CHECK;

/* Hands a job over; it answers in time with a struct done on worker_socket. ERR_BUSY when more
 * jobs wait than a board can do in reasonable time. Same thread as worker_create. */
int worker_post(struct worker *w, const struct job *job) MUST_CHECK;
void *worker_socket(struct worker *w); /* for zmq_poll and zmq_recv */

struct board_entry worker_entry(struct worker *w); /* any thread */

/* Ends the thread within the time of one request and closes the board; commands that wait get no
 * answer. Accepts NULL. */
void worker_destroy(struct worker **worker);
