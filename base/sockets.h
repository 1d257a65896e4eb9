/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * ZeroMQ sockets the way this project uses them: linger 0 (a PUB: 1 s), bounded queues, CURVE with
 * a ZAP handler on everything that leaves the machine. Setup only unless said; a socket belongs to
 * one thread at a time. */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "base/endpoint.h"
#include "base/socket_message.h"
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
