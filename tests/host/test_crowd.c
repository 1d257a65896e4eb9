/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The daemon's sockets among bad clients: a hundred at once who talk nonsense, and subscribers that
 * never read. Everyone who asks properly is answered; sending never waits. */
#include <pthread.h>
#include <setjmp.h>
#include <sodium.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>

#include <cmocka.h>
#include <zmq.h>

#include "base/log.h"
#include "base/sockets.h"
#include "base/state_dir.h"
#include "host/control.h"

enum { CLIENTS = 100, MESSAGES = 20000 };

static char folder[128];
static struct status err;

static void health(void *context, struct health *out)
{
    (void)context;
    *out = (struct health){.state = "running"};
}

/* What no client of ours sends; none of it may be answered but the second. */
static void talk_nonsense(void *dealer)
{
    static char large[1 << 16];
    memset(large, '[', sizeof large);
    const struct socket_frame empty = {"", 0}, half = {"{\"cmd\":", 7};
    const struct socket_frame many[] = {half, half, half, half}, deep = {large, sizeof large};
    (void)!socket_send(dealer, many, 4);
    assert_int_equal(socket_send(dealer, &empty, 1), OK);
    assert_int_equal(socket_send(dealer, &deep, 1), OK);
}

/* True once the answer with ok comes; refusals of the nonsense come before. */
static bool is_answered(void *dealer)
{
    static struct socket_message m;
    bool ok = false;
    while (!ok && socket_recv(dealer, &m, 0) == OK)
        ok = m.frames[m.n - 1].n > 11 && memcmp(m.frames[m.n - 1].bytes, "{\"ok\":true,", 11) == 0;
    socket_message_clear(&m);
    return ok;
}

static void a_hundred_clients_who_talk_nonsense(void **state)
{
    (void)state;
    const struct socket_frame question = {"{\"cmd\":\"status\"}", 16};
    const struct control_ops ops = {.health = health};
    static void *dealers[CLIENTS];
    char endpoint[160];
    snprintf(endpoint, sizeof endpoint, "ipc://%s/control.sock", folder);
    struct sockets *s = sockets_create(NULL, &err);
    void *router = sockets_bind(s, ZMQ_ROUTER, endpoint, &err);
    struct control *control = control_create(router, &ops, &err);
    for (size_t i = 0; i < CLIENTS; i++) {
        dealers[i] = sockets_connect(s, ZMQ_DEALER, endpoint, &err);
        assert_non_null(dealers[i]);
        talk_nonsense(dealers[i]);
        assert_int_equal(socket_send(dealers[i], &question, 1), OK);
    }
    size_t answered = 0;
    bool done[CLIENTS] = {false};
    for (int round = 0; round < 1000 && answered < CLIENTS; round++) {
        control_serve(control);
        for (size_t i = 0; i < CLIENTS; i++)
            if (!done[i] && (done[i] = is_answered(dealers[i])))
                answered++;
        nanosleep(&(struct timespec){0, 5000000}, NULL);
    }
    assert_int_equal(answered, CLIENTS);
    for (size_t i = 0; i < CLIENTS; i++)
        socket_close(&dealers[i]);
    control_destroy(&control);
    socket_close(&router);
    sockets_destroy(&s);
}

/* A PUB drops for whom it is too much: no send fails, and one who reads gets what follows. */
static void a_subscriber_that_never_reads_holds_up_nobody(void **state)
{
    (void)state;
    static char body[2048];
    char endpoint[160];
    snprintf(endpoint, sizeof endpoint, "ipc://%s/telemetry.sock", folder);
    struct sockets *s = sockets_create(NULL, &err);
    void *pub = sockets_bind(s, ZMQ_PUB, endpoint, &err);
    void *asleep = sockets_connect(s, ZMQ_SUB, endpoint, &err);
    void *reader = sockets_connect(s, ZMQ_SUB, endpoint, &err);
    assert_int_equal(socket_subscribe(asleep, "fix"), OK);
    assert_int_equal(socket_subscribe(reader, "last"), OK);
    static struct socket_message m;
    const struct socket_frame fix[] = {{"fix", 3}, {body, sizeof body}};
    const struct socket_frame last[] = {{"last", 4}, {"1", 1}};
    bool heard = false;
    for (int i = 0; i < MESSAGES; i++)
        assert_int_equal(socket_send(pub, fix, 2), OK);
    for (int i = 0; i < 200 && !heard; i++) {
        assert_int_equal(socket_send(pub, last, 2), OK);
        heard = socket_recv(reader, &m, 50) == OK;
    }
    assert_true(heard);
    socket_message_clear(&m);
    socket_close(&asleep);
    socket_close(&reader);
    socket_close(&pub);
    sockets_destroy(&s);
}

/* --- the command line, from beyond this machine ----------------------------------------------- */

static struct {
    void *router, *pub;
    struct control *control;
    atomic_bool stop;
} served;

static void *serve(void *unused)
{
    static const char header[] =
        "{\"v\":1,\"type\":\"cycle\",\"cycle\":7,\"time_s\":1,\"response\":"
        "\"silent\",\"outcome\":\"not_asked\",\"faults\":[]}";
    const struct socket_frame cycle[] = {{"cycle", 5}, {header, sizeof header - 1}};
    (void)unused;
    while (!atomic_load(&served.stop)) {
        control_serve(served.control);
        (void)!socket_send(served.pub, cycle, 2);
        nanosleep(&(struct timespec){0, 10000000}, NULL);
    }
    return NULL;
}

static void make_key(const char *name, char file[200], char hex[65])
{
    uint8_t secret[32], public[32];
    randombytes_buf(secret, sizeof secret);
    crypto_scalarmult_base(public, secret);
    snprintf(file, 200, "%s/%s.key", folder, name);
    assert_int_equal(key_file_write(file, secret, sizeof secret, &err), OK);
    sodium_bin2hex(hex, 65, public, sizeof public);
}

enum { KILLED = 128 + SIGKILL, IN_VAIN_S = 4, PATIENCE_S = 60 };

/* Exit code of mirador, KILLED if it waited in vain for so long. Not ended by a signal that it
 * obeys: the leak checker at its end and the SIGCONT that timeout sends along can stop it for good.
 */
static int mirador(int limit_s, const char *what, const char *endpoint, const char *keys)
{
    char command[900];
    snprintf(command, sizeof command,
             "timeout -s KILL %d " MIRADOR_BIN_DIR "/mirador %s -e %s %s >%s/out 2>&1", limit_s,
             what, endpoint, keys, folder);
    int status = system(command);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static uint64_t refused_more(const struct sockets *s, uint64_t before)
{
    for (int i = 0; i < 300 && sockets_refused(s) <= before; i++)
        nanosleep(&(struct timespec){0, 10000000}, NULL);
    assert_true(sockets_refused(s) > before);
    return sockets_refused(s);
}

static void *bind_free(struct sockets *s, int type, char endpoint[64])
{
    size_t n = 64;
    void *socket = sockets_bind(s, type, "tcp://127.0.0.1:*", &err);
    if (!socket)
        fail_msg("%s", err.text);
    assert_int_equal(zmq_getsockopt(socket, ZMQ_LAST_ENDPOINT, endpoint, &n), 0);
    return socket;
}

static void status_and_watch_need_the_right_key(void **state)
{
    (void)state;
    char own[200], known[200], stranger[200], public[65], known_public[65], unused[65];
    char control_at[64], telemetry_at[64], keys[400];
    struct sockets_cfg cfg = {.n_client_public_keys = 1};
    const struct control_ops ops = {.health = health};
    pthread_t thread;
    make_key("daemon", own, public);
    make_key("known", known, known_public);
    make_key("stranger", stranger, unused);
    snprintf(cfg.secret_key_file, sizeof cfg.secret_key_file, "%s", own);
    snprintf(cfg.client_public_keys[0], sizeof cfg.client_public_keys[0], "%s", known_public);
    struct sockets *s = sockets_create(&cfg, &err);
    served.router = bind_free(s, ZMQ_ROUTER, control_at);
    served.pub = bind_free(s, ZMQ_PUB, telemetry_at);
    served.control = control_create(served.router, &ops, &err);
    assert_int_equal(pthread_create(&thread, NULL, serve, NULL), 0);

    snprintf(keys, sizeof keys, "--secret-key %s --server-key %s", known, public);
    assert_int_equal(mirador(PATIENCE_S, "status", control_at, keys), 0);
    assert_int_equal(mirador(PATIENCE_S, "watch --cycles 2", telemetry_at, keys), 0);
    uint64_t n = sockets_refused(s);
    assert_int_equal(n, 0);
    snprintf(keys, sizeof keys, "--secret-key %s --server-key %s", stranger, public);
    assert_int_equal(mirador(PATIENCE_S, "status", control_at, keys),
                     1); /* a key that nobody knows */
    n = refused_more(s, n);
    assert_int_equal(mirador(IN_VAIN_S, "watch --cycles 2", telemetry_at, keys), KILLED);
    n = refused_more(s, n);
    assert_int_equal(mirador(PATIENCE_S, "status", control_at, ""), 1); /* no key */
    n = refused_more(s, n);
    assert_int_equal(mirador(IN_VAIN_S, "watch --cycles 2", telemetry_at, ""), KILLED);
    n = refused_more(s, n);
    snprintf(keys, sizeof keys, "--secret-key %s --server-key %s", known, known_public);
    assert_int_equal(mirador(PATIENCE_S, "status", control_at, keys), 1); /* another server's */
    (void)refused_more(s, n);
    snprintf(keys, sizeof keys, "--server-key %s", public);
    assert_int_equal(mirador(PATIENCE_S, "status", control_at, keys),
                     2); /* said before anything is sent */

    atomic_store(&served.stop, true);
    pthread_join(thread, NULL);
    control_destroy(&served.control);
    socket_close(&served.router);
    socket_close(&served.pub);
    sockets_destroy(&s);
}

static int setup(void **state)
{
    (void)state;
    log_open("test", LOG_LEVEL_ERROR);
    return state_dir_create("mirador-crowd", folder, sizeof folder, &err);
}

static int teardown(void **state)
{
    (void)state;
    return state_dir_remove(folder, &err);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_hundred_clients_who_talk_nonsense),
        cmocka_unit_test(a_subscriber_that_never_reads_holds_up_nobody),
        cmocka_unit_test(status_and_watch_need_the_right_key),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
