/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * One thread for each board: executes its commands in order, looks after its health once a second,
 * brings it back with its profiles after a reset. Boards do not wait for one another. */
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

/* What comes back on the socket. */
struct done {
    uint8_t client[255];
    uint8_t n_client;
    bool delimiter;
    struct reply reply;
};

struct worker_cfg {
    const struct board_driver *driver;
    struct board_cfg board;
    double spacing_m;        /* between elements, for those who ask */
    struct sockets *sockets; /* outlives the worker */
};

/* Starts the thread, which opens the board. NULL without memory or threads. */
struct worker *worker_create(const struct worker_cfg *cfg, struct status *err);

/* Waits until the board is open. Returns 0 or why it is not. */
int worker_ready(struct worker *w, struct status *err) MUST_CHECK;

/* Hands a job over; it answers in time with a struct done on worker_socket. ERR_BUSY when more
 * jobs wait than a board can do in reasonable time. Same thread as worker_create. */
int worker_post(struct worker *w, const struct job *job) MUST_CHECK;
void *worker_socket(struct worker *w); /* for zmq_poll and zmq_recv */

struct board_entry worker_entry(const struct worker *w); /* any thread */

/* Ends the thread and closes the board; accepts NULL. */
void worker_destroy(struct worker **worker);
