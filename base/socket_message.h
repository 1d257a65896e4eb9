/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Multipart messages of ZeroMQ sockets, sent and received whole. A socket belongs to one thread at
 * a time. */
#pragma once
#include <stdbool.h>
#include <stddef.h>

#include "frames/status.h"

/* One frame of a multipart message. */
struct socket_frame {
    const void *bytes;
    size_t n;
};

/* Sends all frames as one message without blocking. ERR_BUSY: the queue is full, nothing was sent.
 */
int socket_send(void *socket, const struct socket_frame *frames, size_t n) MUST_CHECK;

/* One received message; frames point into it until the next socket_recv or socket_message_clear. */
#define SOCKET_MAX_FRAMES 16
struct socket_message {
    size_t n;
    struct socket_frame frames[SOCKET_MAX_FRAMES];
    _Alignas(16) unsigned char storage[SOCKET_MAX_FRAMES][64]; /* the zmq_msg_t behind each */
};

/* msg must be zeroed before its first use. timeout_ms -1 waits for ever. Returns 0, ERR_TIMEOUT,
 * ERR_INTERRUPTED (a signal), ERR_FORMAT (more frames than fit: the message is dropped), ERR_IO. */
int socket_recv(void *socket, struct socket_message *msg, int timeout_ms) MUST_CHECK;
void socket_message_clear(struct socket_message *msg);

/* Name of the key that the sender of a received message has proven to own; NULL: none was asked for
 * (ipc, loopback without keys). Lives as long as the message. */
const char *socket_message_sender(const struct socket_message *msg);

/* True if the frame is exactly this text. Frames are not terminated. */
bool socket_frame_is(const struct socket_frame *frame, const char *text);
