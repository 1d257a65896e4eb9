/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ris_ctrl/room_link.h"
#include "base/log.h"
#include "base/sockets.h"
#include "firmware/core/ris_slots.h"
#include <stdio.h>
#include <string.h>
#include <zmq.h>

int room_link_open(struct room_link *l, const char *board, const char *endpoint, int timeout_ms,
                   struct status *err)
{
    l->board = board;
    l->endpoint = endpoint;
    l->timeout_ms = timeout_ms;
    l->socket = NULL;
    l->sockets = NULL;
    if (endpoint[0] == '\0')
        return OK;
    l->sockets = sockets_create(NULL, err);
    return l->sockets == NULL ? err->code : OK;
}

void room_link_close(struct room_link *l)
{
    socket_close(&l->socket);
    sockets_destroy(&l->sockets);
}

/* A REQ socket whose answer never came is of no further use, so it is made anew. */
int room_link_tell(struct room_link *l, struct ris_report *report, struct status *err)
{
    uint8_t answer[RIS_REPLY_BYTES];
    if (l->endpoint[0] == '\0')
        return OK;
    snprintf(report->board, sizeof report->board, "%s", l->board);
    int n = ris_report_encode(report, l->message, sizeof l->message);
    if (n < 0)
        return status_set(err, n, "board %s: cannot describe its pattern to the room", l->board);
    if (l->socket == NULL)
        l->socket = sockets_connect(l->sockets, ZMQ_REQ, l->endpoint, err);
    if (l->socket == NULL)
        return err->code;
    zmq_setsockopt(l->socket, ZMQ_RCVTIMEO, &l->timeout_ms, sizeof l->timeout_ms);
    zmq_setsockopt(l->socket, ZMQ_SNDTIMEO, &l->timeout_ms, sizeof l->timeout_ms);
    if (zmq_send(l->socket, l->message, (size_t)n, 0) == n &&
        zmq_recv(l->socket, answer, sizeof answer, 0) == RIS_REPLY_BYTES) {
        int code = ris_reply_decode(answer, sizeof answer);
        if (code != OK)
            status_set(err, code,
                       "board %s: the room refused (%s); its scene must name this board "
                       "with %u x %u elements of %u bits",
                       l->board, status_name(code), report->shape.columns, report->shape.rows,
                       report->shape.bits);
        return code;
    }
    socket_close(&l->socket);
    return status_set(err, ERR_TIMEOUT,
                      "board %s: no room answers at %s; start mirador-room, or remove 'room' from "
                      "the board's configuration",
                      l->board, l->endpoint);
}

static void gather_steps(struct room_link *l, const struct ris_change *c, struct ris_report *report)
{
    size_t n = ris_pattern_bytes(report->shape);
    report->n_edges = c->arm->n_edges;
    report->n_steps = c->arm->n_steps;
    report->tag = c->arm->tag;
    report->delay_ns = c->arm->delay_ns;
    report->period_ns = c->arm->period_ns;
    memcpy(report->reps, c->arm->reps, sizeof report->reps);
    for (size_t k = 0; k < c->arm->n_steps; k++)
        memcpy(l->patterns + k * n, ris_slots_pattern(c->slots, c->arm->steps[k]), n);
    report->patterns = l->patterns;
    report->idle = ris_slots_pattern(c->slots, c->arm->idle);
}

int room_link_commit(struct room_link *l, const struct ris_change *c, struct status *err)
{
    static const uint8_t dark[RIS_PATTERN_MAX];
    struct ris_report report = {.kind = c->kind, .trigger = c->trigger, .shape = c->slots->shape};
    const uint8_t *shown = c->shown != NULL ? c->shown : dark;
    switch (c->kind) {
    case RIS_REPORT_ARM:
        gather_steps(l, c, &report);
        break;
    case RIS_REPORT_APPLY:
        report.idle = ris_slots_pattern(c->slots, c->slot);
        break;
    case RIS_REPORT_APPLY_AT_EDGE:
        report.n_edges = report.n_steps = 1;
        report.reps[0] = 1;
        report.patterns = ris_slots_pattern(c->slots, c->slot);
        report.idle = shown;
        break;
    default:
        report.idle = shown;
    }
    return room_link_tell(l, &report, err);
}
