/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Faults of boards are reported within a second with the board's name and the cure, and what a
 * board showed is restored and verified. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lab.h"
#include "own_time.h"

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
    board("firmware", "serial", 921600);
    load_two(p, q);
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
#define IN_LAB(test) cmocka_unit_test_setup_teardown(test, lab_setup, lab_teardown)
    const struct CMUnitTest tests[] = {
        IN_LAB(faults_of_our_firmware),
        IN_LAB(a_board_that_cannot_be_restored_is_told_once),
        IN_LAB(a_link_comes_back_with_a_sequence_armed),
        IN_LAB(a_board_that_will_not_blink_is_not_lost),
        IN_LAB(it_stops_at_once_in_front_of_a_silent_board),
        IN_LAB(a_qemu_that_dies_is_replaced),
        IN_LAB(faults_of_tiles),
        IN_LAB(faults_of_opensource),
    };
    return cmocka_run_group_tests(tests, own_time_setup, own_time_teardown);
}
