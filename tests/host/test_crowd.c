/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The daemon's sockets among bad clients: a hundred at once who talk nonsense, and subscribers that
 * never read. Everyone who asks properly is answered; sending never waits. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
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
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
