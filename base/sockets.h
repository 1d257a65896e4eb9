/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * ZeroMQ sockets the way this project uses them: linger 0 (a PUB: 1 s), bounded queues, CURVE with
 * a ZAP handler on everything that leaves the machine. Setup only unless said; a socket belongs to
 * one thread at a time. */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "frames/status.h"

#define SOCKETS_KEY_BYTES   32
#define SOCKETS_MAX_CLIENTS 64
#define SOCKETS_NAME_BYTES  40  /* of a client's name, with the zero */
#define SOCKETS_KEY_TEXT    112 /* "NAME HEX", with the zero */

struct sockets; /* ZeroMQ context, CURVE identity, ZAP handler thread */

/* Keys are files as key_file_write makes them; empty strings mean none. */
struct sockets_cfg {
    char secret_key_file[256];  /* ours, 32 bytes, mode 0600 */
    char server_public_key[72]; /* hex, to connect with CURVE */
    /* Who may connect to what we bind: hex, or a name, a space and hex. Without a name its first
     * eight digits are the name. */
    char client_public_keys[SOCKETS_MAX_CLIENTS][SOCKETS_KEY_TEXT];
    size_t n_client_public_keys;
};

/* cfg NULL: no keys, so only ipc, inproc and loopback. NULL on a fault, says why in *err. */
struct sockets *sockets_create(const struct sockets_cfg *cfg, struct status *err) MUST_CHECK;

/* Every socket must be closed before; accepts NULL. */
void sockets_destroy(struct sockets **sockets);

/* type: ZMQ_PUB, ZMQ_ROUTER ... A tcp endpoint beyond loopback is refused without a secret key and
 * at least one client key (ERR_AUTH). An occupied endpoint is ERR_BUSY, with the cure in the
 * message; an ipc path whose owner died is taken over. NULL on error. */
void *sockets_bind(struct sockets *sockets, int type, const char *endpoint,
                   struct status *err) MUST_CHECK;

/* One more endpoint of a bound socket, under the same rules: programs of this machine over ipc
 * without keys, others over tcp with CURVE, which once asked for is asked for at all that follow. 0
 * or what sockets_bind says. */
int sockets_bind_too(struct sockets *sockets, void *socket, const char *endpoint,
                     struct status *err) MUST_CHECK;

/* Connects (the peer may come later). CURVE is used when a server key is configured and the
 * endpoint is not ipc or inproc. SUB sockets subscribe to nothing yet: socket_subscribe. */
void *sockets_connect(struct sockets *sockets, int type, const char *endpoint,
                      struct status *err) MUST_CHECK;
int socket_subscribe(void *socket, const char *topic) MUST_CHECK;
/* A SUB socket that is connected and hears these topics. NULL: says why. */
void *sockets_subscribe(struct sockets *sockets, const char *endpoint, const char *const *topics,
                        size_t n, struct status *err) MUST_CHECK;
void socket_close(void **socket); /* accepts NULL content */

/* Clients refused since creation by what was bound with CURVE: unknown keys, another server's key,
 * no CURVE at all. RT-safe. */
uint64_t sockets_refused(const struct sockets *sockets);

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

/* True if the endpoint stays on this machine: ipc, inproc, tcp on 127.0.0.0/8, ::1 or localhost. */
bool endpoint_is_local(const char *endpoint);
