/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ris_ctrl/worker.h"
#include "base/log.h"
#include "base/sockets.h"
#include "ris_ctrl/clock.h"
#include "ris_ctrl/worker_internal.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zmq.h>

static void reply_to(struct worker *w, const struct job *job, int r, const struct status *err)
{
    struct done *d = &w->done;
    d->event = false;
    memcpy(d->client, job->client, sizeof job->client);
    d->n_client = job->n_client;
    d->delimiter = job->delimiter;
    worker_audit(d, &job->command, r, err, clock_us() - job->received_us);
    if (zmq_send(w->back, d, sizeof *d, ZMQ_DONTWAIT) < 0)
        log_error("board %s: an answer is lost: %s", w->cfg.board.name, zmq_strerror(errno));
}

static void serve(struct worker *w, const struct job *job)
{
    struct status err = {.code = OK};
    const struct command *c = &job->command;
    bool stored =
        c->kind == COMMAND_SAVE || c->kind == COMMAND_DELETE || c->kind == COMMAND_PROFILES;
    int r = w->absent.code;
    w->gave_up = false;
    if (stored)
        r = worker_library(w, c, &w->done.reply, &err);
    else if (w->board != NULL)
        r = worker_execute(w, job, &w->done.reply, &err);
    else
        err = w->absent;
    if (r != OK)
        reply_error(&w->done.reply, c->seq, c->board, &err, w->gave_up);
    reply_to(w, job, r, &err);
    if (w->result != NULL)
        worker_news(w, w->result, w->result_hash, w->result_text);
    w->result = NULL;
    if (stored || w->board == NULL)
        return;
    if (r == ERR_IO)
        worker_lost(w, &err);
    else if (r != ERR_TIMEOUT)
        worker_answered(w);
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
    w->absent.code = ERR_IO;
    if (w->board != NULL)
        worker_begin(w);
    pthread_mutex_lock(&w->lock);
    w->first = err;
    w->opened = true;
    pthread_cond_signal(&w->changed);
    pthread_mutex_unlock(&w->lock);
    w->next_look_us = clock_us();
}

static int64_t wake_us(const struct worker *w)
{
    if (w->blink_end_us != 0 && w->blink_next_us < w->next_look_us)
        return w->blink_next_us;
    return w->next_look_us;
}

static void *run(void *arg)
{
    struct worker *w = arg;
    open_first(w);
    while (w->back != NULL && !atomic_load(&w->stopping)) {
        int64_t left_ms = (wake_us(w) - clock_us()) / 1000 + 1;
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
        worker_blink_step(w);
        if (clock_us() >= w->next_look_us)
            worker_look(w);
    }
    worker_blink_end(w);
    worker_keep(w);
    w->cfg.driver->close(&w->board);
    socket_close(&w->back);
    return NULL;
}

static struct worker *allocate(const struct worker_cfg *cfg, struct status *err)
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
    w->trigger = -1;
    w->cfg.board.tell = worker_silent;
    w->cfg.board.tell_context = w;
    w->cfg.board.gave_up = &w->gave_up;
    w->cfg.board.no_retry_after_us = &w->no_retry_after_us;
    pthread_mutex_init(&w->lock, NULL);
    pthread_cond_init(&w->changed, NULL);
    return w;
}

struct worker *worker_create(const struct worker_cfg *cfg, struct status *err)
{
    struct worker *w = allocate(cfg, err);
    if (w == NULL)
        return NULL;
    snprintf(w->endpoint, sizeof w->endpoint, "inproc://board-%s", cfg->board.name);
    if (library_open(&w->library, cfg->store_dir, w->cfg.board.name, cfg->board.shape, err) == OK)
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
    const struct surface_cfg *surface = w->cfg.board.surface;
    return (struct board_entry){.name = w->cfg.board.name,
                                .driver = w->cfg.driver->name,
                                .shape = w->cfg.board.shape,
                                .n_slots = w->cfg.board.n_slots,
                                .spacing_m = w->cfg.spacing_m,
                                .present = atomic_load(&w->present),
                                .dead = surface != NULL ? surface->dead : NULL,
                                .states = w->cfg.states};
}

void worker_destroy(struct worker **worker)
{
    static const struct job stop = {.command = {.kind = COMMAND_STOP}};
    struct worker *w = *worker;
    if (w == NULL)
        return;
    if (w->started) {
        atomic_store(&w->stopping, true); /* before what still waits; the job wakes it */
        if (zmq_send(w->front, &stop, sizeof stop, ZMQ_DONTWAIT) < 0)
            log_debug("board %s: ends after the job that it has", w->cfg.board.name);
        pthread_join(w->thread, NULL);
    }
    socket_close(&w->front);
    store_destroy(&w->store);
    pthread_mutex_destroy(&w->lock);
    pthread_cond_destroy(&w->changed);
    free(w);
    *worker = NULL;
}
