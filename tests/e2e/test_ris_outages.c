/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A surface that refuses, keeps silent, shows something else, resets, is unplugged or answers late,
 * under the whole base station: RIS1 hangs on an emulated board that speaks to the room. The cycles
 * concerned are marked, none of them gives a position, the board is named with the cure, and
 * positions return with its old profile on the elements. Then the controller itself ends and is
 * started anew while the base station runs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <zmq.h>

#include "base/sockets.h"
#include "base/state_dir.h"
#include "tests/e2e/demo_run.h"
#include "tests/ris_ctrl/bench.h"
#include "tests/ris_ctrl/emulated.h"

#define PATIENCE_S 60
#define TOUCHED    4096

static struct emulated board, other; /* RIS1; RIS2, where it is emulated too */
static struct bench bench;           /* our own controller, where it is not the demo's */
static pid_t demo;
static struct sockets *sockets;
static void *telemetry;
static struct socket_message message;

/* What the telemetry said so far. */
static long long touched[TOUCHED]; /* cycles with a fault of a surface */
static size_t n_touched, n_done;   /* n_done: positions since the last look */
static char fault[32], text[200];  /* of RIS1, newest */
static char first[32];             /* of RIS1 since the last outage began */

static double now_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static const char *word(json_t *object, const char *key)
{
    const char *value = json_string_value(json_object_get(object, key));
    return value ? value : "";
}

static bool is_touched(long long cycle)
{
    for (size_t i = 0; i < n_touched; i++)
        if (touched[i] == cycle)
            return true;
    return false;
}

/* On a busy machine the other board may be late too. */
static void take_ris(json_t *j)
{
    json_t *boards = json_object_get(j, "boards"), *ris1 = json_array_get(boards, 0);
    snprintf(fault, sizeof fault, "%s", word(ris1, "fault"));
    snprintf(text, sizeof text, "%s", word(ris1, "text"));
    if (first[0] == 0)
        snprintf(first, sizeof first, "%s", fault);
    if ((fault[0] || word(json_array_get(boards, 1), "fault")[0]) && n_touched < TOUCHED)
        touched[n_touched++] = json_integer_value(json_object_get(j, "cycle"));
}

/* Marks of the schedule's are the marks of the cycle's own report. */
static void take_cycle(json_t *j)
{
    bool marked = false;
    json_t *faults = json_object_get(j, "faults");
    for (size_t i = 0; i < json_array_size(faults); i++)
        marked |= strncmp(json_string_value(json_array_get(faults, i)), "ris_", 4) == 0;
    assert_int_equal(marked, is_touched(json_integer_value(json_object_get(j, "cycle"))));
}

static void take_fix(json_t *j)
{
    long long cycle = json_integer_value(json_object_get(j, "cycle"));
    if (is_touched(cycle))
        fail_msg("cycle %lld was touched by a surface and has a position", cycle);
    n_done++;
}

/* One message, false when the demo has ended. */
static bool take(void)
{
    if (waitpid(demo, NULL, WNOHANG) != 0)
        return false;
    if (socket_recv(telemetry, &message, 200) != 0 || message.n < 2)
        return true;
    const struct socket_frame *topic = &message.frames[0], *body = &message.frames[1];
    json_t *j = json_loadb(body->bytes, body->n, 0, NULL);
    assert_non_null(j);
    if (topic->n == 3 && memcmp(topic->bytes, "ris", 3) == 0)
        take_ris(j);
    else if (topic->n == 3 && memcmp(topic->bytes, "fix", 3) == 0)
        take_fix(j);
    else if (topic->n == 5 && memcmp(topic->bytes, "cycle", 5) == 0)
        take_cycle(j);
    json_decref(j);
    return true;
}

static void until_positions(size_t n)
{
    double began = now_s();
    for (n_done = 0; n_done < n;) {
        if (!take() || now_s() > began + PATIENCE_S)
            fail_msg("no positions: RIS1 %s (%s)", fault, text);
    }
}

/* Returns how long it took [s]. */
static double until_fault(const char *want)
{
    double began = now_s();
    while (strcmp(fault, want) != 0)
        if (!take() || now_s() > began + PATIENCE_S)
            fail_msg("no %s, but '%s' (%s)", want, fault, text);
    return now_s() - began;
}

static void shown(char pattern[256])
{
    emulated_tell(&board, "shown", pattern);
}

static void outage(const char *what, const char *want, const char *cure)
{
    char before[256], after[256];
    until_positions(3);
    shown(before);
    first[0] = 0;
    emulated_tell(&board, what, NULL);
    double took = until_fault(want);
    assert_string_equal(first, want); /* known for what it is in its first cycle */
    print_message("%s: %s after %.2f s: %s\n", what, fault, took, text);
    if (strstr(text, "board ris1") == NULL || strstr(text, "; ") == NULL)
        fail_msg("no name or cure: %s", text);
    for (int i = 0; i < 8; i++)
        assert_true(take());
    emulated_tell(&board, cure, NULL);
    until_positions(3);
    shown(after);
    assert_string_equal(after, before);
}

static void demo_begin(const char *args)
{
    char path[400], line[500];
    struct status err;
    n_touched = n_done = 0;
    fault[0] = text[0] = 0;
    snprintf(path, sizeof path, "%s/stderr", demo_place());
    demo = demo_start_logged(args, path);
    double began = now_s();
    do { /* the room is the first to be there */
        snprintf(path, sizeof path, "%s/%s/room.sock", demo_place(), demo_folder());
        usleep(5000);
    } while (access(path, F_OK) != 0 && now_s() < began + PATIENCE_S);
    snprintf(line, sizeof line, "room ris1 ipc://%s", path);
    emulated_tell(&board, line, NULL);
    snprintf(line, sizeof line, "room ris2 ipc://%s", path);
    if (other.pid > 0)
        emulated_tell(&other, line, NULL);
    snprintf(path, sizeof path, "ipc://%s/%s/telemetry.sock", demo_place(), demo_folder());
    sockets = sockets_create(NULL, &err);
    telemetry = sockets_connect(sockets, ZMQ_SUB, path, &err);
    assert_non_null(telemetry);
    assert_int_equal(socket_subscribe(telemetry, ""), 0);
}

/* kind: of the emulator. */
static void start_on(const char *kind, const char *driver, unsigned baud, const char *args)
{
    char command[1200];
    emulated_start(&board, kind, demo_place(), "ris1", baud);
    snprintf(command, sizeof command,
             "--seconds 600 --seed 4 --set 'ris.boards[0].driver=%s'"
             " --set 'ris.boards[0].port=%s' --set 'ris.boards[0].baud=%u'"
             " --set 'ris.boards[0].ack_timeout_ms=300' --set 'ris.boards[0].retries=1' %s",
             driver, board.port, baud, args);
    demo_begin(command);
}

static void start(const char *args)
{
    start_on("firmware", "serial", 4000000, args);
}

static void stop(void)
{
    int status;
    char path[300];
    kill(demo, SIGTERM);
    waitpid(demo, &status, 0);
    socket_message_clear(&message);
    socket_close(&telemetry);
    sockets_destroy(&sockets);
    emulated_stop(&board);
    unlink(board.link);
    if (other.pid > 0) {
        emulated_stop(&other);
        unlink(other.link);
    }
    snprintf(path, sizeof path, "%s/stderr", demo_place());
    unlink(path);
}

static void surfaces_that_fail_are_marked_and_come_back(void **state)
{
    (void)state;
    start("--speed 2");
    outage("nack", "ris_unknown", "fine");
    outage("silent", "ris_unknown", "fine");
    outage("lie", "ris_unknown", "fine");
    outage("reset", "ris_unknown", "fine");
    outage("unplug", "ris_unknown", "plug");
    stop();
}

/* A board without a trigger, which stands still through the cycles. */
static void boards_that_hold_still_are_marked_too(void **state)
{
    (void)state;
    start_on("opensource", "opensource", 115200,
             "--scene empty --speed 2 --set bs.identity.mode=steering");
    outage("silent", "ris_unknown", "fine");
    outage("lie", "ris_unknown", "fine");
    outage("reset", "ris_unknown", "fine");
    outage("unplug", "ris_unknown", "plug");
    stop();
}

/* Gated time waits for a slow board, so this one runs in the machine's time. */
static void a_late_board_is_marked(void **state)
{
    (void)state;
    start("--realtime --set 'ris.boards[0].ack_timeout_ms=900' --set bs.ris.ack_ms=100");
    outage("slow 150", "ris_late", "fine");
    stop();
}

#define SERIAL(name)                                                                               \
    "{name: " name ", columns: 16, rows: 16, driver: serial, port: %s, baud: 4000000, "            \
    "ack_timeout_ms: 300}"

static void controller_begin(void)
{
    char words[2048], boards[600], endpoint[200];
    const char *sets[] = {endpoint, boards, NULL};
    snprintf(endpoint, sizeof endpoint, "endpoint=%s", bench.ris);
    snprintf(boards, sizeof boards, "boards=[" SERIAL("ris1") ", " SERIAL("ris2") "]", board.port,
             other.port);
    if (bench_start(&bench, sets, words, sizeof words) != 0)
        fail_msg("%s", words);
}

/* A board that is absent when everything starts: cycles are marked, and it is used when it comes.
 * Then the controller ends, both boards lose power meanwhile, and a new one knows nothing of our
 * profiles: cycles are marked until the base station has loaded them again, by itself. */
static void what_comes_late_gets_the_profiles(void **state)
{
    (void)state;
    char command[400], before[256], after[256];
    struct status err;
    assert_int_equal(state_dir_create("ris-outages", bench.folder, sizeof bench.folder, &err), 0);
    snprintf(bench.ris, sizeof bench.ris, "ipc://%s/ris.sock", bench.folder);
    emulated_start(&board, "firmware", demo_place(), "ris1", 4000000);
    emulated_start(&other, "firmware", demo_place(), "ris2", 4000000);
    emulated_tell(&board, "unplug", NULL);
    controller_begin();
    snprintf(command, sizeof command, "--seconds 600 --seed 4 --speed 2 --set 'bs.ris.endpoint=%s'",
             bench.ris);
    demo_begin(command);
    until_fault("ris_unknown");
    print_message("absent at start: %s\n", text);
    if (strstr(text, "board ris1: cannot open") == NULL || strstr(text, "; check that") == NULL)
        fail_msg("no name or cure: %s", text);
    assert_int_equal(n_done, 0);
    emulated_tell(&board, "plug", NULL);
    until_positions(3);
    shown(before);
    fault[0] = 0;
    assert_int_equal(bench_stop(&bench), 0);
    emulated_tell(&board, "reset", NULL);
    emulated_tell(&other, "reset", NULL);
    controller_begin();
    until_fault("ris_unknown");
    until_positions(3);
    shown(after);
    assert_string_equal(after, before);
    print_message("%zu cycles marked\n", n_touched);
    stop();
    assert_int_equal(bench_stop(&bench), 0);
    assert_int_equal(state_dir_remove(bench.folder, &err), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(surfaces_that_fail_are_marked_and_come_back),
        cmocka_unit_test(boards_that_hold_still_are_marked_too),
        cmocka_unit_test(a_late_board_is_marked),
        cmocka_unit_test(what_comes_late_gets_the_profiles),
    };
    return cmocka_run_group_tests(tests, demo_place_make, demo_place_remove);
}
