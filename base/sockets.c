/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/sockets.h"

#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <pthread.h>
#include <sodium.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zmq.h>

#include "base/log.h"
#include "base/state_dir.h"

/* Commands wait for each other's answer, so few are ever queued; a subscriber may fall behind by
 * some minutes of fixes or truth before it loses one. */
#define COMMAND_HWM       1000
#define TELEMETRY_HWM     20000
#define PUB_LINGER_MS     1000 /* the last words of a publisher that ends */
#define MAX_MESSAGE_BYTES (16 << 20)
#define ZAP_ENDPOINT      "inproc://zeromq.zap.01"
enum { MONITORS = 8, NEW_MONITORS_MS = 200 };
#define FAILED_HANDSHAKES                                                                          \
    (ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL | ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL)

struct sockets {
    void *context;
    bool have_secret, have_server;
    uint8_t secret[SOCKETS_KEY_BYTES], public[SOCKETS_KEY_BYTES], server[SOCKETS_KEY_BYTES];
    struct client {
        char name[SOCKETS_NAME_BYTES];
        uint8_t key[SOCKETS_KEY_BYTES];
    } clients[SOCKETS_MAX_CLIENTS];
    size_t n_clients;
    void *zap; /* the handler's socket, owned by its thread once that runs */
    pthread_t zap_thread;
    bool zap_runs;
    void *monitor[MONITORS]; /* of what was bound with CURVE; the ZAP handler's from then on */
    atomic_size_t n_monitor;
    _Atomic uint64_t refused;
};

/* --- who may connect (RFC 27, ZAP) ------------------------------------------------------------ */

static const struct client *find_client(const struct sockets *s, const struct socket_frame *key)
{
    const struct client *found = NULL;
    if (key->n != SOCKETS_KEY_BYTES)
        return NULL;
    for (size_t i = 0; i < s->n_clients; i++)
        if (sodium_memcmp(key->bytes, s->clients[i].key, SOCKETS_KEY_BYTES) == 0)
            found = &s->clients[i];
    return found;
}

/* Request: version, request id, domain, address, identity, mechanism, credentials. */
static void zap_answer(struct sockets *s, const struct socket_message *m)
{
    const bool asked = m->n == 7 && socket_frame_is(&m->frames[0], "1.0") &&
                       socket_frame_is(&m->frames[5], "CURVE");
    const struct client *client = asked ? find_client(s, &m->frames[6]) : NULL;
    const bool ok = client != NULL;
    if (!ok)
        s->refused++;
    struct socket_frame reply[] = {
        {"1.0", 3},
        m->n > 1 ? m->frames[1] : (struct socket_frame){"", 0},
        {ok ? "200" : "400", 3},
        {ok ? "OK" : "unknown key", ok ? 2 : 11},
        {ok ? client->name : "", ok ? strlen(client->name) : 0}, /* socket_message_sender */
        {"", 0},
    };
    if (socket_send(s->zap, reply, 6) != 0)
        s->refused += ok;
}

/* Whoever speaks no CURVE, or with another server's key, never gets as far as the ZAP handler: one
 * of both ends hangs up before. */
static void *watch_handshakes(struct sockets *s, void *socket, size_t number)
{
    char name[40];
    int all = 0; /* a full queue would hold up libzmq's own thread */
    snprintf(name, sizeof name, "inproc://handshakes-%zu", number);
    void *pair = zmq_socket(s->context, ZMQ_PAIR);
    if (pair && zmq_setsockopt(pair, ZMQ_RCVHWM, &all, sizeof all) == 0 &&
        zmq_socket_monitor(socket, name, FAILED_HANDSHAKES) == 0 && zmq_connect(pair, name) == 0)
        return pair;
    socket_close(&pair);
    return NULL;
}

static int add_monitor(struct sockets *s, void *socket, struct status *err)
{
    const size_t n = atomic_load(&s->n_monitor);
    if (n == MONITORS)
        return status_set(err, ERR_NO_SPACE, "at most %d sockets with CURVE", MONITORS);
    s->monitor[n] = watch_handshakes(s, socket, n);
    if (!s->monitor[n])
        return status_set(err, ERR_IO, "cannot watch a socket's handshakes: %s",
                          zmq_strerror(errno));
    atomic_store(&s->n_monitor, n + 1);
    return 0;
}

/* False once the context was shut down. */
static bool zap_round(struct sockets *s, struct socket_message *m)
{
    zmq_pollitem_t items[1 + MONITORS] = {{.socket = s->zap, .events = ZMQ_POLLIN}};
    const size_t n = atomic_load(&s->n_monitor);
    for (size_t i = 0; i < n; i++)
        items[1 + i] = (zmq_pollitem_t){.socket = s->monitor[i], .events = ZMQ_POLLIN};
    if (zmq_poll(items, 1 + (int)n, NEW_MONITORS_MS) < 0 && errno == ETERM)
        return false;
    int rc = socket_recv(s->zap, m, 0);
    if (rc == 0)
        zap_answer(s, m);
    for (size_t i = 0; i < n; i++)
        while (socket_recv(s->monitor[i], m, 0) == 0)
            s->refused++;
    return rc != ERR_IO;
}

static void *zap_main(void *context)
{
    struct sockets *s = context;
    struct socket_message m = {0};
    while (zap_round(s, &m))
        ;
    socket_message_clear(&m);
    socket_close(&s->zap);
    for (size_t i = 0; i < atomic_load(&s->n_monitor); i++)
        socket_close(&s->monitor[i]);
    return NULL;
}

static int zap_start(struct sockets *s, struct status *err)
{
    s->zap = zmq_socket(s->context, ZMQ_REP);
    if (!s->zap || zmq_bind(s->zap, ZAP_ENDPOINT) != 0)
        return status_set(err, ERR_IO, "cannot start the ZAP handler: %s", zmq_strerror(errno));
    if (pthread_create(&s->zap_thread, NULL, zap_main, s) != 0)
        return status_set(err, ERR_NO_MEMORY, "cannot start the ZAP handler's thread");
    s->zap_runs = true;
    return 0;
}

/* --- keys ------------------------------------------------------------------------------------- */

static int public_from_hex(const char *hex, uint8_t key[SOCKETS_KEY_BYTES], struct status *err)
{
    size_t n;
    const char *end;
    if (sodium_hex2bin(key, SOCKETS_KEY_BYTES, hex, strlen(hex), NULL, &n, &end) != 0 || *end ||
        n != SOCKETS_KEY_BYTES)
        return status_set(err, ERR_FORMAT, "public key '%.16s...' is not 64 hex digits", hex);
    return 0;
}

static int load_client(struct client *client, const char *text, struct status *err)
{
    const char *space = strchr(text, ' '), *hex = space ? space + 1 : text;
    const size_t n = space ? (size_t)(space - text) : 8;
    if (n == 0 || n >= sizeof client->name)
        return status_set(err, ERR_FORMAT, "client key '%.16s...': a name has 1 to %d characters",
                          text, SOCKETS_NAME_BYTES - 1);
    snprintf(client->name, sizeof client->name, "%.*s", (int)n, text);
    for (const char *c = client->name; *c; c++)
        if (!isalnum((unsigned char)*c) && !strchr("._-@", *c))
            return status_set(
                err, ERR_FORMAT,
                "client key '%.40s': a name is of letters, digits, '.', '_', '-', '@'",
                client->name);
    return public_from_hex(hex, client->key, err);
}

static int load_keys(struct sockets *s, const struct sockets_cfg *cfg, struct status *err)
{
    int rc = 0;
    if (cfg->secret_key_file[0]) {
        rc = key_file_read(cfg->secret_key_file, s->secret, SOCKETS_KEY_BYTES, err);
        if (rc)
            return rc;
        crypto_scalarmult_base(s->public, s->secret);
        s->have_secret = true;
    }
    if (cfg->server_public_key[0]) {
        rc = public_from_hex(cfg->server_public_key, s->server, err);
        if (rc == 0 && !s->have_secret)
            rc = status_set(err, ERR_AUTH,
                            "a server key without a secret key of our own; "
                            "make one with 'mirador keys socket'");
        s->have_server = true;
    }
    assert(cfg->n_client_public_keys <= SOCKETS_MAX_CLIENTS);
    for (size_t i = 0; rc == 0 && i < cfg->n_client_public_keys; i++)
        rc = load_client(&s->clients[s->n_clients++], cfg->client_public_keys[i], err);
    return rc;
}

struct sockets *sockets_create(const struct sockets_cfg *cfg, struct status *err)
{
    if (sodium_init() < 0) {
        status_set(err, ERR_STATE, "libsodium finds no source of randomness");
        return NULL;
    }
    struct sockets *s = calloc(1, sizeof *s);
    if (!s || !(s->context = zmq_ctx_new())) {
        status_set(err, ERR_NO_MEMORY, "no memory for sockets");
        free(s);
        return NULL;
    }
    int rc = cfg ? load_keys(s, cfg, err) : 0;
    if (rc == 0 && s->have_secret)
        rc = zap_start(s, err);
    if (rc)
        sockets_destroy(&s);
    return s;
}

void sockets_destroy(struct sockets **sockets)
{
    struct sockets *s = *sockets;
    if (!s)
        return;
    zmq_ctx_shutdown(s->context);
    if (s->zap_runs)
        pthread_join(s->zap_thread, NULL);
    socket_close(&s->zap);
    zmq_ctx_term(s->context);
    sodium_memzero(s->secret, sizeof s->secret);
    free(s);
    *sockets = NULL;
}

uint64_t sockets_refused(const struct sockets *s)
{
    return s->refused;
}

/* --- sockets ---------------------------------------------------------------------------------- */

static int check_bind(const struct sockets *s, const char *endpoint, struct status *err)
{
    int rc = endpoint_check(endpoint, err);
    if (rc)
        return rc;
    if (!endpoint_is_local(endpoint) && !(s->have_secret && s->n_clients > 0))
        return status_set(
            err, ERR_AUTH,
            "%s reaches beyond this machine and needs keys: configure a secret key and "
            "the clients' public keys, or bind tcp://127.0.0.1 or ipc",
            endpoint);
    if (endpoint_is_served(endpoint))
        return status_set(err, ERR_BUSY,
                          "%s is in use by another program; stop it or choose another endpoint",
                          endpoint);
    return 0;
}

static int set_int(void *socket, int option, int value)
{
    return zmq_setsockopt(socket, option, &value, sizeof value);
}

/* Before it is bound or connected; IPv6 alone, else a bound 127.0.0.1 would read ::ffff:127.0.0.1
 */
static void choose_family(void *socket, const char *endpoint)
{
    const int bad = set_int(socket, ZMQ_IPV6, strchr(endpoint, '[') != NULL);
    assert(bad == 0);
    (void)bad;
}

static void *open_socket(struct sockets *s, int type, struct status *err)
{
    bool telemetry = type == ZMQ_PUB || type == ZMQ_SUB || type == ZMQ_XPUB || type == ZMQ_XSUB;
    int hwm = telemetry ? TELEMETRY_HWM : COMMAND_HWM;
    int64_t largest = MAX_MESSAGE_BYTES;
    void *socket = zmq_socket(s->context, type);
    if (!socket) {
        status_set(err, ERR_IO, "cannot make a socket: %s", zmq_strerror(errno));
        return NULL;
    }
    int bad = set_int(socket, ZMQ_LINGER, type == ZMQ_PUB ? PUB_LINGER_MS : 0) |
              set_int(socket, ZMQ_SNDHWM, hwm) | set_int(socket, ZMQ_RCVHWM, hwm) |
              set_int(socket, ZMQ_RECONNECT_IVL, 20) |
              set_int(socket, ZMQ_RECONNECT_IVL_MAX, 1000) | set_int(socket, ZMQ_TCP_KEEPALIVE, 1) |
              zmq_setsockopt(socket, ZMQ_MAXMSGSIZE, &largest, sizeof largest);
    if (type == ZMQ_ROUTER)
        bad |= set_int(socket, ZMQ_ROUTER_MANDATORY, 1);
    assert(bad == 0); /* options that every libzmq 4.3 knows */
    return socket;
}

/* libzmq copies the keys; its memory is beyond our wiping. */
static int use_curve(struct sockets *s, void *socket, bool server, struct status *err)
{
    int bad = zmq_setsockopt(socket, ZMQ_CURVE_SECRETKEY, s->secret, SOCKETS_KEY_BYTES);
    if (server) {
        bad |= set_int(socket, ZMQ_CURVE_SERVER, 1);
        bad |= zmq_setsockopt(socket, ZMQ_ZAP_DOMAIN, "mirador", 7);
        if (add_monitor(s, socket, err))
            return err->code;
    } else {
        bad |= zmq_setsockopt(socket, ZMQ_CURVE_PUBLICKEY, s->public, SOCKETS_KEY_BYTES);
        bad |= zmq_setsockopt(socket, ZMQ_CURVE_SERVERKEY, s->server, SOCKETS_KEY_BYTES);
    }
    return bad ? status_set(err, ERR_IO, "libzmq refuses CURVE: %s", zmq_strerror(errno)) : 0;
}

static int bind_error(const char *endpoint, struct status *err)
{
    if (errno == EADDRINUSE)
        return status_set(err, ERR_BUSY,
                          "%s is in use by another program; stop it or choose another endpoint",
                          endpoint);
    return status_set(err, ERR_IO,
                      "cannot bind %s: %s; check that the address is this machine's and "
                      "the folder exists",
                      endpoint, zmq_strerror(errno));
}

/* libzmq gives each endpoint the options that hold when it is bound. */
static int bind_one(struct sockets *s, void *socket, const char *endpoint, struct status *err)
{
    const bool curve = s->have_secret && endpoint_is_tcp(endpoint);
    choose_family(socket, endpoint);
    int rc = curve ? use_curve(s, socket, true, err) : OK;
    return rc == OK && zmq_bind(socket, endpoint) != 0 ? bind_error(endpoint, err) : rc;
}

void *sockets_bind(struct sockets *s, int type, const char *endpoint, struct status *err)
{
    if (check_bind(s, endpoint, err))
        return NULL;
    void *socket = open_socket(s, type, err);
    if (socket && bind_one(s, socket, endpoint, err))
        socket_close(&socket);
    return socket;
}

int sockets_bind_too(struct sockets *s, void *socket, const char *endpoint, struct status *err)
{
    int rc = check_bind(s, endpoint, err);
    return rc ? rc : bind_one(s, socket, endpoint, err);
}

void *sockets_connect(struct sockets *s, int type, const char *endpoint, struct status *err)
{
    if (endpoint_check(endpoint, err))
        return NULL;
    void *socket = open_socket(s, type, err);
    if (!socket)
        return NULL;
    choose_family(socket, endpoint);
    int rc = s->have_server && endpoint_is_tcp(endpoint) ? use_curve(s, socket, false, err) : 0;
    if (rc == 0 && zmq_connect(socket, endpoint) != 0)
        rc = status_set(err, ERR_IO, "cannot connect to %s: %s", endpoint, zmq_strerror(errno));
    if (rc)
        socket_close(&socket);
    return socket;
}

void *sockets_subscribe(struct sockets *s, const char *endpoint, const char *const *topics,
                        size_t n, struct status *err)
{
    void *socket = sockets_connect(s, ZMQ_SUB, endpoint, err);
    for (size_t i = 0; socket && i < n; i++)
        if (socket_subscribe(socket, topics[i])) {
            status_set(err, ERR_IO, "cannot subscribe to %s", endpoint);
            socket_close(&socket);
        }
    return socket;
}

int socket_subscribe(void *socket, const char *topic)
{
    return zmq_setsockopt(socket, ZMQ_SUBSCRIBE, topic, strlen(topic)) == 0 ? 0 : ERR_IO;
}

void socket_close(void **socket)
{
    if (*socket)
        zmq_close(*socket);
    *socket = NULL;
}
