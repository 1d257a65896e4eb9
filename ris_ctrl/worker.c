/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ris_ctrl/worker.h"
#include "base/log.h"
#include "base/options.h"
#include "base/sockets.h"
#include "ris_ctrl/board_surface.h"
#include "ris_ctrl/clock.h"
#include "ris_ctrl/worker_internal.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zmq.h>

#define SEND_LOOK_MS 100

bool worker_stopping(const struct worker *w)
{
    return atomic_load(&w->stop) || stop_requested();
}

/* The service takes answers until it stops; then nobody waits for them any more. */
static void send_back(struct worker *w, const struct done *d)
{
    zmq_pollitem_t room = {.socket = w->back, .events = ZMQ_POLLOUT};
    while (zmq_send(w->back, d, sizeof *d, ZMQ_DONTWAIT) < 0) {
        if (errno != EAGAIN && errno != EINTR) {
            log_error("board %s: cannot answer: %s", w->cfg.board.name, zmq_strerror(errno));
            return;
        }
        if (worker_stopping(w))
            return;
        (void)zmq_poll(&room, 1, SEND_LOOK_MS);
    }
}

static void reply_to(struct worker *w, const struct job *job, int r, const struct status *err)
{
    struct done *d = &w->done;
    d->event = false;
    memcpy(d->client, job->client, sizeof job->client);
    d->n_client = job->n_client;
    d->delimiter = job->delimiter;
    worker_audit(d, &job->command, r, err, clock_us() - job->received_us);
    send_back(w, d);
}

/* A board that is away still is what the configuration says, and there is a reason. */
static int status_of_absent(struct worker *w, const struct job *job)
{
    struct board_entry entry = worker_entry(w);
    reply_status(&w->done.reply, &job->command, &entry, NULL, clock_us() - job->received_us);
    return OK;
}

static void serve(struct worker *w, const struct job *job)
{
    struct status err = {.code = OK};
    const struct command *c = &job->command;
    bool stored =
        c->kind == COMMAND_SAVE || c->kind == COMMAND_DELETE || c->kind == COMMAND_PROFILES;
    int r = w->absent.code;
    w->gave_up = w->sent = w->take_back = false;
    if (stored)
        r = worker_library(w, c, &w->done.reply, &err);
    else if (w->board != NULL)
        r = worker_execute(w, job, &w->done.reply, &err);
    else if (c->kind == COMMAND_STATUS)
        r = status_of_absent(w, job);
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
    if (w->board != NULL && w->take_back)
        worker_take_back(w, c);
}

/* ---- the thread ---- */

/* How long this board takes, before there was a command to learn it from. */
static void learn_pace(struct worker *w)
{
    struct board_status status;
    struct status ignored;
    int64_t began_us = clock_us();
    if (w->cfg.driver->status(w->board, &status, &ignored) == OK)
        w->worst_us[COMMAND_STATUS] = clock_us() - began_us;
}

/* A board may be switched on later; a wrong configuration stays wrong. */
static bool may_come(const struct status *why)
{
    return why->code == ERR_NOT_FOUND || why->code == ERR_TIMEOUT || why->code == ERR_IO;
}

static void open_first(struct worker *w)
{
    struct status err = {.code = OK};
    w->back = sockets_connect(w->cfg.sockets, ZMQ_PAIR, w->endpoint, &err);
    if (w->back != NULL && w->cfg.restore)
        worker_recall(w);
    if (w->back != NULL)
        w->board = w->cfg.driver->open(&w->cfg.board, &err);
    if (w->board != NULL) {
        worker_present(w);
        learn_pace(w);
        worker_boot(w);
        err.code = OK;
    } else if (w->back != NULL && may_come(&err)) {
        worker_absent(w, &err);
        err.code = OK;
    }
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
    while (w->back != NULL && !atomic_load(&w->stop)) {
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
    w->trigger = w->pending = -1;
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
    bool fine =
        library_open(&w->library, cfg->store_dir, w->cfg.board.name, cfg->board.shape, err) == OK;
    if (fine && cfg->store_dir[0] != '\0')
        fine = (w->keeper = keeper_create(&w->library, err)) != NULL;
    if (fine)
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

struct board_entry worker_entry(struct worker *w)
{
    const struct surface_cfg *surface = w->cfg.board.surface;
    pthread_mutex_lock(&w->lock);
    struct status absent = w->absent;
    pthread_mutex_unlock(&w->lock);
    return (struct board_entry){.name = w->cfg.board.name,
                                .driver = w->cfg.driver->name,
                                .shape = w->cfg.board.shape,
                                .n_slots = w->cfg.board.n_slots,
                                .plays_sequences = surface != NULL
                                                       ? surface_plays_sequences(surface)
                                                       : w->cfg.driver->plays_sequences,
                                .spacing_m = w->cfg.spacing_m,
                                .absent = absent,
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
        atomic_store(&w->stop, true);
        /* Wakes it up; if that many commands wait for it, it is awake. */
        (void)zmq_send(w->front, &stop, sizeof stop, ZMQ_DONTWAIT);
        pthread_join(w->thread, NULL);
    }
    socket_close(&w->front);
    keeper_destroy(&w->keeper);
    store_destroy(&w->store);
    pthread_mutex_destroy(&w->lock);
    pthread_cond_destroy(&w->changed);
    free(w);
    *worker = NULL;
}
