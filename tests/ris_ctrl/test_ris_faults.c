/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Faults of boards are reported within a second with the board's name and the cure, and what a
 * board showed is restored and verified. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
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

static double stalled_s(void)
{
    return 1e-6 * (double)stalled;
}

/* The fault of this name is known within a second, with the board's name and a cure. */
static void fault(const char *what, const char *event)
{
    char text[300];
    double began = now_s();
    stalled = 0;
    emulated_tell(&far[0], what, NULL);
    double took = await_news(event, began, text, sizeof text);
    print_message("%s: reported after %.2f s: %s\n", what, took, text);
    if (strstr(text, "board wall: ") == NULL || strstr(text, "; ") == NULL)
        fail_msg("no name or cure: %s", text);
    assert_true(took < 1.0 + stalled_s());
}

static void all_faults(const char *kind, const char *driver, unsigned baud)
{
    uint8_t p[BYTES], q[BYTES];
    pattern(1, p);
    pattern(2, q);
    board(kind, driver, baud);
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
}

static void faults_of_our_firmware(void **state)
{
    (void)state;
    all_faults("firmware", "serial", 921600);
    fault("lie", "wrong");
    emulated_tell(&far[0], "fine", NULL);
    await_news("corrected", now_s(), NULL, 0);
    emulated_tell(&far[0], "nack", NULL);
    double began = now_s();
    refused(apply(3), "state", "refused");
    char text[300];
    assert_true(await_news("refused", began, text, sizeof text) < 1.0);
    assert_non_null(strstr(text, "board wall: "));
    emulated_tell(&far[0], "fine", NULL);
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

#define TILE_BYTES 64 /* 16 x 16 of 2 bits */

static json_t *load_tile(unsigned slot, const uint8_t *p)
{
    return ask(p, TILE_BYTES,
               "\"cmd\":\"load\",\"board\":\"wall\",\"slot\":%u,\"columns\":16,\"rows\":16,"
               "\"bits\":2",
               slot);
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

static void faults_of_opensource(void **state)
{
    (void)state;
    all_faults("opensource", "opensource", 115200);
    fault("lie", "lost"); /* ?Pattern is its health: it is opened anew, and stays away */
    emulated_tell(&far[0], "fine", NULL);
    await_news("back", now_s(), NULL, 0);
}

/* The tile's answer is all that is known of it: its faults are silence, refusal and the cable. */
static void faults_of_tiles(void **state)
{
    (void)state;
    uint8_t p[TILE_BYTES], q[TILE_BYTES];
    char text[300];
    for (size_t i = 0; i < TILE_BYTES; i++) {
        p[i] = (uint8_t)(0x5a ^ 7 * i);
        q[i] = (uint8_t)(0xc3 ^ 5 * i);
    }
    board("tile", "tile", 115200);
    expect_ok(load_tile(3, p));
    expect_ok(apply(3));
    expect_ok(load_tile(3, q));
    emulated_tell(&far[0], "shown", text);
    char *before = strdup(text);

    fault("unplug", "lost");
    refused(apply(3), "io", "board wall");
    emulated_tell(&far[0], "plug", NULL);
    await_news("back", now_s(), NULL, 0);
    emulated_tell(&far[0], "shown", text);
    assert_string_equal(text, before); /* not what its slot holds now */

    emulated_tell(&far[0], "silent", NULL); /* it says nothing unless it is sent something */
    double began = now_s();
    refused(apply(3), "timeout", "board wall");
    assert_true(await_news("silent", began, text, sizeof text) < 1.0 + stalled_s());
    assert_non_null(strstr(text, "board wall: "));
    emulated_tell(&far[0], "fine", NULL);
    free(before);
}

/* Before its edge nothing of a sequence is shown: a disarmed or reset board shows what it did. */
static void what_waits_for_an_edge_is_not_shown(void **state)
{
    (void)state;
    uint8_t p[BYTES], q[BYTES];
    pattern(1, p);
    pattern(2, q);
    board("firmware", "serial", 921600);
    expect_ok(load(0, q));
    expect_ok(load(1, q));
    expect_ok(load(3, p));
    expect_ok(apply(3));
    expect_ok(ask(NULL, 0, "\"cmd\":\"apply\",\"board\":\"wall\",\"slot\":1,\"when\":\"trigger\""));
    expect_ok(ask(NULL, 0, "\"cmd\":\"disarm\",\"board\":\"wall\""));
    expect_shown(&far[0], p);
    fault("lie", "wrong"); /* p is still looked after */
    emulated_tell(&far[0], "fine", NULL);
    await_news("corrected", now_s(), NULL, 0);
    expect_ok(arm());
    fault("reset", "lost");
    await_news("back", now_s(), NULL, 0);
    expect_shown(&far[0], p);
}

/* An ARM that is acknowledged after its time is taken back: it would play in another cycle. */
static void a_late_sequence_is_disarmed(void **state)
{
    (void)state;
    uint8_t p[BYTES];
    char text[300];
    pattern(1, p);
    board("firmware", "serial", 921600);
    expect_ok(load(0, p));
    expect_ok(load(1, p));
    emulated_tell(&far[0], "slow 150", NULL);
    double began = now_s();
    json_t *a = ask(NULL, 0,
                    "\"cmd\":\"arm\",\"board\":\"wall\",\"steps\":[1],\"reps\":[1],"
                    "\"period_ns\":90000,\"delay_ns\":5000,\"idle\":0,\"by_ns\":%lld",
                    (long long)unix_ns() + 120000000);
    refused(a, "timeout", "after its time and disarmed");
    assert_true(await_news("late", began, text, sizeof text) < 1.0 + stalled_s());
    emulated_tell(&far[0], "fine", NULL);
    a = ask(NULL, 0, "\"cmd\":\"status\",\"board\":\"wall\"");
    assert_string_not_equal(word(a, "mode"), "armed");
    assert_string_not_equal(word(a, "mode"), "");
    json_decref(a);
}

/* It opens and refuses its profiles: one line, and fewer and fewer tries. */
static void a_board_that_only_opens_is_told_once(void **state)
{
    (void)state;
    uint8_t p[BYTES];
    char text[8192];
    pattern(1, p);
    board("firmware", "serial", 921600);
    expect_ok(load(3, p));
    expect_ok(apply(3));
    emulated_tell(&far[0], "nack", NULL);
    fault("reset", "lost");
    sleep(3);
    bench_log(&bench, text, sizeof text);
    unsigned n = 0;
    for (const char *at = text; (at = strstr(at, "refused")) != NULL; at++)
        n++;
    if (n == 0 || n > 2)
        fail_msg("%u lines: %s", n, text);
    emulated_tell(&far[0], "fine", NULL);
    await_news("back", now_s(), NULL, 0);
    expect_shown(&far[0], p);
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
        cmocka_unit_test_setup_teardown(faults_of_opensource, lab_setup, lab_teardown),
        cmocka_unit_test_setup_teardown(faults_of_tiles, lab_setup, lab_teardown),
        cmocka_unit_test_setup_teardown(what_waits_for_an_edge_is_not_shown, lab_setup,
                                        lab_teardown),
        cmocka_unit_test_setup_teardown(a_late_sequence_is_disarmed, lab_setup, lab_teardown),
        cmocka_unit_test_setup_teardown(a_board_that_only_opens_is_told_once, lab_setup,
                                        lab_teardown),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    done = true;
    pthread_join(thread, NULL);
    return failed;
}
