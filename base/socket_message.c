/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/socket_message.h"

#include <errno.h>
#include <string.h>
#include <zmq.h>

int socket_send(void *socket, const struct socket_frame *frames, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        int flags = ZMQ_DONTWAIT | (i + 1 < n ? ZMQ_SNDMORE : 0);
        int sent;
        do
            sent = zmq_send(socket, frames[i].bytes, frames[i].n, flags);
        while (sent < 0 && errno == EINTR);
        if (sent < 0)
            return errno == EAGAIN && i == 0 ? ERR_BUSY
                   : errno == EHOSTUNREACH   ? ERR_NOT_FOUND
                                             : ERR_IO;
    }
    return 0;
}

static zmq_msg_t *frame_storage(struct socket_message *m, size_t i)
{
    _Static_assert(sizeof(zmq_msg_t) <= sizeof m->storage[0], "zmq_msg_t fits its place");
    return (zmq_msg_t *)(void *)m->storage[i];
}

void socket_message_clear(struct socket_message *m)
{
    for (size_t i = 0; i < m->n; i++)
        zmq_msg_close(frame_storage(m, i));
    m->n = 0;
}

static int recv_error(void)
{
    return errno == EINTR ? ERR_INTERRUPTED : errno == EAGAIN ? ERR_TIMEOUT : ERR_IO;
}

/* One frame; *more tells whether another follows. Frames beyond the capacity are dropped. */
static int recv_frame(void *socket, struct socket_message *m, bool *more)
{
    zmq_msg_t surplus, *part = m->n < SOCKET_MAX_FRAMES ? frame_storage(m, m->n) : &surplus;
    zmq_msg_init(part);
    int got;
    do
        got = zmq_msg_recv(part, socket, ZMQ_DONTWAIT);
    while (got < 0 && errno == EINTR);
    *more = got >= 0 && zmq_msg_more(part);
    if (got < 0 || part == &surplus) {
        int rc = got < 0 ? recv_error() : ERR_FORMAT;
        zmq_msg_close(part);
        return rc;
    }
    m->frames[m->n++] = (struct socket_frame){zmq_msg_data(part), zmq_msg_size(part)};
    return 0;
}

int socket_recv(void *socket, struct socket_message *m, int timeout_ms)
{
    zmq_pollitem_t item = {.socket = socket, .events = ZMQ_POLLIN};
    socket_message_clear(m);
    int ready = zmq_poll(&item, 1, timeout_ms);
    if (ready <= 0)
        return ready == 0 ? ERR_TIMEOUT : recv_error();
    int rc = 0;
    for (bool more = true; more;) {
        int part = recv_frame(socket, m, &more);
        if (part != 0 && rc == 0)
            rc = part;
    }
    if (rc)
        socket_message_clear(m);
    return rc;
}

const char *socket_message_sender(const struct socket_message *m)
{
    const char *name = NULL;
    if (m->n > 0)
        name = zmq_msg_gets((const zmq_msg_t *)(const void *)m->storage[m->n - 1], "User-Id");
    return name && name[0] ? name : NULL;
}

bool socket_frame_is(const struct socket_frame *frame, const char *text)
{
    return frame->n == strlen(text) && memcmp(frame->bytes, text, frame->n) == 0;
}
