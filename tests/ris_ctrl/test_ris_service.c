/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * mirador-ris from outside: real processes and sockets, and the daemon's client. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <zmq.h>

#include "base/sockets.h"
#include "base/state_dir.h"
#include "bench.h"
#include "host/ris_client.h"

#define SHAPE ((struct ris_shape){16, 16, 1})
#define BYTES 32

static struct bench bench;
static struct sockets *sockets;
static struct ris_client *c; /* of the test that runs; teardown ends it */
static char ris_set[160], room1_set[160], room2_set[160];
static const char *sets[8];
static struct status err;

static double now_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static int setup(void **state)
{
    (void)state;
    memset(&bench, 0, sizeof bench);
    assert_int_equal(state_dir_create("ris-test", bench.folder, sizeof bench.folder, &err), 0);
    snprintf(bench.ris, sizeof bench.ris, "ipc://%s/ris.sock", bench.folder);
    snprintf(bench.room, sizeof bench.room, "ipc://%s/room.sock", bench.folder);
    snprintf(ris_set, sizeof ris_set, "endpoint=%s", bench.ris);
    snprintf(room1_set, sizeof room1_set, "boards[0].room=%s", bench.room);
    snprintf(room2_set, sizeof room2_set, "boards[1].room=%s", bench.room);
    memset(sets, 0, sizeof sets);
    sets[0] = ris_set;
    sets[1] = room1_set;
    sets[2] = room2_set;
    bench.zmq = zmq_ctx_new();
    sockets = sockets_create(NULL, &err);
    assert_non_null(sockets);
    bench_room_start(&bench);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    ris_client_destroy(&c);
    if (bench.controller > 0)
        bench_stop(&bench);
    bench_room_stop(&bench);
    zmq_ctx_term(bench.zmq);
    sockets_destroy(&sockets);
    return state_dir_remove(bench.folder, &err);
}

static void connect_client(void)
{
    struct ris_client_cfg cfg = {.sockets = sockets,
                                 .endpoint = bench.ris,
                                 .n_board = 2,
                                 .boards = {"ris1", "ris2"},
                                 .timeout_ms = 20000};
    c = ris_client_create(&cfg, &err);
    if (c == NULL)
        fail_msg("%s", err.text);
}

static void start(void)
{
    char text[2048];
    int r = bench_start(&bench, sets, text, sizeof text);
    if (r != 0)
        fail_msg("%d: %s", r, text);
    connect_client();
}

static void random_pattern(uint32_t *seed, uint8_t *p)
{
    for (size_t i = 0; i < BYTES; i++) {
        *seed = *seed * 1664525u + 1013904223u;
        p[i] = (uint8_t)(*seed >> 16);
    }
}

static void expect_ok(int r)
{
    if (r != OK)
        fail_msg("%s: %s", status_name(r), err.text);
}

/* Loaded, read back from the slot, shown, and as the room was told. */
static void there_and_back(size_t board, uint16_t slot, uint32_t *seed)
{
    static const char *const names[] = {"ris1", "ris2"};
    uint8_t pattern[BYTES], back[RIS_PATTERN_MAX];
    struct ris_shape shape;
    struct bench_report report;
    uint64_t hash = 0, hash_back = 0;
    random_pattern(seed, pattern);
    expect_ok(ris_client_load(c, board, slot, SHAPE, pattern, &hash, &err));
    assert_true(hash == ris_profile_hash(SHAPE, pattern));
    expect_ok(ris_client_readback(c, board, slot, &shape, back, &hash_back, &err));
    assert_true(ris_shape_equal(shape, SHAPE));
    assert_memory_equal(pattern, back, BYTES);
    assert_true(hash == hash_back);
    expect_ok(ris_client_apply(c, board, slot, RIS_NOW, &err));
    assert_true(bench_room_reports(names[board], &report) > 0);
    assert_memory_equal(report.idle, pattern, BYTES);
}

static void profiles_come_back_as_they_went(void **state)
{
    (void)state;
    start();
    uint32_t seed = 11;
    for (unsigned i = 0; i < 1000; i++)
        there_and_back(i % 2, (uint16_t)(i % 64), &seed);
    assert_int_equal(bench_stop(&bench), 0);
}

/* The ARM program behind the service: what it was given holds when its machine is killed. */
static void an_arm_board_is_served_and_restored(void **state)
{
    (void)state;
    uint32_t seed = 11;
    struct ris_shape shape;
    uint8_t back[RIS_PATTERN_MAX];
    uint64_t before = 0, after = 1;
    if (access(MIRADOR_BIN_DIR "/firmware/ris-netduinoplus2.elf", R_OK) != 0 ||
        system("command -v qemu-system-arm >/dev/null") != 0) {
        print_message("needs arm-none-eabi-gcc at build time and qemu-system-arm\n");
        skip();
    }
    sets[3] = "boards[0].driver=qemu";
    start();
    for (unsigned i = 0; i < 200; i++)
        there_and_back(0, (uint16_t)(i % 64), &seed);
    expect_ok(ris_client_readback(c, 0, 7, &shape, back, &before, &err));
    pid_t qemu = bench_child_pid(&bench, "qemu-system-arm", 0);
    assert_true(qemu > 0);
    kill(qemu, SIGKILL);
    double end = now_s() + 20;
    while (ris_client_apply(c, 0, 7, RIS_NOW, &err) == OK && now_s() < end)
        usleep(10000);
    assert_non_null(strstr(err.text, "board ris1"));
    while (ris_client_apply(c, 0, 7, RIS_NOW, &err) != OK && now_s() < end)
        usleep(50000);
    expect_ok(ris_client_readback(c, 0, 7, &shape, back, &after, &err));
    assert_true(before == after); /* nobody loaded it again but the controller */
    sets[3] = NULL;
}

static void a_change_reaches_the_room_before_its_ack(void **state)
{
    (void)state;
    start();
    struct bench_report r;
    struct ris_client_board board;
    uint8_t p[2][BYTES];
    uint32_t seed = 4;
    assert_int_equal(bench_room_reports("ris1", &r), 1); /* power-up: dark */
    assert_int_equal(r.head.kind, RIS_REPORT_DISARM);
    for (uint16_t i = 0; i < 2; i++) {
        random_pattern(&seed, p[i]);
        expect_ok(ris_client_load(c, 0, i, SHAPE, p[i], NULL, &err));
        expect_ok(ris_client_load(c, 1, i, SHAPE, p[i], NULL, &err));
    }
    assert_int_equal(bench_room_reports("ris1", &r), 1); /* a load shows nothing */
    expect_ok(ris_client_apply(c, 0, 1, RIS_NOW, &err));
    assert_int_equal(bench_room_reports("ris1", &r), 2);
    assert_int_equal(r.head.kind, RIS_REPORT_APPLY);
    assert_memory_equal(r.idle, p[1], BYTES);

    struct ris_arm arm = {.tag = 7,
                          .delay_ns = 5000,
                          .period_ns = 92160,
                          .idle = 0,
                          .n_edges = 2,
                          .n_steps = 3,
                          .reps = {8, 1},
                          .steps = {0, 1, 0}};
    const struct ris_arm *both[2] = {&arm, &arm};
    struct ris_client_ack acks[2];
    expect_ok(ris_client_arm_begin(c, both, 0));
    expect_ok(ris_client_arm_wait(c, 20000, acks));
    uint64_t hashes[] = {ris_profile_hash(SHAPE, p[0]), ris_profile_hash(SHAPE, p[1]),
                         ris_profile_hash(SHAPE, p[0]), ris_profile_hash(SHAPE, p[0])};
    assert_true(acks[0].hash == ris_arm_hash(hashes, 4));
    assert_true(acks[1].time_ns > INT64_C(1600000000) * 1000000000);
    assert_int_equal(bench_room_reports("ris2", &r), 2);
    assert_int_equal(r.head.kind, RIS_REPORT_ARM);
    assert_int_equal(r.head.trigger, RIS_TRIGGER_RISING);
    assert_int_equal(r.head.n_edges, 2);
    assert_int_equal(r.head.reps[0], 8);
    assert_int_equal(r.head.delay_ns, 5000);
    assert_int_equal(r.head.period_ns, 92160);
    assert_int_equal(r.head.tag, 7);
    assert_memory_equal(r.steps + BYTES, p[1], BYTES);
    assert_memory_equal(r.idle, p[0], BYTES);
    expect_ok(ris_client_status(c, 1, &board, &err));
    assert_int_equal(board.state.mode, RIS_ARMED);
    assert_int_equal(board.state.tag, 7);
    assert_int_equal(board.state.edges_left, 2);
    expect_ok(ris_client_disarm(c, 1, &err));
    assert_int_equal(ris_client_counters(c).acks, 2);
}

static void refusals_say_why(void **state)
{
    (void)state;
    start();
    uint8_t p[RIS_PATTERN_MAX] = {0};
    assert_int_equal(ris_client_apply(c, 0, 9, RIS_NOW, &err), ERR_STATE);
    assert_string_equal(err.text, "board ris1: slot never loaded; load the slot first");
    assert_int_equal(ris_client_apply(c, 0, 64, RIS_NOW, &err), ERR_STATE);
    assert_non_null(strstr(err.text, "slot number beyond"));
    assert_int_equal(ris_client_load(c, 0, 0, (struct ris_shape){8, 8, 1}, p, NULL, &err), ERR_ARG);
    assert_non_null(strstr(err.text, "has 16 x 16 elements"));
    expect_ok(ris_client_load(c, 0, 0, SHAPE, p, NULL, &err));
    struct ris_arm arm = {.period_ns = 1000, .n_edges = 1, .n_steps = 1, .reps = {1}};
    const struct ris_arm *only[2] = {&arm, NULL};
    expect_ok(ris_client_trigger(c, 0, RIS_TRIGGER_NONE, &err));
    expect_ok(ris_client_arm_begin(c, only, 0));
    assert_int_equal(ris_client_arm_wait(c, 20000, NULL), ERR_STATE);
    assert_non_null(strstr(ris_client_error(c), "no trigger source chosen"));
    expect_ok(ris_client_trigger(c, 0, RIS_TRIGGER_FALLING, &err));
    expect_ok(ris_client_arm_begin(c, only, 0));
    expect_ok(ris_client_arm_wait(c, 20000, NULL));
    assert_int_equal(ris_client_load(c, 0, 0, SHAPE, p, NULL, &err), ERR_STATE);
    assert_non_null(strstr(err.text, "disarm first"));
    bench_room_refuse("ris1", ERR_ARG);
    assert_int_equal(ris_client_apply(c, 0, 0, RIS_NOW, &err), ERR_STATE);
    assert_non_null(strstr(err.text, "room) refused"));
    assert_int_equal(ris_client_counters(c).nacks, 1);
}

/* Board 1's room answer takes 700 ms; board 2 is armed long before, and the late ACK is counted. */
static void boards_do_not_wait_for_one_another(void **state)
{
    (void)state;
    start();
    uint8_t p[BYTES] = {0};
    for (size_t i = 0; i < 2; i++)
        expect_ok(ris_client_load(c, i, 0, SHAPE, p, NULL, &err));
    struct ris_arm arm = {.period_ns = 1000, .n_edges = 1, .n_steps = 1, .reps = {1}};
    const struct ris_arm *both[2] = {&arm, &arm};
    struct ris_client_ack acks[2];
    bench_room_slow("ris1", 700);
    expect_ok(ris_client_arm_begin(c, both, 0));
    assert_int_equal(ris_client_arm_wait(c, 300, acks), ERR_TIMEOUT);
    assert_int_equal(acks[0].code, ERR_TIMEOUT);
    assert_int_equal(acks[1].code, OK);
    assert_true(acks[1].hash != 0);
    expect_ok(ris_client_arm_wait(c, 20000, acks));
    assert_int_equal(acks[0].code, OK);
    struct ris_client_counters n = ris_client_counters(c);
    assert_int_equal(n.arms, 2);
    assert_int_equal(n.acks, 1);
    assert_int_equal(n.late, 1);
    assert_int_equal(n.lost, 1);
}

/* Bytes that nobody asked for, on the line, in the middle of work. */
static void garbage_on_the_line_is_survived(void **state)
{
    (void)state;
    start();
    uint32_t seed = 9;
    int fd = bench_board_line(bench_board_pid(&bench, "ris1", 0));
    assert_true(fd >= 0);
    for (unsigned i = 0; i < 100; i++) {
        uint8_t garbage[BYTES], back[RIS_PATTERN_MAX], p[BYTES];
        struct ris_shape shape;
        random_pattern(&seed, garbage);
        assert_int_equal(write(fd, garbage, sizeof garbage), sizeof garbage);
        random_pattern(&seed, p);
        expect_ok(ris_client_load(c, 0, 1, SHAPE, p, NULL, &err));
        expect_ok(ris_client_readback(c, 0, 1, &shape, back, NULL, &err));
        assert_memory_equal(p, back, BYTES);
    }
    close(fd);
}

static void a_killed_board_is_reported_and_restored(void **state)
{
    (void)state;
    start();
    uint8_t p[BYTES] = {5}, back[RIS_PATTERN_MAX];
    struct ris_shape shape;
    char text[4096];
    expect_ok(ris_client_load(c, 0, 3, SHAPE, p, NULL, &err));
    expect_ok(ris_client_apply(c, 0, 3, RIS_NOW, &err));
    pid_t pid = bench_board_pid(&bench, "ris1", 0);
    assert_true(pid > 0);
    double began = now_s();
    kill(pid, SIGKILL);
    int r;
    do
        r = ris_client_apply(c, 0, 3, RIS_NOW, &err);
    while (r == OK && now_s() < began + 5);
    assert_int_equal(r, ERR_IO);
    assert_non_null(strstr(err.text, "board ris1: its link is gone; "));
    expect_ok(ris_client_load(c, 1, 0, SHAPE, p, NULL, &err)); /* the other one works on */

    assert_true(bench_board_pid(&bench, "ris1", pid) > 0);
    do
        r = ris_client_readback(c, 0, RIS_SLOT_ACTIVE, &shape, back, NULL, &err);
    while (r != OK && now_s() < began + 20);
    expect_ok(r);
    assert_memory_equal(p, back, BYTES);
    bench_log(&bench, text, sizeof text);
    assert_non_null(strstr(text, "ended by signal 9"));
    assert_non_null(strstr(text, "is back, 1 profiles restored"));
}

/* Both boards are away, as their room is: the controller starts, says so, and brings them up. */
static void boards_are_waited_for(void **state)
{
    (void)state;
    char text[4096];
    struct ris_client_board board = {.present = false};
    sets[3] = "boards[0].ack_timeout_ms=20"; /* the room is asked for 72 ms */
    sets[4] = "boards[1].ack_timeout_ms=20";
    bench_room_stop(&bench);
    start();
    bench_log(&bench, text, sizeof text);
    assert_non_null(strstr(text, "board ris1: no room answers at"));
    assert_non_null(strstr(text, "board ris2: no room answers at"));
    assert_non_null(strstr(text, "start mirador-room"));
    expect_ok(ris_client_status(c, 0, &board, &err));
    assert_false(board.present);
    assert_int_equal(board.shape.columns, 16);
    assert_int_equal(ris_client_apply(c, 0, 0, RIS_NOW, &err), ERR_IO);
    assert_non_null(strstr(err.text, "board ris1: no room answers at"));
    bench_room_start(&bench);
    for (int i = 0; i < 1000 && !board.present; i++) {
        usleep(20000);
        expect_ok(ris_client_status(c, 0, &board, &err));
    }
    assert_true(board.present);
}

static void a_wrong_configuration_ends_with_one_line_and_its_cure(void **state)
{
    (void)state;
    char text[2048];
    bench_room_refuse("ris2", ERR_NOT_FOUND);
    assert_int_equal(bench_start(&bench, sets, text, sizeof text), 1002);
    assert_non_null(strstr(text, "board ris2: the room refused (not found)"));
    bench_room_refuse("", OK);
    sets[3] = "boards[1].colums=16";
    assert_int_equal(bench_start(&bench, sets, text, sizeof text), 1002);
    assert_non_null(strstr(text, "did you mean 'boards[1].columns'?"));
    sets[3] = "boards[1]={name: x, columns: 16, rows: 16, driver: serial, port: /dev/null}";
    assert_int_equal(bench_start(&bench, sets, text, sizeof text), 1002);
    assert_non_null(strstr(text, "board x: /dev/null cannot be set"));
    sets[3] = "boards=[{name: b1, columns: 2, rows: 2}, {name: b2, columns: 2, rows: 2}, "
              "{name: b3, columns: 2, rows: 2}, {name: b4, columns: 2, rows: 2}, "
              "{name: b5, columns: 2, rows: 2}, {name: b6, columns: 2, rows: 2}, "
              "{name: b7, columns: 2, rows: 2}, {name: b8, columns: 2, rows: 2}, "
              "{name: b9, columns: 2, rows: 2}]";
    sets[1] = sets[3]; /* rooms of boards come later than their list */
    sets[2] = NULL;
    assert_int_equal(bench_start(&bench, sets, text, sizeof text), 1002);
    assert_non_null(strstr(text, "'boards' has 9 items, must have 1..8"));
}

static void an_occupied_endpoint_is_an_error(void **state)
{
    (void)state;
    char text[2048];
    struct bench second = bench;
    start();
    snprintf(second.folder, sizeof second.folder, "%s", bench.folder);
    assert_int_equal(bench_start(&second, sets, text, sizeof text), 1001);
}

/* The controller dies: its boards go with it. */
static void boards_do_not_outlive_their_controller(void **state)
{
    (void)state;
    start();
    pid_t pid = bench_board_pid(&bench, "ris2", 0);
    assert_true(pid > 0);
    kill(bench.controller, SIGKILL);
    assert_int_equal(bench_stop(&bench), -SIGKILL);
    for (int i = 0; i < 500 && kill(pid, 0) == 0; i++)
        usleep(10000);
    assert_int_equal(kill(pid, 0), -1);
    struct ris_arm arm = {.period_ns = 1000, .n_edges = 1, .n_steps = 1, .reps = {1}};
    const struct ris_arm *both[2] = {&arm, &arm};
    (void)!ris_client_arm_begin(c, both, 0);
    assert_int_equal(ris_client_arm_wait(c, 50, NULL), ERR_TIMEOUT);
    assert_int_equal(ris_client_counters(c).lost, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(profiles_come_back_as_they_went, setup, teardown),
        cmocka_unit_test_setup_teardown(an_arm_board_is_served_and_restored, setup, teardown),
        cmocka_unit_test_setup_teardown(a_change_reaches_the_room_before_its_ack, setup, teardown),
        cmocka_unit_test_setup_teardown(refusals_say_why, setup, teardown),
        cmocka_unit_test_setup_teardown(boards_do_not_wait_for_one_another, setup, teardown),
        cmocka_unit_test_setup_teardown(garbage_on_the_line_is_survived, setup, teardown),
        cmocka_unit_test_setup_teardown(a_killed_board_is_reported_and_restored, setup, teardown),
        cmocka_unit_test_setup_teardown(boards_are_waited_for, setup, teardown),
        cmocka_unit_test_setup_teardown(a_wrong_configuration_ends_with_one_line_and_its_cure,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(an_occupied_endpoint_is_an_error, setup, teardown),
        cmocka_unit_test_setup_teardown(boards_do_not_outlive_their_controller, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
