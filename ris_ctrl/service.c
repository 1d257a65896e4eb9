/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ris_ctrl/service.h"
#include "base/log.h"
#include "base/options.h"
#include "base/sockets.h"
#include "ris_ctrl/clock.h"
#include "ris_ctrl/worker.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <zmq.h>

static const struct board_driver *const drivers[] = {
    [RIS_DRIVER_NATIVE] = &board_native, [RIS_DRIVER_QEMU] = &board_qemu,
    [RIS_DRIVER_SERIAL] = &board_serial, [RIS_DRIVER_OPENSOURCE] = &board_opensource,
    [RIS_DRIVER_TILE] = &board_tile,
};

struct service {
    void *router;
    size_t n_worker;
    struct worker *workers[RIS_CONFIG_BOARDS];
    struct socket_message message;
    struct job job;
    struct done done;
};

static struct worker *start_board(const struct ris_config_board *b, struct sockets *sockets,
                                  struct status *err)
{
    struct worker_cfg cfg = {
        .driver = drivers[b->driver], .sockets = sockets, .spacing_m = b->spacing_m};
    snprintf(cfg.board.name, sizeof cfg.board.name, "%s", b->name);
    cfg.board.shape = (struct ris_shape){(uint8_t)b->columns, (uint8_t)b->rows, (uint8_t)b->bits};
    cfg.board.n_slots = (uint16_t)b->slots;
    cfg.board.trigger = (enum ris_trigger)b->trigger;
    cfg.board.room = b->room;
    cfg.board.port = b->port;
    cfg.board.baud = (unsigned)b->baud;
    cfg.board.tile = (unsigned)b->tile;
    cfg.board.verify = b->verify;
    cfg.board.ack_timeout_ms = (unsigned)b->ack_timeout_ms;
    cfg.board.retries = (unsigned)b->retries;
    return worker_create(&cfg, err);
}

static int open_boards(struct service *s, const struct ris_config *cfg, struct sockets *sockets,
                       struct status *err)
{
    for (size_t i = 0; i < cfg->n_board; i++) {
        s->workers[i] = start_board(&cfg->boards[i], sockets, err);
        if (s->workers[i] == NULL)
            return err->code;
        s->n_worker++;
    }
    for (size_t i = 0; i < s->n_worker; i++) {
        int r = worker_ready(s->workers[i], err);
        if (r != OK)
            return r;
    }
    return OK;
}

struct service *service_create(const struct ris_config *cfg, struct sockets *sockets,
                               struct status *err)
{
    struct service *s = calloc(1, sizeof *s);
    if (s == NULL) {
        status_set(err, ERR_NO_MEMORY, "no memory; close other programs");
        return NULL;
    }
    s->router = sockets_bind(sockets, ZMQ_ROUTER, cfg->endpoint, err);
    if (s->router == NULL || open_boards(s, cfg, sockets, err) != OK)
        service_destroy(&s);
    return s;
}

void service_destroy(struct service **service)
{
    struct service *s = *service;
    if (s == NULL)
        return;
    for (size_t i = 0; i < s->n_worker; i++)
        worker_destroy(&s->workers[i]);
    socket_message_clear(&s->message);
    socket_close(&s->router);
    free(s);
    *service = NULL;
}

static void send_done(struct service *s, const struct done *d)
{
    struct socket_frame frames[4];
    size_t n = 0;
    frames[n++] = (struct socket_frame){d->client, d->n_client};
    if (d->delimiter)
        frames[n++] = (struct socket_frame){"", 0};
    frames[n++] = (struct socket_frame){d->reply.text, d->reply.n};
    if (d->reply.n_pattern > 0)
        frames[n++] = (struct socket_frame){d->reply.pattern, d->reply.n_pattern};
    if (socket_send(s->router, frames, n) != OK)
        log_debug("a client went away before its answer");
}

static void answer_to(struct service *s, const struct job *job)
{
    memcpy(s->done.client, job->client, sizeof job->client);
    s->done.n_client = job->n_client;
    s->done.delimiter = job->delimiter;
}

static void answer_error(struct service *s, const struct job *job, const struct status *err)
{
    answer_to(s, job);
    reply_error(&s->done.reply, job->command.seq, job->command.board, err);
    send_done(s, &s->done);
}

static void answer_list(struct service *s, const struct job *job)
{
    struct board_entry entries[RIS_CONFIG_BOARDS];
    for (size_t i = 0; i < s->n_worker; i++)
        entries[i] = worker_entry(s->workers[i]);
    answer_to(s, job);
    reply_boards(&s->done.reply, job->command.seq, entries, s->n_worker);
    send_done(s, &s->done);
}

static int hand_over(struct service *s, const struct job *job, struct status *err)
{
    const char *name = job->command.board;
    const char *names[RIS_CONFIG_BOARDS];
    for (size_t i = 0; i < s->n_worker; i++) {
        names[i] = worker_entry(s->workers[i]).name;
        if (strcmp(names[i], name) != 0)
            continue;
        if (worker_post(s->workers[i], job) != OK)
            return status_set(err, ERR_BUSY, "board %s: too many commands wait; send slower", name);
        return OK;
    }
    const char *near = config_nearest(name, names, s->n_worker);
    return status_set(err, ERR_NOT_FOUND, "board %s: unknown; %s%s%s", name,
                      near != NULL ? "did you mean '" : "ask status for the names",
                      near != NULL ? near : "", near != NULL ? "'?" : "");
}

/* Who sent it and where the command starts among the frames; false for what is no command. */
static bool read_client(const struct socket_message *m, struct job *job, size_t *first)
{
    if (m->n < 2 || m->frames[0].n > sizeof job->client)
        return false;
    memcpy(job->client, m->frames[0].bytes, m->frames[0].n);
    job->n_client = (uint8_t)m->frames[0].n;
    job->delimiter = m->frames[1].n == 0;
    *first = job->delimiter ? 2 : 1;
    return m->n > *first;
}

static void on_command(struct service *s)
{
    struct status err = {.code = OK};
    struct job *job = &s->job;
    const struct socket_message *m = &s->message;
    size_t first;
    if (socket_recv(s->router, &s->message, 0) != OK)
        return;
    job->received_us = clock_us();
    if (!read_client(m, job, &first))
        return;
    const struct socket_frame *json = &m->frames[first];
    const struct socket_frame *pattern = m->n > first + 1 ? json + 1 : NULL;
    int r = command_parse(json->bytes, json->n, pattern != NULL ? pattern->bytes : NULL,
                          pattern != NULL ? pattern->n : 0, &job->command, &err);
    if (r == OK && job->command.board[0] != '\0')
        r = hand_over(s, job, &err);
    else if (r == OK)
        answer_list(s, job);
    if (r != OK)
        answer_error(s, job, &err);
}

int service_run(struct service *s, struct status *err)
{
    zmq_pollitem_t items[2 + RIS_CONFIG_BOARDS] = {{.fd = stop_fd(), .events = ZMQ_POLLIN},
                                                   {.socket = s->router, .events = ZMQ_POLLIN}};
    for (size_t i = 0; i < s->n_worker; i++)
        items[2 + i] =
            (zmq_pollitem_t){.socket = worker_socket(s->workers[i]), .events = ZMQ_POLLIN};
    while (!stop_requested()) {
        int r = zmq_poll(items, (int)(2 + s->n_worker), -1);
        if (r < 0 && errno != EINTR)
            return status_set(err, ERR_IO, "polling failed: %s; restart", zmq_strerror(errno));
        if (r < 0)
            continue;
        for (size_t i = 0; i < s->n_worker; i++)
            if ((items[2 + i].revents & ZMQ_POLLIN) &&
                zmq_recv(items[2 + i].socket, &s->done, sizeof s->done, ZMQ_DONTWAIT) ==
                    (int)sizeof s->done)
                send_done(s, &s->done);
        if (items[1].revents & ZMQ_POLLIN)
            on_command(s);
    }
    return OK;
}
