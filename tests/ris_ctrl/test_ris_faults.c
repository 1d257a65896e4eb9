/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Faults of boards are reported within a second with the board's name and the cure, and what a
 * board showed is restored and verified. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <dirent.h>
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lab.h"

/* A witness: how long this machine stood still for everybody, which is not the controller's fault.
 */
static _Atomic bool done;
static _Atomic int64_t stalled; /* us since it was set to 0 */

static void *witness(void *arg)
{
    (void)arg;
    while (!done) {
        double from = now_s();
        usleep(5000);
        double over = now_s() - from - 0.020;
        if (over > 0)
            stalled += (int64_t)(1e6 * over);
    }
    return NULL;
}

/* How long the threads of a process stood ready to run while others had the processors. */
static double waited_s(pid_t pid)
{
    char path[300];
    unsigned long long waited = 0, sum = 0;
    snprintf(path, sizeof path, "/proc/%d/task", (int)pid);
    DIR *tasks = opendir(path);
    for (struct dirent *t; tasks != NULL && (t = readdir(tasks)) != NULL;) {
        snprintf(path, sizeof path, "/proc/%d/task/%s/schedstat", (int)pid, t->d_name);
        FILE *f = t->d_name[0] != '.' ? fopen(path, "r") : NULL;
        if (f == NULL)
            continue;
        sum += fscanf(f, "%*u %llu", &waited) == 1 ? waited : 0;
        fclose(f);
    }
    if (tasks != NULL)
        closedir(tasks);
    return 1e-9 * (double)sum;
}

/* The second in which a fault is told is the controller's and the board's own: what this machine
 * took from them is not theirs. */
static double waited_before;

static double waited_by_now(void)
{
    return waited_s(bench.controller) + waited_s(far[0].pid);
}

static void own_time_begins(void)
{
    stalled = 0;
    waited_before = waited_by_now();
}

static double stalled_s(void)
{
    double waited = waited_by_now() - waited_before;
    return 1e-6 * (double)stalled + (waited > 0 ? waited : 0); /* one of them may have ended */
}

/* The fault of this name is known within a second, with the board's name and a cure. */
static void fault(const char *what, const char *event)
{
    char text[300];
    double began = now_s();
    own_time_begins();
    emulated_tell(&far[0], what, NULL);
    double took = await_news(event, began, text, sizeof text);
    print_message("%s: reported after %.2f s: %s\n", what, took, text);
    if (strstr(text, "board wall: ") == NULL || strstr(text, "; ") == NULL)
        fail_msg("no name or cure: %s", text);
    assert_true(took < 1.0 + stalled_s());
}

/* A board that is not there does not keep the others from work, and is brought up when it comes. q
 * is what it showed last. */
static void absent_at_start(const uint8_t *q)
{
    char log[8192];
    assert_int_equal(bench_stop(&bench), 0);
    hang_up();
    emulated_tell(&far[0], "unplug", NULL);
    start();
    json_t *list = ask(NULL, 0, "\"cmd\":\"list\"");
    json_t *entry = json_array_get(json_object_get(list, "boards"), 0);
    assert_true(json_is_false(json_object_get(entry, "present")));
    assert_non_null(strstr(word(entry, "absent"), "board wall: cannot "));
    assert_non_null(strstr(word(entry, "cure"), "check that it "));
    json_decref(list);
    json_t *status = ask(NULL, 0, "\"cmd\":\"status\",\"board\":\"wall\"");
    assert_true(json_is_false(json_object_get(status, "present")));
    assert_non_null(strstr(word(status, "absent"), "board wall: cannot "));
    assert_int_equal(json_integer_value(json_object_get(status, "columns")), 16);
    json_decref(status);
    refused(apply(3), "io", "board wall: cannot ");
    bench_log(&bench, log, sizeof log);
    assert_non_null(strstr(log, "board wall: cannot "));
    emulated_tell(&far[0], "plug", NULL);
    await_present();
    expect_shown(&far[0], q);
    expect_ok(apply(3));
}

/* A board that says no, or nothing, to a pattern: the client and the news have the cure. */
static void refused_with_a_cure(void)
{
    uint8_t r[2 * BYTES];
    char text[300];
    pattern(77, r);
    expect_ok(load(4, r));
    emulated_tell(&far[0], "nack", NULL);
    own_time_begins();
    json_t *a = apply(4);
    assert_false(json_is_true(json_object_get(a, "ok")));
    assert_string_not_equal(word(a, "cure"), "");
    json_decref(a);
    double took = await_news("refused", now_s(), text, sizeof text);
    assert_true(took < 1.0 + stalled_s());
    assert_non_null(strstr(text, "board wall: "));
    assert_non_null(strstr(text, "; "));
    emulated_tell(&far[0], "fine", NULL);
}

static void all_faults(const char *kind, const char *driver, unsigned baud)
{
    uint8_t p[2 * BYTES], q[2 * BYTES];
    set("boards[0].restore=yes");
    board(kind, driver, baud);
    pattern(1, p);
    pattern(2, q);
    expect_ok(load(3, p));
    expect_ok(apply(3));
    expect_ok(load(3, q)); /* what is shown is not what its slot holds now */
    expect_shown(&far[0], p);

    fault("silent", "silent");
    await_news("lost", now_s(), NULL, 0);
    refused(apply(3), "io", "board wall");
    emulated_tell(&far[0], "fine", NULL);
    await_news("back", now_s(), NULL, 0);
    expect_shown(&far[0], p);

    fault("reset", "lost");
    await_news("back", now_s(), NULL, 0);
    expect_shown(&far[0], p);

    fault("unplug", "lost");
    refused(apply(3), "io", "board wall");
    emulated_tell(&far[0], "plug", NULL);
    await_news("back", now_s(), NULL, 0);
    expect_shown(&far[0], p);
    expect_ok(apply(3));
    expect_shown(&far[0], q); /* the slot was restored as well */
    absent_at_start(q);
    refused_with_a_cure();
}

static void faults_of_our_firmware(void **state)
{
    (void)state;
    all_faults("firmware", "serial", 921600);
    fault("lie", "wrong");
    emulated_tell(&far[0], "fine", NULL);
    await_news("corrected", now_s(), NULL, 0);
    emulated_tell(&far[0], "slow 250", NULL); /* late: every answer after its time */
    await_news("silent", now_s(), NULL, 0);
    emulated_tell(&far[0], "fine", NULL);
    uint8_t r[BYTES];
    pattern(9, r);
    double end = now_s() + 10;
    bool ok = false;
    while (!ok && now_s() < end) {
        json_t *a = load(5, r);
        ok = json_is_true(json_object_get(a, "ok"));
        json_decref(a);
        usleep(50000);
    }
    expect_ok(apply(5));
    expect_shown(&far[0], r);
}

static json_t *arm(void)
{
    return ask(NULL, 0,
               "\"cmd\":\"arm\",\"board\":\"wall\",\"steps\":[1],\"reps\":[1],\"period_ns\":90000,"
               "\"delay_ns\":5000,\"idle\":0");
}

/* Every sequence is armed on elements that were just read back: the first one behind a wrong
 * read-back is refused, however soon it follows the one before. */
static void no_sequence_behind_a_wrong_readback(void **state)
{
    (void)state;
    uint8_t p[BYTES], q[BYTES];
    pattern(1, p);
    pattern(2, q);
    board("firmware", "serial", 921600);
    expect_ok(load(0, p));
    expect_ok(load(1, q));
    for (int i = 0; i < 20; i++) {
        expect_ok(arm());
        expect_ok(arm()); /* not played: nothing to read back, nothing wrong */
        emulated_tell(&far[0], "play", NULL);
        emulated_tell(&far[0], "lie", NULL);
        refused(arm(), "state", "shows profile");
        emulated_tell(&far[0], "fine", NULL);
    }
    expect_ok(arm());
    emulated_tell(&far[0], "play", NULL);
    expect_shown(&far[0], p);
}

/* A reply that no try was answered says so. */
static void silence_is_told_in_the_answer(void **state)
{
    (void)state;
    uint8_t p[BYTES];
    pattern(1, p);
    board("firmware", "serial", 921600);
    expect_ok(load(3, p));
    emulated_tell(&far[0], "silent", NULL);
    json_t *a = apply(3);
    assert_false(json_is_true(json_object_get(a, "ok")));
    /* "io": the controller's own look came first, and the board counts as gone */
    if (strcmp(json_string_value(json_object_get(a, "code")), "timeout") == 0)
        assert_true(json_is_true(json_object_get(a, "silent")));
    json_decref(a);
}

static json_t *within(const char *command, int ms)
{
    return ask(NULL, 0, "\"board\":\"wall\",%s,\"by_ns\":%" PRId64, command,
               unix_ns() + ms * INT64_C(1000000));
}

/* It took hold, but the ACK came after its time: the client is told so within a second of that time
 * by the controller's own clock, and the board shows again what it showed. */
static void late_is_undone(const char *command, const uint8_t *p)
{
    char text[300];
    bool in_vain = true; /* this machine stood still, and there was no time left to begin */
    for (int tries = 0; tries < 20 && in_vain; tries++) {
        emulated_tell(&far[0], "hold 500", NULL);
        own_time_begins();
        int64_t by_ns = unix_ns() + 250000000;
        json_t *a = within(command, 250);
        assert_string_equal(word(a, "code"), "timeout");
        assert_string_not_equal(word(a, "cure"), "");
        in_vain = strstr(word(a, "error"), "nothing was") != NULL;
        assert_true(in_vain || strstr(word(a, "error"), "and is taken back") != NULL);
        json_decref(a);
        if (in_vain)
            continue;
        await_news("late", now_s(), text, sizeof text);
        assert_non_null(strstr(text, "board wall: "));
        assert_true(1e-9 * (double)(news_ns - by_ns) < 1.0 + stalled_s());
        await_news("undone", now_s(), NULL, 0);
        expect_shown(&far[0], p);
        json_t *status = ask(NULL, 0, "\"cmd\":\"status\",\"board\":\"wall\"");
        assert_string_equal(word(status, "mode"), "idle");
        json_decref(status);
    }
    assert_false(in_vain);
}

static void what_is_late_is_taken_back(void **state)
{
    (void)state;
    uint8_t p[BYTES], q[BYTES];
    pattern(1, p);
    pattern(2, q);
    reset_set(5, "boards[0].ack_timeout_ms=5000");
    board("firmware", "serial", 921600);
    expect_ok(load(0, p));
    expect_ok(load(1, q));
    expect_ok(apply(0));
    late_is_undone("\"cmd\":\"arm\",\"steps\":[1],\"reps\":[1],\"period_ns\":90000,"
                   "\"delay_ns\":5000,\"idle\":1",
                   p);
    late_is_undone("\"cmd\":\"apply\",\"slot\":1", p);
    late_is_undone("\"cmd\":\"apply\",\"slot\":1,\"when\":\"trigger\"", p);
    expect_ok(apply(1));
    expect_shown(&far[0], q);
}

static void hash_text(const uint8_t *p, char text[17])
{
    snprintf(text, 17, "%016" PRIx64, ris_profile_hash(SHAPE, p));
}

/* What status and read-back say: shown, and what waits for the edge (NULL = nothing). */
static void expect_state(const uint8_t *shown, const uint8_t *pending)
{
    char want[17], waits[17] = "";
    hash_text(shown, want);
    if (pending != NULL)
        hash_text(pending, waits);
    json_t *status = ask(NULL, 0, "\"cmd\":\"status\",\"board\":\"wall\"");
    assert_string_equal(word(status, "hash"), want);
    assert_string_equal(word(status, "pending"), waits);
    json_decref(status);
    json_t *back = ask(NULL, 0, "\"cmd\":\"readback\",\"board\":\"wall\"");
    assert_string_equal(word(back, "hash"), want);
    json_decref(back);
}

static json_t *apply_at_edge(unsigned slot)
{
    return ask(NULL, 0, "\"cmd\":\"apply\",\"board\":\"wall\",\"slot\":%u,\"when\":\"trigger\"",
               slot);
}

/* A profile that waits for its edge is not shown yet, and a reset board does not get it. */
static void pending_is_not_shown(const char *set_map)
{
    uint8_t p[BYTES], q[BYTES];
    pattern(1, p);
    pattern(2, q);
    if (set_map != NULL)
        set("%s", set_map);
    board("firmware", "serial", 921600);
    if (set_map != NULL)
        for (size_t m = 0; m < 256; m += 16) { /* column 0 is dead */
            ris_pattern_set(SHAPE, p, m, 0);
            ris_pattern_set(SHAPE, q, m, 0);
        }
    expect_ok(load(0, p));
    expect_ok(load(1, q));
    expect_ok(apply(0));
    expect_ok(apply_at_edge(1));
    expect_state(p, q);
    emulated_tell(&far[0], "play", NULL);
    expect_state(q, NULL);
    expect_ok(apply_at_edge(0));
    expect_ok(ask(NULL, 0, "\"cmd\":\"disarm\",\"board\":\"wall\""));
    expect_state(q, NULL);
    expect_ok(apply_at_edge(0));
    emulated_tell(&far[0], "reset", NULL);
    await_news("back", now_s(), NULL, 0);
    expect_shown(&far[0], q);
    expect_state(q, NULL);
    expect_ok(apply_at_edge(0));
    emulated_tell(&far[0], "play", NULL);
    own_time_begins();
    double end = now_s() + 1.2; /* two looks: what was pending is what is right now */
    while (now_s() < end + stalled_s())
        usleep(50000);
    expect_state(p, NULL);
    emulated_tell(&far[0], "reset", NULL);
    await_news("back", now_s(), NULL, 0);
    expect_shown(&far[0], p);
}

static void an_apply_waits_for_its_edge(void **state)
{
    (void)state;
    pending_is_not_shown(NULL);
}

static void a_surface_waits_for_its_edge(void **state)
{
    (void)state;
    pending_is_not_shown("boards[0].dead_columns=[0]");
}

/* Opens, but cannot be brought up: told once, tried ever more rarely. */
static void a_board_that_cannot_be_restored_is_told_once(void **state)
{
    (void)state;
    uint8_t p[BYTES];
    char text[300];
    pattern(1, p);
    board("firmware", "serial", 921600);
    expect_ok(load(0, p));
    expect_ok(apply(0));
    emulated_tell(&far[0], "nack", NULL);
    emulated_tell(&far[0], "reset", NULL);
    await_news("lost", now_s(), NULL, 0);
    await_news("absent", now_s(), text, sizeof text);
    assert_non_null(strstr(text, "board wall: "));
    assert_non_null(strstr(text, "; "));
    if (count_news(3.0, text, sizeof text) != 0)
        fail_msg("told again: %s", text);
    refused(apply(0), "io", "board wall: ");
    emulated_tell(&far[0], "fine", NULL);
    await_news("back", now_s(), NULL, 0);
    expect_shown(&far[0], p);
}

/* A board may come back through another line, with a sequence armed. */
static void a_link_comes_back_with_a_sequence_armed(void **state)
{
    (void)state;
    uint8_t p[BYTES], q[BYTES];
    pattern(1, p);
    pattern(2, q);
    board("firmware", "serial", 921600);
    expect_ok(load(0, p));
    expect_ok(load(1, q));
    expect_ok(arm());
    emulated_tell(&far[0], "unplug", NULL);
    await_news("lost", now_s(), NULL, 0);
    emulated_tell(&far[0], "replug", NULL); /* it had its supply all the time */
    await_news("back", now_s(), NULL, 0);
    expect_shown(&far[0], p);
    expect_ok(arm());
}

static void a_board_that_will_not_blink_is_not_lost(void **state)
{
    (void)state;
    uint8_t p[BYTES];
    char text[300], log[8192];
    pattern(1, p);
    board("firmware", "serial", 921600);
    expect_ok(load(0, p));
    expect_ok(apply(0));
    expect_ok(ask(NULL, 0, "\"cmd\":\"identify\",\"board\":\"wall\",\"seconds\":60"));
    emulated_tell(&far[0], "nack", NULL);
    await_news("refused", now_s(), text, sizeof text);
    assert_non_null(strstr(text, "board wall: "));
    emulated_tell(&far[0], "fine", NULL);
    json_t *back = NULL;
    char want[17];
    hash_text(p, want);
    for (int i = 0; i < 500 && (back == NULL || strcmp(word(back, "hash"), want) != 0); i++) {
        json_decref(back); /* at once, or when a look has found that the end was refused as well */
        usleep(20000);
        back = ask(NULL, 0, "\"cmd\":\"readback\",\"board\":\"wall\"");
    }
    json_decref(back);
    expect_shown(&far[0], p);
    bench_log(&bench, log, sizeof log);
    assert_null(strstr(log, "absent"));
    assert_null(strstr(log, "is back"));
}

/* With a board that could keep its client waiting for a quarter of an hour, and many who wait. */
static void it_stops_at_once_in_front_of_a_silent_board(void **state)
{
    (void)state;
    uint8_t p[BYTES];
    pattern(1, p);
    reset_set(5, "boards[0].ack_timeout_ms=60000");
    reset_set(6, "boards[0].retries=20");
    board("firmware", "serial", 921600);
    expect_ok(load(0, p));
    emulated_tell(&far[0], "silent", NULL);
    for (int i = 0; i < 3000; i++)
        tell("\"cmd\":\"apply\",\"board\":\"wall\",\"slot\":0");
    usleep(300000);
    own_time_begins();
    double began = now_s();
    assert_int_equal(bench_stop(&bench), 0);
    assert_true(now_s() - began < 3.0 + stalled_s());
}

/* The ARM firmware: its QEMU dies, another one gets what this one had. */
static void a_qemu_that_dies_is_replaced(void **state)
{
    (void)state;
    uint8_t p[BYTES];
    char text[2048];
    pattern(1, p);
    set("boards[0].driver=qemu");
    reset_set(5, "boards[0].ack_timeout_ms=5000");
    int r = try_start(text, sizeof text);
    if (r != 0 && strstr(text, "; install ") != NULL) {
        print_message("%s", text);
        skip();
    }
    if (r != 0)
        fail_msg("%s", text);
    assert_int_equal(bench_stop(&bench), 0);
    start();
    expect_ok(load(3, p));
    expect_ok(apply(3));
    pid_t pid = bench_child_pid(&bench, "qemu-system-arm", 0);
    assert_true(pid > 0);
    own_time_begins();
    double began = now_s();
    kill(pid, SIGKILL);
    double took = await_news("lost", began, text, sizeof text);
    print_message("QEMU killed: reported after %.2f s: %s\n", took, text);
    assert_non_null(strstr(text, "board wall: "));
    assert_non_null(strstr(text, "; "));
    assert_true(took < 1.0 + stalled_s());
    await_news("back", now_s(), NULL, 0);
    assert_true(bench_child_pid(&bench, "qemu-system-arm", pid) > 0);
    expect_state(p, NULL);
    expect_ok(apply(3));
}

static void faults_of_tiles(void **state)
{
    (void)state;
    all_faults("tile", "tile", 115200);
}

static void faults_of_opensource(void **state)
{
    (void)state;
    all_faults("opensource", "opensource", 115200);
    fault("lie", "lost"); /* ?Pattern is its health: it is opened anew, and stays away */
    emulated_tell(&far[0], "fine", NULL);
    await_news("back", now_s(), NULL, 0);
}

int main(void)
{
    pthread_t thread;
    if (pthread_create(&thread, NULL, witness, NULL) != 0)
        return 1;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(faults_of_our_firmware, lab_setup, lab_teardown),
        cmocka_unit_test_setup_teardown(no_sequence_behind_a_wrong_readback, lab_setup,
                                        lab_teardown),
        cmocka_unit_test_setup_teardown(silence_is_told_in_the_answer, lab_setup, lab_teardown),
        cmocka_unit_test_setup_teardown(what_is_late_is_taken_back, lab_setup, lab_teardown),
        cmocka_unit_test_setup_teardown(an_apply_waits_for_its_edge, lab_setup, lab_teardown),
        cmocka_unit_test_setup_teardown(a_surface_waits_for_its_edge, lab_setup, lab_teardown),
        cmocka_unit_test_setup_teardown(a_board_that_cannot_be_restored_is_told_once, lab_setup,
                                        lab_teardown),
        cmocka_unit_test_setup_teardown(a_link_comes_back_with_a_sequence_armed, lab_setup,
                                        lab_teardown),
        cmocka_unit_test_setup_teardown(a_board_that_will_not_blink_is_not_lost, lab_setup,
                                        lab_teardown),
        cmocka_unit_test_setup_teardown(it_stops_at_once_in_front_of_a_silent_board, lab_setup,
                                        lab_teardown),
        cmocka_unit_test_setup_teardown(a_qemu_that_dies_is_replaced, lab_setup, lab_teardown),
        cmocka_unit_test_setup_teardown(faults_of_tiles, lab_setup, lab_teardown),
        cmocka_unit_test_setup_teardown(faults_of_opensource, lab_setup, lab_teardown),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    done = true;
    pthread_join(thread, NULL);
    return failed;
}
