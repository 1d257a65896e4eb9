/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ris_ctrl/worker.h"
#include "base/log.h"
#include "base/sockets.h"
#include "ris_ctrl/clock.h"
#include "ris_ctrl/store.h"
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <zmq.h>

#define HEALTH_US 1000000 /* between looks at the board, and between tries to get it back */

struct worker {
    struct worker_cfg cfg;
    char endpoint[64]; /* inproc */
    void *front;       /* the service's end */
    void *back;        /* the thread's end */
    pthread_t thread;
    bool started;
    struct store *store;
    struct board *board;  /* the thread's; NULL while absent */
    struct status absent; /* why */
    int64_t next_look_us;
    atomic_bool present;
    struct job job;
    struct done done;

    pthread_mutex_t lock; /* of the next three */
    pthread_cond_t changed;
    bool opened; /* the first try is over */
    struct status first;
};

/* ---- the board comes and goes ---- */

static void board_lost(struct worker *w, const struct status *why)
{
    log_error("%s", why->text);
    w->absent = *why;
    w->absent.code = ERR_IO;
    atomic_store(&w->present, false);
    w->cfg.driver->close(&w->board);
}

/* Gives a board that was reset what it had. */
static int restore(struct worker *w, struct status *err)
{
    struct board_ack ack;
    unsigned n = 0;
    int shown = store_shown(w->store);
    for (unsigned slot = 0; slot < store_size(w->store); slot++) {
        const uint8_t *pattern = store_get(w->store, (uint16_t)slot);
        if (pattern == NULL)
            continue;
        int r = w->cfg.driver->load(w->board, (uint16_t)slot, pattern, &ack, err);
        if (r != OK)
            return r;
        n++;
    }
    int r = shown < 0 ? OK : w->cfg.driver->apply(w->board, (uint16_t)shown, RIS_NOW, &ack, err);
    if (r == OK)
        log_warn("board %s: is back, %u profiles restored; sequences must be armed again",
                 w->cfg.board.name, n);
    return r;
}

static void try_reopen(struct worker *w)
{
    struct status err = {.code = OK};
    w->board = w->cfg.driver->open(&w->cfg.board, &err);
    if (w->board == NULL) {
        log_debug("%s", err.text);
        return;
    }
    if (restore(w, &err) != OK)
        board_lost(w, &err);
    else
        atomic_store(&w->present, true);
}

static void look_after(struct worker *w)
{
    struct board_status status;
    struct status err = {.code = OK};
    if (w->board == NULL)
        try_reopen(w);
    else if (w->cfg.driver->status(w->board, &status, &err) != OK)
        board_lost(w, &err);
    w->next_look_us = clock_us() + HEALTH_US;
}

/* ---- commands ---- */

static int do_load(struct worker *w, const struct command *c, struct board_ack *ack,
                   struct status *err)
{
    const struct ris_shape *s = &w->cfg.board.shape;
    if (!ris_shape_equal(c->shape, *s))
        return status_set(err, ERR_ARG,
                          "board %s: has %u x %u elements of %u bits; send a profile "
                          "of that size",
                          c->board, s->columns, s->rows, s->bits);
    int r = w->cfg.driver->load(w->board, c->slot, c->pattern, ack, err);
    if (r == OK && c->slot < store_size(w->store))
        store_put(w->store, c->slot, c->pattern);
    return r;
}

static int do_change(struct worker *w, const struct command *c, struct board_ack *ack,
                     struct status *err)
{
    const struct board_driver *d = w->cfg.driver;
    int r;
    switch (c->kind) {
    case COMMAND_LOAD:
        return do_load(w, c, ack, err);
    case COMMAND_ARM:
        r = d->arm(w->board, &c->arm, ack, err);
        if (r == OK)
            store_set_shown(w->store, c->arm.idle);
        return r;
    case COMMAND_APPLY:
        r = d->apply(w->board, c->slot, c->when, ack, err);
        if (r == OK)
            store_set_shown(w->store, c->slot);
        return r;
    case COMMAND_DISARM:
        return d->arm(w->board, NULL, ack, err);
    default:
        return d->trigger(w->board, c->source, ack, err);
    }
}

/* Fills reply, returns the code. */
static int execute(struct worker *w, const struct job *job, struct reply *reply, struct status *err)
{
    const struct command *c = &job->command;
    struct board_ack ack;
    struct board_readback readback;
    struct board_status status;
    struct board_entry entry;
    int r;
    switch (c->kind) {
    case COMMAND_READBACK:
        r = w->cfg.driver->readback(w->board, c->slot, &readback, err);
        if (r == OK)
            reply_readback(reply, c, &readback, clock_us() - job->received_us);
        return r;
    case COMMAND_STATUS:
        entry = worker_entry(w);
        r = w->cfg.driver->status(w->board, &status, err);
        if (r == OK)
            reply_status(reply, c, &entry, &status, clock_us() - job->received_us);
        return r;
    default:
        r = do_change(w, c, &ack, err);
        if (r == OK)
            reply_ack(reply, c, &ack, clock_us() - job->received_us);
        return r;
    }
}

static void serve(struct worker *w, const struct job *job)
{
    struct status err = {.code = OK};
    int r = w->absent.code;
    if (w->board != NULL)
        r = execute(w, job, &w->done.reply, &err);
    else
        err = w->absent;
    if (r != OK)
        reply_error(&w->done.reply, job->command.seq, job->command.board, &err);
    if (w->board != NULL && r == ERR_IO)
        board_lost(w, &err);
    memcpy(w->done.client, job->client, sizeof job->client);
    w->done.n_client = job->n_client;
    w->done.delimiter = job->delimiter;
    if (zmq_send(w->back, &w->done, sizeof w->done, 0) < 0)
        log_error("board %s: cannot answer: %s", w->cfg.board.name, zmq_strerror(errno));
}

/* ---- the thread ---- */

static void open_first(struct worker *w)
{
    struct status err = {.code = OK};
    w->back = sockets_connect(w->cfg.sockets, ZMQ_PAIR, w->endpoint, &err);
    if (w->back != NULL)
        w->board = w->cfg.driver->open(&w->cfg.board, &err);
    atomic_store(&w->present, w->board != NULL);
    w->absent = err;
    pthread_mutex_lock(&w->lock);
    w->first = err;
    w->opened = true;
    pthread_cond_signal(&w->changed);
    pthread_mutex_unlock(&w->lock);
    w->next_look_us = clock_us() + HEALTH_US;
}

static void *run(void *arg)
{
    struct worker *w = arg;
    open_first(w);
    while (w->back != NULL) {
        int64_t left_ms = (w->next_look_us - clock_us()) / 1000 + 1;
        zmq_pollitem_t item = {.socket = w->back, .events = ZMQ_POLLIN};
        int ready = zmq_poll(&item, 1, left_ms > 0 ? (long)left_ms : 0);
        if (ready < 0 && errno != EINTR)
            break;
        if (ready > 0) {
            if (zmq_recv(w->back, &w->job, sizeof w->job, 0) != (int)sizeof w->job ||
                w->job.command.kind == COMMAND_STOP)
                break;
            serve(w, &w->job);
        }
        if (clock_us() >= w->next_look_us)
            look_after(w);
    }
    w->cfg.driver->close(&w->board);
    socket_close(&w->back);
    return NULL;
}

struct worker *worker_create(const struct worker_cfg *cfg, struct status *err)
{
    struct worker *w = calloc(1, sizeof *w);
    if (w != NULL)
        w->store = store_create(cfg->board.shape, cfg->board.n_slots);
    if (w == NULL || w->store == NULL) {
        free(w);
        status_set(err, ERR_NO_MEMORY, "board %s: no memory for its slots; configure fewer",
                   cfg->board.name);
        return NULL;
    }
    w->cfg = *cfg;
    pthread_mutex_init(&w->lock, NULL);
    pthread_cond_init(&w->changed, NULL);
    snprintf(w->endpoint, sizeof w->endpoint, "inproc://board-%s", cfg->board.name);
    w->front = sockets_bind(cfg->sockets, ZMQ_PAIR, w->endpoint, err);
    if (w->front != NULL) {
        w->started = pthread_create(&w->thread, NULL, run, w) == 0;
        if (!w->started)
            status_set(err, ERR_NO_MEMORY,
                       "board %s: cannot start its thread; check the limit of "
                       "processes",
                       cfg->board.name);
    }
    if (!w->started)
        worker_destroy(&w);
    return w;
}

int worker_ready(struct worker *w, struct status *err)
{
    pthread_mutex_lock(&w->lock);
    while (!w->opened)
        pthread_cond_wait(&w->changed, &w->lock);
    *err = w->first;
    pthread_mutex_unlock(&w->lock);
    return err->code;
}

int worker_post(struct worker *w, const struct job *job)
{
    return zmq_send(w->front, job, sizeof *job, ZMQ_DONTWAIT) < 0 ? ERR_BUSY : OK;
}

void *worker_socket(struct worker *w)
{
    return w->front;
}

struct board_entry worker_entry(const struct worker *w)
{
    return (struct board_entry){.name = w->cfg.board.name,
                                .driver = w->cfg.driver->name,
                                .shape = w->cfg.board.shape,
                                .n_slots = w->cfg.board.n_slots,
                                .spacing_m = w->cfg.spacing_m,
                                .present = atomic_load(&w->present)};
}

void worker_destroy(struct worker **worker)
{
    static const struct job stop = {.command = {.kind = COMMAND_STOP}};
    struct worker *w = *worker;
    if (w == NULL)
        return;
    if (w->started) {
        if (zmq_send(w->front, &stop, sizeof stop, 0) < 0)
            log_error("board %s: cannot end its thread: %s", w->cfg.board.name,
                      zmq_strerror(errno));
        pthread_join(w->thread, NULL);
    }
    socket_close(&w->front);
    store_destroy(&w->store);
    pthread_mutex_destroy(&w->lock);
    pthread_cond_destroy(&w->changed);
    free(w);
    *worker = NULL;
}
