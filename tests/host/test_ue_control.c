/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The user's will: commands on the terminal's socket, what the radio's thread is told, and what a
 * restart remembers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>
#include <jansson.h>
#include <pthread.h>
#include <stdatomic.h>
#include <zmq.h>

#include "base/sockets.h"
#include "base/state_dir.h"
#include "host/ue/ue_control.h"

enum { USER = 1001 };

static char folder[256];
static struct status err;

static struct permission opened(bool given)
{
    struct permission p;
    assert_int_equal(permission_open(&p, folder, USER, given, &err), OK);
    return p;
}

static json_t *ask(struct permission *p, const char *text)
{
    static char answer[65536];
    ue_control_execute(USER, p, text, strlen(text), answer, sizeof answer);
    json_t *o = json_loads(answer, 0, NULL);
    assert_true(json_is_object(o));
    return o;
}

static void assert_answer(struct permission *p, const char *text, const char *will, int noes,
                          int last)
{
    json_t *o = ask(p, text);
    assert_true(json_is_true(json_object_get(o, "ok")));
    assert_int_equal(json_integer_value(json_object_get(o, "user")), USER);
    assert_string_equal(json_string_value(json_object_get(o, "answer")), will);
    assert_int_equal(json_integer_value(json_object_get(o, "noes")), noes);
    assert_int_equal(json_integer_value(json_object_get(o, "last_cycle")), last);
    json_decref(o);
}

static void from_yes_to_silence_and_back(void **state)
{
    (void)state;
    struct permission p = opened(true);
    assert_int_equal(permission_asked(&p, 7), PERMISSION_YES);
    assert_answer(&p, "{\"cmd\":\"status\"}", "yes", 0, 7);
    assert_answer(&p, "{\"cmd\":\"withdraw\"}", "no", 3, 7);
    for (uint64_t cycle = 8; cycle < 11; cycle++) {
        assert_int_equal(permission_asked(&p, cycle), PERMISSION_NO);
        permission_said_no(&p);
    }
    assert_int_equal(permission_asked(&p, 11), PERMISSION_SILENCE);
    permission_said_no(&p);
    assert_answer(&p, "{\"cmd\":\"withdraw\"}", "silence", 0, 11); /* it was already */
    assert_answer(&p, "{\"cmd\":\"permit\"}", "yes", 0, 11);
    assert_int_equal(permission_asked(&p, 12), PERMISSION_YES);
}

/* What was not sent does not count as said. */
static void a_no_that_was_not_sent_is_said_again(void **state)
{
    (void)state;
    struct permission p = opened(true);
    assert_int_equal(permission_withdraw(&p, &err), OK);
    for (int i = 0; i < 10; i++)
        assert_int_equal(permission_asked(&p, 1), PERMISSION_NO);
    assert_answer(&p, "{\"cmd\":\"permit\"}", "yes", 0, 1);
}

static void a_restart_remembers_a_withdrawal(void **state)
{
    (void)state;
    struct permission p = opened(true);
    assert_int_equal(permission_withdraw(&p, &err), OK);
    p = opened(true);
    assert_answer(&p, "{\"cmd\":\"status\"}", "no", 3, 0);
    assert_int_equal(permission_give(&p, &err), OK);
    p = opened(true);
    assert_answer(&p, "{\"cmd\":\"status\"}", "yes", 0, 0);
    /* What the configuration does not give is given until the end. */
    p = opened(false);
    assert_answer(&p, "{\"cmd\":\"status\"}", "silence", 0, 0);
    assert_answer(&p, "{\"cmd\":\"permit\"}", "yes", 0, 0);
    p = opened(false);
    assert_answer(&p, "{\"cmd\":\"status\"}", "silence", 0, 0);
}

/* A withdrawal holds even when the disk does not take it, and says so. */
static void a_disk_that_refuses(void **state)
{
    (void)state;
    char away[300];
    struct permission p = opened(true);
    snprintf(away, sizeof away, "%s/gone", folder);
    snprintf(p.path, sizeof p.path, "%.200s/gone/ue.withdrawn", folder);
    json_t *o = ask(&p, "{\"cmd\":\"withdraw\"}");
    assert_true(json_is_false(json_object_get(o, "ok")));
    assert_non_null(strstr(json_string_value(json_object_get(o, "error")), "until this terminal"));
    assert_non_null(strstr(json_string_value(json_object_get(o, "error")), away));
    json_decref(o);
    assert_int_equal(permission_asked(&p, 1), PERMISSION_NO);
    assert_int_equal(mkdir(away, 0700) | mkdir(p.path, 0700), 0); /* cannot be removed as a file */
    assert_int_equal(permission_give(&p, &err), ERR_IO);
    assert_non_null(strstr(err.text, "still withdrawn"));
    assert_int_equal(permission_asked(&p, 2), PERMISSION_NO);
    assert_int_equal(rmdir(p.path) | rmdir(away), 0);
}

/* --- orders and the radio's thread ----------------------------------------------------------- */

/* Between two cycles, nothing is asked. */
static void of_several_orders_the_last_counts(void **state)
{
    (void)state;
    static const char *const order[] = {"{\"cmd\":\"permit\"}", "{\"cmd\":\"withdraw\"}"};
    struct permission p = opened(true);
    for (unsigned orders = 0; orders < 16; orders++) { /* each sequence of four */
        for (int i = 0; i < 4; i++)
            json_decref(ask(&p, order[orders >> i & 1]));
        const bool withdrawn = orders >> 3 & 1;
        assert_int_equal(permission_asked(&p, orders + 1),
                         withdrawn ? PERMISSION_NO : PERMISSION_YES);
        struct permission again = opened(true); /* and after a restart */
        assert_int_equal(permission_asked(&again, orders + 1),
                         withdrawn ? PERMISSION_NO : PERMISSION_YES);
    }
}

struct radio {
    struct permission *permission;
    atomic_bool stop;
    _Atomic uint64_t said_yes; /* last cycle with a yes */
};

static void *ask_on(void *context)
{
    struct radio *r = context;
    for (uint64_t cycle = 1; !atomic_load(&r->stop); cycle++) {
        const enum permission_answer answer = permission_asked(r->permission, cycle);
        if (answer == PERMISSION_YES)
            atomic_store(&r->said_yes, cycle);
        else if (answer == PERMISSION_NO)
            permission_said_no(r->permission);
    }
    return NULL;
}

/* What is said of an order holds for every later cycle until the next order, however the two
 * threads meet. */
static void no_cycle_after_a_withdrawal_gets_a_yes(void **state)
{
    enum { ORDERS = 300 };
    (void)state;
    struct permission p = opened(true);
    struct radio radio = {.permission = &p};
    struct permission_state told;
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, ask_on, &radio), 0);
    for (int i = 0; i < ORDERS; i++) {
        assert_int_equal(permission_withdraw(&p, &err), OK);
        permission_read(&p, &told);
        assert_int_equal(told.withdrawals, i + 1);
        assert_int_not_equal(told.answer, PERMISSION_YES);
        struct permission_state later = told;
        while (later.cycle < told.cycle + 2)
            permission_read(&p, &later);
        assert_true(atomic_load(&radio.said_yes) <= told.cycle);
        assert_int_equal(permission_give(&p, &err), OK);
        permission_read(&p, &told);
        assert_int_equal(told.answer, PERMISSION_YES);
    }
    atomic_store(&radio.stop, true);
    pthread_join(thread, NULL);
}

static void nonsense_is_refused_with_a_reason(void **state)
{
    (void)state;
    static const char *const said[][2] = {
        {"", "not a JSON object"},
        {"[1]", "not a JSON object"},
        {"{}", "no \"cmd\""},
        {"{\"cmd\":3}", "no \"cmd\""},
        {"{\"cmd\":\"shutdown\"}", "unknown command 'shutdown': status, permit, withdraw"},
    };
    struct permission p = opened(true);
    for (size_t i = 0; i < sizeof said / sizeof *said; i++) {
        json_t *o = ask(&p, said[i][0]);
        assert_true(json_is_false(json_object_get(o, "ok")));
        assert_non_null(strstr(json_string_value(json_object_get(o, "error")), said[i][1]));
        json_decref(o);
    }
    assert_answer(&p, "{\"cmd\":\"status\"}", "yes", 0, 0);
}

static void over_its_socket_from_another_thread(void **state)
{
    (void)state;
    static struct socket_message m;
    char endpoint[300];
    struct permission p = opened(true);
    snprintf(endpoint, sizeof endpoint, "ipc://%s/ue-control.sock", folder);
    struct ue_control *control = ue_control_create(endpoint, USER, &p, &err);
    assert_non_null(control);
    assert_null(ue_control_create(endpoint, USER, &p, &err)); /* one terminal, one endpoint */
    assert_int_equal(err.code, ERR_BUSY);
    struct sockets *s = sockets_create(NULL, &err);
    void *dealer = sockets_connect(s, ZMQ_DEALER, endpoint, &err);
    static const char order[] = "{\"cmd\":\"withdraw\",\"seq\":5,\"who\":\"a test\"}";
    assert_int_equal(socket_send(dealer, &(struct socket_frame){order, sizeof order - 1}, 1), OK);
    assert_int_equal(socket_recv(dealer, &m, 10000), OK);
    json_t *o = json_loadb(m.frames[0].bytes, m.frames[0].n, 0, NULL);
    assert_true(json_is_true(json_object_get(o, "ok")));
    assert_int_equal(json_integer_value(json_object_get(o, "seq")), 5);
    assert_string_equal(json_string_value(json_object_get(o, "answer")), "no");
    json_decref(o);
    assert_int_equal(permission_asked(&p, 1), PERMISSION_NO);
    assert_int_equal(permission_give(&p, &err), OK);
    socket_message_clear(&m);
    socket_close(&dealer);
    sockets_destroy(&s);
    ue_control_destroy(&control);
    ue_control_destroy(&control);
}

static int make_folder(void **state)
{
    (void)state;
    return state_dir_create("mirador-test", folder, sizeof folder, &err);
}

static int remove_folder(void **state)
{
    (void)state;
    return state_dir_remove(folder, &err);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(from_yes_to_silence_and_back),
        cmocka_unit_test(a_no_that_was_not_sent_is_said_again),
        cmocka_unit_test(a_restart_remembers_a_withdrawal),
        cmocka_unit_test(a_disk_that_refuses),
        cmocka_unit_test(of_several_orders_the_last_counts),
        cmocka_unit_test(no_cycle_after_a_withdrawal_gets_a_yes),
        cmocka_unit_test(nonsense_is_refused_with_a_reason),
        cmocka_unit_test(over_its_socket_from_another_thread),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
