/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ris_ctrl/service.h"
#include "base/audit.h"
#include "base/log.h"
#include "base/notify.h"
#include "base/options.h"
#include "base/sockets.h"
#include "ris_ctrl/board_surface.h"
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
    void *publisher; /* NULL = none */
    struct audit *audit;
    char publish[256];
    bool local; /* nobody beyond this machine can reach it, so there is one clock */
    struct surface_cfg surfaces[RIS_CONFIG_BOARDS];
    size_t n_worker;
    struct worker *workers[RIS_CONFIG_BOARDS];
    struct socket_message message;
    struct job job;
    struct done done;
};

/* What a board and a tile have in common. */
static void set_board(const struct ris_config_board *b, struct board_cfg *out)
{
    snprintf(out->name, sizeof out->name, "%s", b->name);
    out->shape = (struct ris_shape){(uint8_t)b->columns, (uint8_t)b->rows, (uint8_t)b->bits};
    out->n_slots = (uint16_t)b->slots;
    out->trigger = (enum ris_trigger)b->trigger;
    out->room = b->room;
    out->port = b->port;
    out->baud = (unsigned)b->baud;
    out->tile = (unsigned)b->tile;
    out->verify = b->verify;
    out->ack_timeout_ms = (unsigned)b->ack_timeout_ms;
    out->retries = (unsigned)b->retries;
}

static void set_tile(const struct ris_config_board *b, size_t i, struct surface_tile *out)
{
    const struct ris_config_tile *t = b->n_tile > 0 ? &b->tiles[i] : NULL;
    set_board(b, &out->cfg);
    out->driver = drivers[t != NULL ? t->driver : b->driver];
    out->map = ris_config_map(b, t);
    out->cfg.shape = out->map.board;
    if (t == NULL)
        return;
    snprintf(out->cfg.name, sizeof out->cfg.name, "%.26s-%u", b->name, (unsigned)i % 100);
    out->cfg.port = t->port;
    out->cfg.baud = (unsigned)t->baud;
    out->cfg.tile = (unsigned)t->tile;
}

/* A board that is the surface as it is needs nothing in front of it. */
static bool is_mapped(const struct ris_config_board *b)
{
    return b->n_tile > 0 || b->rotation != 0 || b->n_dead > 0;
}

static void set_surface(const struct ris_config_board *b, struct surface_cfg *out)
{
    out->n = b->n_tile > 0 ? b->n_tile : 1;
    for (size_t i = 0; i < out->n; i++)
        set_tile(b, i, &out->tiles[i]);
    for (size_t i = 0; i < b->n_dead; i++)
        out->dead[b->dead_columns[i]] = true;
}

static struct worker *start_board(struct service *s, const struct ris_config *config, size_t i,
                                  struct sockets *sockets, struct status *err)
{
    const struct ris_config_board *b = &config->boards[i];
    struct worker_cfg cfg = {.driver = drivers[b->driver],
                             .sockets = sockets,
                             .spacing_m = b->spacing_m,
                             .states = b->n_states > 0 ? b->states : NULL,
                             .store_dir = config->store_dir,
                             .restore = b->restore,
                             .news = config->publish[0] != '\0'};
    set_board(b, &cfg.board);
    if (is_mapped(b)) {
        set_surface(b, &s->surfaces[i]);
        cfg.board.surface = &s->surfaces[i];
        cfg.driver = &board_surface;
    }
    return worker_create(&cfg, err);
}

static int open_boards(struct service *s, const struct ris_config *cfg, struct sockets *sockets,
                       struct status *err)
{
    for (size_t i = 0; i < cfg->n_board; i++) {
        s->workers[i] = start_board(s, cfg, i, sockets, err);
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

static int bind_all(struct service *s, const struct ris_config *cfg, struct sockets *sockets,
                    struct status *err)
{
    s->router = sockets_bind(sockets, ZMQ_ROUTER, cfg->endpoint, err);
    if (s->router == NULL)
        return err->code;
    s->local = endpoint_is_local(cfg->endpoint);
    snprintf(s->publish, sizeof s->publish, "%s", cfg->publish);
    if (cfg->publish[0] != '\0' &&
        (s->publisher = sockets_bind(sockets, ZMQ_PUB, cfg->publish, err)) == NULL)
        return err->code;
    if (cfg->audit_file[0] != '\0' && (s->audit = audit_open(cfg->audit_file, err)) == NULL)
        return err->code;
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
    if (bind_all(s, cfg, sockets, err) != OK || open_boards(s, cfg, sockets, err) != OK)
        service_destroy(&s);
    return s;
}

void service_destroy(struct service **service)
{
    struct service *s = *service;
    if (s == NULL)
        return;
    stop_request(); /* requests to silent boards are given up; the program ends with its service */
    for (size_t i = 0; i < s->n_worker; i++)
        worker_destroy(&s->workers[i]);
    socket_message_clear(&s->message);
    socket_close(&s->router);
    socket_close(&s->publisher);
    audit_close(&s->audit);
    free(s);
    *service = NULL;
}

/* Topic "ris.BOARD", then the JSON. */
static void publish(struct service *s, const struct done *d)
{
    char topic[8 + RIS_NAME_MAX];
    int n = snprintf(topic, sizeof topic, "ris.%s", d->board);
    struct socket_frame frames[] = {{topic, (size_t)n}, {d->reply.text, d->reply.n}};
    if (s->publisher != NULL && socket_send(s->publisher, frames, 2) != OK)
        log_debug("a change was not published");
}

static void audit(struct service *s, const struct done *d)
{
    char client[2 * 16 + 1] = "";
    if (s->audit == NULL || d->audit[0] == '\0')
        return;
    for (size_t i = 0; i < d->n_client && i < 16; i++)
        snprintf(client + 2 * i, 3, "%02x", d->client[i]);
    audit_write(s->audit, "client=%s %s", client, d->audit);
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
    audit(s, d);
}

static void answer_to(struct service *s, const struct job *job)
{
    memcpy(s->done.client, job->client, sizeof job->client);
    s->done.n_client = job->n_client;
    s->done.delimiter = job->delimiter;
    s->done.audit[0] = '\0';
}

static void answer_error(struct service *s, const struct job *job, const struct status *err)
{
    answer_to(s, job);
    worker_audit(&s->done, &job->command, err->code, err, clock_us() - job->received_us);
    reply_error(&s->done.reply, job->command.seq, job->command.board, err, false);
    send_done(s, &s->done);
}

static void answer_list(struct service *s, const struct job *job)
{
    struct board_entry entries[RIS_CONFIG_BOARDS];
    for (size_t i = 0; i < s->n_worker; i++)
        entries[i] = worker_entry(s->workers[i]);
    answer_to(s, job);
    reply_boards(&s->done.reply, job->command.seq, entries, s->n_worker, s->publish);
    send_done(s, &s->done);
}

/* Turns the two ways to give a time into one, by our clock. */
static int set_time(const struct service *s, struct command *c, struct status *err)
{
    if (c->by_ns != 0 && !s->local)
        return status_set(err, ERR_ARG,
                          "%s: 'by_ns' is a time by this machine's clock, and this endpoint serves "
                          "others too; give 'within_us', from the command's arrival on",
                          command_name(c->kind));
    if (c->within_us != 0)
        c->by_ns = clock_unix_ns() + c->within_us * 1000;
    return OK;
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
    if (r == OK)
        r = set_time(s, &job->command, &err);
    if (r == OK && job->command.board[0] != '\0')
        r = hand_over(s, job, &err);
    else if (r == OK)
        answer_list(s, job);
    if (r != OK)
        answer_error(s, job, &err);
}

static void on_worker(struct service *s, void *socket)
{
    struct done *d = &s->done;
    if (zmq_recv(socket, d, sizeof *d, ZMQ_DONTWAIT) != (int)sizeof *d)
        return;
    if (d->event)
        publish(s, d);
    else
        send_done(s, d);
}

int service_run(struct service *s, struct status *err)
{
    zmq_pollitem_t items[2 + RIS_CONFIG_BOARDS] = {{.fd = stop_fd(), .events = ZMQ_POLLIN},
                                                   {.socket = s->router, .events = ZMQ_POLLIN}};
    for (size_t i = 0; i < s->n_worker; i++)
        items[2 + i] =
            (zmq_pollitem_t){.socket = worker_socket(s->workers[i]), .events = ZMQ_POLLIN};
    for (uint64_t rounds = 1; !stop_requested(); rounds++) {
        int r = zmq_poll(items, (int)(2 + s->n_worker), notify_period_ms());
        notify_alive(rounds);
        if (r < 0 && errno != EINTR)
            return status_set(err, ERR_IO, "polling failed: %s; restart", zmq_strerror(errno));
        if (r < 0)
            continue;
        for (size_t i = 0; i < s->n_worker; i++)
            if (items[2 + i].revents & ZMQ_POLLIN)
                on_worker(s, items[2 + i].socket);
        if (items[1].revents & ZMQ_POLLIN)
            on_command(s);
    }
    notify_stopping();
    return OK;
}
