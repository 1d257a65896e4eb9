/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Who may bind and connect where, and what messages look like at the other end. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>
#include <sodium.h>
#include <zmq.h>

#include "base/sockets.h"
#include "base/state_dir.h"

static char folder[128];
static struct status err;

/* A key pair as files and text, as `mirador keys` makes them. */
struct identity {
    char secret_file[200];
    char public_hex[72];
};

static void make_identity(const char *name, struct identity *id)
{
    uint8_t secret[32], public[32];
    randombytes_buf(secret, sizeof secret);
    crypto_scalarmult_base(public, secret);
    sodium_bin2hex(id->public_hex, sizeof id->public_hex, public, sizeof public);
    snprintf(id->secret_file, sizeof id->secret_file, "%s/%s.key", folder, name);
    unlink(id->secret_file);
    assert_int_equal(key_file_write(id->secret_file, secret, sizeof secret, &err), 0);
}

static struct sockets *server_with(const struct identity *self, const char *client)
{
    static struct sockets_cfg cfg;
    memset(&cfg, 0, sizeof cfg);
    strcpy(cfg.secret_key_file, self->secret_file);
    if (client) {
        strcpy(cfg.client_public_keys[0], client);
        cfg.n_client_public_keys = 1;
    }
    struct sockets *s = sockets_create(&cfg, &err);
    assert_non_null(s);
    return s;
}

static struct sockets *client_with(const struct identity *self, const struct identity *server)
{
    static struct sockets_cfg cfg;
    memset(&cfg, 0, sizeof cfg);
    strcpy(cfg.secret_key_file, self->secret_file);
    strcpy(cfg.server_public_key, server->public_hex);
    struct sockets *s = sockets_create(&cfg, &err);
    assert_non_null(s);
    return s;
}

/* Binds a free loopback port and tells it. */
static void *bind_free(struct sockets *s, int type, char endpoint[64])
{
    size_t n = 64;
    void *socket = sockets_bind(s, type, "tcp://127.0.0.1:*", &err);
    assert_non_null(socket);
    assert_int_equal(zmq_getsockopt(socket, ZMQ_LAST_ENDPOINT, endpoint, &n), 0);
    return socket;
}

static const char *proven; /* the sender's name as the server must know it; NULL: without a key */

/* One command from client to server; the code of the server's recv. */
static int talk(void *router, void *dealer, int timeout_ms)
{
    static struct socket_message m;
    const struct socket_frame frames[] = {{"hello", 5}, {"", 0}, {"\0\1", 2}};
    assert_int_equal(socket_send(dealer, frames, 3), 0);
    int rc = socket_recv(router, &m, timeout_ms);
    if (rc == 0) {
        assert_int_equal(m.n, 4); /* the peer's identity comes first */
        assert_true(socket_frame_is(&m.frames[1], "hello"));
        assert_false(socket_frame_is(&m.frames[1], "hell"));
        assert_true(m.frames[2].n == 0 && m.frames[3].n == 2);
        const char *sender = socket_message_sender(&m);
        assert_true(proven ? sender && strcmp(sender, proven) == 0 : !sender);
        assert_memory_equal(m.frames[3].bytes, "\0\1", 2);
        const struct socket_frame reply[] = {m.frames[0], {"yes", 3}};
        assert_int_equal(socket_send(router, reply, 2), 0);
        assert_int_equal(socket_recv(dealer, &m, 5000), 0);
        assert_true(m.n == 1 && socket_frame_is(&m.frames[0], "yes"));
    }
    socket_message_clear(&m);
    return rc;
}

static int setup(void **state)
{
    (void)state;
    return state_dir_create("mirador-test", folder, sizeof folder, &err) || sodium_init() < 0;
}

static int teardown(void **state)
{
    (void)state;
    return state_dir_remove(folder, &err);
}

static void talks_over_ipc(void **state)
{
    (void)state;
    char endpoint[160];
    snprintf(endpoint, sizeof endpoint, "ipc://%s/a.sock", folder);
    struct sockets *s = sockets_create(NULL, &err);
    void *router = sockets_bind(s, ZMQ_ROUTER, endpoint, &err);
    void *dealer = sockets_connect(s, ZMQ_DEALER, endpoint, &err);
    assert_non_null(router);
    assert_int_equal(talk(router, dealer, 5000), 0);
    struct socket_message m = {0};
    assert_int_equal(socket_recv(router, &m, 10), ERR_TIMEOUT);
    const struct socket_frame nobody[] = {{"nobody", 6}, {"x", 1}};
    assert_int_equal(socket_send(router, nobody, 2), ERR_NOT_FOUND);
    socket_close(&dealer);
    assert_null(dealer);
    socket_close(&dealer); /* twice is fine */
    socket_close(&router);
    sockets_destroy(&s);
    assert_null(s);
    sockets_destroy(&s);
}

static void drops_messages_of_too_many_frames(void **state)
{
    (void)state;
    struct sockets *s = sockets_create(NULL, &err);
    void *pull = sockets_bind(s, ZMQ_PULL, "inproc://many", &err);
    void *push = sockets_connect(s, ZMQ_PUSH, "inproc://many", &err);
    struct socket_frame frames[SOCKET_MAX_FRAMES + 3];
    for (size_t i = 0; i < SOCKET_MAX_FRAMES + 3; i++)
        frames[i] = (struct socket_frame){"abcdefgh", 1 + i % 8};
    struct socket_message m = {0};
    assert_int_equal(socket_send(push, frames, SOCKET_MAX_FRAMES + 3), 0);
    assert_int_equal(socket_send(push, frames, SOCKET_MAX_FRAMES), 0);
    assert_int_equal(socket_recv(pull, &m, 1000), ERR_FORMAT);
    assert_int_equal(m.n, 0);
    assert_int_equal(socket_recv(pull, &m, 1000), 0);
    assert_int_equal(m.n, SOCKET_MAX_FRAMES);
    socket_message_clear(&m);
    socket_close(&push);
    socket_close(&pull);
    sockets_destroy(&s);
}

static void says_when_the_queue_is_full(void **state)
{
    (void)state;
    struct sockets *s = sockets_create(NULL, &err);
    void *push = sockets_connect(s, ZMQ_DEALER, "ipc:///nowhere/at/all.sock", &err);
    const struct socket_frame one = {"x", 1};
    int rc = 0, sent = 0;
    while (sent < 100000 && (rc = socket_send(push, &one, 1)) == 0)
        sent++;
    assert_int_equal(rc, ERR_BUSY);
    socket_close(&push);
    sockets_destroy(&s); /* linger 0: does not wait for the unsent */
}

static void refuses_an_occupied_endpoint(void **state)
{
    (void)state;
    char endpoint[160];
    struct sockets *a = sockets_create(NULL, &err), *b = sockets_create(NULL, &err);
    void *first = bind_free(a, ZMQ_REP, endpoint);
    err.text[0] = 0;
    assert_null(sockets_bind(b, ZMQ_REP, endpoint, &err));
    assert_int_equal(err.code, ERR_BUSY);
    assert_non_null(strstr(err.text, "in use by another program; stop it or choose another"));
    socket_close(&first);

    char here[512];
    assert_non_null(getcwd(here, sizeof here));
    assert_int_equal(chdir(folder), 0);
    first = sockets_bind(a, ZMQ_REP, "ipc://near.sock", &err); /* a relative path is one too */
    assert_non_null(first);
    assert_null(sockets_bind(b, ZMQ_REP, "ipc://near.sock", &err));
    assert_int_equal(err.code, ERR_BUSY);
    socket_close(&first);
    assert_int_equal(chdir(here), 0);

    snprintf(endpoint, sizeof endpoint, "ipc://%s/busy.sock", folder);
    first = sockets_bind(a, ZMQ_REP, endpoint, &err);
    assert_non_null(first);
    assert_null(sockets_bind(b, ZMQ_REP, endpoint, &err));
    assert_int_equal(err.code, ERR_BUSY);
    socket_close(&first);
    sockets_destroy(&a);
    struct sockaddr_un dead = {.sun_family = AF_UNIX}; /* its owner died: the path is taken over */
    snprintf(endpoint, sizeof endpoint, "ipc://%s/dead.sock", folder);
    snprintf(dead.sun_path, sizeof dead.sun_path, "%.100s", endpoint + 6);
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&dead, sizeof dead), 0);
    close(fd);
    void *second = sockets_bind(b, ZMQ_REP, endpoint, &err);
    assert_non_null(second);
    socket_close(&second);
    sockets_destroy(&b);
}

static void refuses_public_addresses_without_keys(void **state)
{
    (void)state;
    static const char *const public[] = {"tcp://*:5599",           "tcp://0.0.0.0:5599",
                                         "tcp://192.168.1.1:5599", "tcp://eth0:5599",
                                         "tcp://[::]:5599",        "tcp://128.0.0.1:5599"};
    struct identity self;
    make_identity("lonely", &self);
    struct sockets *none = sockets_create(NULL, &err), *no_client = server_with(&self, NULL);
    for (size_t i = 0; i < sizeof public / sizeof *public; i++) {
        assert_false(endpoint_is_local(public[i]));
        assert_null(sockets_bind(none, ZMQ_PUB, public[i], &err));
        assert_int_equal(err.code, ERR_AUTH);
        assert_non_null(strstr(err.text, "needs keys"));
        assert_null(sockets_bind(no_client, ZMQ_PUB, public[i], &err));
        assert_int_equal(err.code, ERR_AUTH);
    }
    assert_true(endpoint_is_local("tcp://127.0.0.1:1") && endpoint_is_local("tcp://127.1.2.3:1"));
    assert_true(endpoint_is_local("tcp://localhost:1") && endpoint_is_local("tcp://[::1]:1"));
    assert_true(endpoint_is_local("ipc:///tmp/x") && endpoint_is_local("inproc://x"));
    assert_false(endpoint_is_local("tcp://127.evil.org:1") || endpoint_is_local("tcp://localhost"));
    assert_null(sockets_bind(none, ZMQ_PUB, "udp://127.0.0.1:1", &err));
    assert_int_equal(err.code, ERR_ARG);
    assert_null(sockets_connect(none, ZMQ_SUB, "nonsense", &err));
    assert_int_equal(err.code, ERR_ARG);
    assert_null(sockets_bind(none, ZMQ_PUB, "tcp://127.0.0.1:99999", &err));
    assert_int_equal(err.code, ERR_ARG);
    assert_null(sockets_bind(none, ZMQ_PUB, "tcp://127.0.0.1", &err));
    assert_int_equal(err.code, ERR_ARG);
    assert_null(sockets_bind(none, ZMQ_PUB, "ipc:///nowhere/x.sock", &err));
    assert_int_equal(err.code, ERR_IO);
    sockets_destroy(&none);
    sockets_destroy(&no_client);
}

static void binds_publicly_with_keys(void **state)
{
    (void)state;
    struct identity self, client;
    make_identity("public", &self);
    make_identity("friend", &client);
    struct sockets *s = server_with(&self, client.public_hex);
    void *socket = sockets_bind(s, ZMQ_PUB, "tcp://0.0.0.0:*", &err);
    assert_non_null(socket);
    socket_close(&socket);
    sockets_destroy(&s);
}

static uint64_t refused_after(const struct sockets *s, uint64_t wanted)
{
    for (int i = 0; i < (wanted == UINT64_MAX ? 50 : 300) && sockets_refused(s) < wanted; i++)
        nanosleep(&(struct timespec){0, 10000000}, NULL);
    return sockets_refused(s);
}

static void lets_in_only_known_keys(void **state)
{
    (void)state;
    char endpoint[64], named[SOCKETS_KEY_TEXT];
    struct identity server, friend, stranger;
    make_identity("server", &server);
    make_identity("known", &friend);
    make_identity("stranger", &stranger);
    snprintf(named, sizeof named, "alice %s", friend.public_hex);
    struct sockets *s = server_with(&server, named);
    struct sockets *good = client_with(&friend, &server), *bad = client_with(&stranger, &server);
    struct sockets *plain = sockets_create(NULL, &err), *fooled = client_with(&friend, &stranger);
    void *router = bind_free(s, ZMQ_ROUTER, endpoint);

    void *dealer = sockets_connect(bad, ZMQ_DEALER, endpoint, &err);
    assert_int_equal(talk(router, dealer, 500), ERR_TIMEOUT); /* a key the server does not know */
    assert_true(refused_after(s, 1) >= 1);
    socket_close(&dealer);

    uint64_t before = refused_after(s, UINT64_MAX);
    dealer = sockets_connect(plain, ZMQ_DEALER, endpoint, &err);
    assert_int_equal(talk(router, dealer, 500), ERR_TIMEOUT); /* no CURVE at all */
    assert_true(refused_after(s, before + 1) > before);
    socket_close(&dealer);

    before = refused_after(s, UINT64_MAX);
    dealer = sockets_connect(fooled, ZMQ_DEALER, endpoint, &err);
    assert_int_equal(talk(router, dealer, 500), ERR_TIMEOUT); /* another server's key */
    assert_true(refused_after(s, before + 1) > before);
    socket_close(&dealer);

    dealer = sockets_connect(good, ZMQ_DEALER, endpoint, &err);
    proven = "alice";
    assert_int_equal(talk(router, dealer, 5000), 0);
    proven = NULL;
    socket_close(&dealer);
    socket_close(&router);
    sockets_destroy(&s);
    sockets_destroy(&good);
    sockets_destroy(&bad);
    sockets_destroy(&plain);
    sockets_destroy(&fooled);
}

/* The page on this machine, and somebody elsewhere: only the latter needs a key. */
static void one_socket_serves_here_without_keys_and_beyond_with(void **state)
{
    (void)state;
    struct identity server, friend;
    char here[160], beyond[64], named[SOCKETS_KEY_TEXT];
    size_t n = sizeof beyond;
    make_identity("both-server", &server);
    make_identity("both-friend", &friend);
    snprintf(named, sizeof named, "bob %s", friend.public_hex);
    snprintf(here, sizeof here, "ipc://%s/both.sock", folder);
    struct sockets *s = server_with(&server, named), *plain = sockets_create(NULL, &err),
                   *good = client_with(&friend, &server);
    void *router = sockets_bind(s, ZMQ_ROUTER, here, &err);
    assert_non_null(router);
    assert_int_equal(sockets_bind_too(s, router, "tcp://127.0.0.1:*", &err), OK);
    assert_int_equal(zmq_getsockopt(router, ZMQ_LAST_ENDPOINT, beyond, &n), 0);
    void *dealer = sockets_connect(plain, ZMQ_DEALER, here, &err);
    assert_int_equal(talk(router, dealer, 5000), 0);
    socket_close(&dealer);
    dealer = sockets_connect(plain, ZMQ_DEALER, beyond, &err);
    assert_int_equal(talk(router, dealer, 500), ERR_TIMEOUT);
    assert_true(refused_after(s, 1) >= 1);
    socket_close(&dealer);
    dealer = sockets_connect(good, ZMQ_DEALER, beyond, &err);
    proven = "bob";
    assert_int_equal(talk(router, dealer, 5000), 0);
    proven = NULL;
    socket_close(&dealer);
    dealer = sockets_connect(plain, ZMQ_DEALER, here, &err); /* and still without here */
    assert_int_equal(talk(router, dealer, 5000), 0);
    socket_close(&dealer);
    socket_close(&router);
    router = sockets_bind(plain, ZMQ_ROUTER, here, &err);
    assert_int_equal(sockets_bind_too(plain, router, "tcp://0.0.0.0:*", &err), ERR_AUTH);
    socket_close(&router);
    sockets_destroy(&s);
    sockets_destroy(&plain);
    sockets_destroy(&good);
}

static void refuses_bad_key_configurations(void **state)
{
    (void)state;
    static struct sockets_cfg cfg;
    struct identity self;
    make_identity("self", &self);
    memset(&cfg, 0, sizeof cfg);
    strcpy(cfg.server_public_key, self.public_hex);
    assert_null(sockets_create(&cfg, &err)); /* no secret of our own */
    assert_int_equal(err.code, ERR_AUTH);
    strcpy(cfg.secret_key_file, "/nowhere/key");
    assert_null(sockets_create(&cfg, &err));
    assert_int_equal(err.code, ERR_IO);
    strcpy(cfg.secret_key_file, self.secret_file);
    cfg.server_public_key[10] = 'x';
    assert_null(sockets_create(&cfg, &err));
    assert_int_equal(err.code, ERR_FORMAT);
    cfg.server_public_key[10] = 0;
    assert_null(sockets_create(&cfg, &err));
    assert_int_equal(err.code, ERR_FORMAT);
    cfg.server_public_key[0] = 0;
    cfg.n_client_public_keys = 1;
    const char *const bad[] = {" ", "bob", "bob smith ", "a,b ", "bob  "};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        snprintf(cfg.client_public_keys[0], SOCKETS_KEY_TEXT, "%s%s", bad[i],
                 i == 1 ? "" : self.public_hex);
        assert_null(sockets_create(&cfg, &err));
        assert_int_equal(err.code, ERR_FORMAT);
    }
}

static void subscribers_get_their_topics(void **state)
{
    (void)state;
    struct sockets *s = sockets_create(NULL, &err);
    void *pub = sockets_bind(s, ZMQ_PUB, "inproc://telemetry", &err);
    void *sub = sockets_connect(s, ZMQ_SUB, "inproc://telemetry", &err);
    assert_int_equal(socket_subscribe(sub, "fix"), 0);
    assert_int_equal(socket_subscribe(pub, "fix"), ERR_IO);
    struct socket_message m = {0};
    assert_int_equal(socket_recv(sub, &m, 50), ERR_TIMEOUT); /* the subscription travels */
    const struct socket_frame other[] = {{"health", 6}, {"{}", 2}},
                              fix[] = {{"fix", 3}, {"{1}", 3}};
    assert_int_equal(socket_send(pub, other, 2), 0);
    assert_int_equal(socket_send(pub, fix, 2), 0);
    assert_int_equal(socket_recv(sub, &m, 2000), 0);
    assert_true(m.n == 2 && socket_frame_is(&m.frames[0], "fix"));
    socket_message_clear(&m);
    socket_close(&sub);
    socket_close(&pub);
    sockets_destroy(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(talks_over_ipc),
        cmocka_unit_test(drops_messages_of_too_many_frames),
        cmocka_unit_test(says_when_the_queue_is_full),
        cmocka_unit_test(refuses_an_occupied_endpoint),
        cmocka_unit_test(refuses_public_addresses_without_keys),
        cmocka_unit_test(binds_publicly_with_keys),
        cmocka_unit_test(lets_in_only_known_keys),
        cmocka_unit_test(one_socket_serves_here_without_keys_and_beyond_with),
        cmocka_unit_test(refuses_bad_key_configurations),
        cmocka_unit_test(subscribers_get_their_topics),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
