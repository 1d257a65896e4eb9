/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ris_ctrl/room_link.h"
#include "base/log.h"
#include "base/sockets.h"
#include <stdio.h>
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
