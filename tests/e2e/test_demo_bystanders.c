/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Who carries no terminal is never taken for a user, whoever's echo is the stronger: no position
 * lies where a bystander is instead of where its user is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zmq.h>

#include "host/match.h"
#include "tests/e2e/demo_run.h"

#define FAR_OFF_M 0.5 /* nearer to the user than this a position is theirs */

static struct {
    struct match truth; /* of everybody in the room */
    pthread_t thread;
    atomic_bool stop;
} room;

static bool take_truth(void *socket)
{
    char bytes[8192];
    int more = 0;
    size_t size = sizeof more;
    if (zmq_recv(socket, bytes, sizeof bytes, 0) < 0)
        return false;
    const int n = zmq_recv(socket, bytes, sizeof bytes, 0);
    assert_true(n > 0 && n <= (int)sizeof bytes);
    json_t *header = json_loadb(bytes, (size_t)n, 0, NULL);
    match_add_truth(&room.truth, header);
    json_decref(header);
    while (zmq_getsockopt(socket, ZMQ_RCVMORE, &more, &size) == 0 && more)
        (void)zmq_recv(socket, bytes, sizeof bytes, 0);
    return true;
}

/* What the room tells until the run is over and everything is read. */
static void *follow(void *unused)
{
    void *context = zmq_ctx_new(), *socket = zmq_socket(context, ZMQ_SUB);
    const int patience_ms = 20, often_ms = 1, unlimited = 0;
    bool found = false;
    (void)unused;
    zmq_setsockopt(socket, ZMQ_RCVTIMEO, &patience_ms, sizeof patience_ms);
    zmq_setsockopt(socket, ZMQ_RECONNECT_IVL, &often_ms, sizeof often_ms);
    zmq_setsockopt(socket, ZMQ_RCVHWM, &unlimited, sizeof unlimited);
    zmq_setsockopt(socket, ZMQ_SUBSCRIBE, "truth", 5);
    for (bool more = false; more || !atomic_load(&room.stop); more = take_truth(socket)) {
        char endpoint[700];
        const char *folder = found ? "" : demo_folder();
        if (!folder[0])
            continue;
        snprintf(endpoint, sizeof endpoint, "ipc://%s/%s/truth.sock", demo_place(), folder);
        found = zmq_connect(socket, endpoint) == 0;
    }
    zmq_close(socket);
    zmq_ctx_term(context);
    return NULL;
}

static void run(struct demo_run *out, const char *args)
{
    memset(&room.truth, 0, sizeof room.truth);
    atomic_store(&room.stop, false);
    assert_int_equal(pthread_create(&room.thread, NULL, follow, NULL), 0);
    demo_run(out, args);
    atomic_store(&room.stop, true);
    pthread_join(room.thread, NULL);
    if (out->exit_code)
        fail_msg("exit code %d: %s", out->exit_code, out->stderr_text);
    assert_null(strstr(out->stderr_text, "could not be compared"));
}

/* Users come first in a truth, bystanders behind them. Every position has a truth to be compared
 * with. */
static bool is_at_bystander(const struct demo_fix *f, size_t n_user)
{
    const struct truth_sample *who = &room.truth.truths[room.truth.first];
    for (size_t i = n_user; i < who->n_users; i++) {
        double at[3];
        if (match_truth(&room.truth, who->users[i].id, f->time_s, at))
            fail_msg("cycle %lld: nobody told where bystander %d was at %.3f s", f->cycle,
                     who->users[i].id, f->time_s);
        const double away_m = hypot(f->position_m[0] - at[0], f->position_m[1] - at[1]);
        if (f->error_m <= FAR_OFF_M || away_m >= f->error_m)
            continue;
        print_message("cycle %lld: %.2f m from its user, %.2f m from a bystander\n", f->cycle,
                      f->error_m, away_m);
        return true;
    }
    return false;
}

static size_t at_bystanders(const struct demo_run *r, size_t n_user, size_t n_bystander)
{
    size_t n = 0;
    assert_true(room.truth.n > 0);
    assert_int_equal(room.truth.truths[room.truth.first].n_users, n_user + n_bystander);
    for (size_t i = 0; i < r->n_fix; i++)
        n += is_at_bystander(&r->fix[i], n_user);
    print_message("%zu of %zu positions at a bystander's place\n", n, r->n_fix);
    return n;
}

static void among_users_no_bystander_is_placed(void **state)
{
    (void)state;
    for (int seed = 1; seed <= 2; seed++) {
        struct demo_run r;
        char args[200];
        snprintf(args, sizeof args, "--seconds 20 --speed 0 --seed %d --users 3 --bystanders 2",
                 seed);
        run(&r, args);
        assert_true(r.n_fix > 50);
        assert_int_equal(at_bystanders(&r, 3, 2), 0);
        demo_run_free(&r);
    }
}

/* Where they do not walk in one line: by steering the user's own signal gives a direction alone. */
static void by_steering_no_bystander_is_placed(void **state)
{
    (void)state;
    struct demo_run r;
    run(&r, "--seconds 20 --speed 0 --seed 1 --bystanders 1 --set bs.identity.mode=steering");
    assert_true(r.n_fix > 0);
    assert_int_equal(at_bystanders(&r, 1, 1), 0);
    demo_run_free(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(among_users_no_bystander_is_placed),
        cmocka_unit_test(by_steering_no_bystander_is_placed),
    };
    return cmocka_run_group_tests(tests, demo_place_make, demo_place_remove);
}
