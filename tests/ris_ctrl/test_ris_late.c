/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What comes of a command whose board lies, keeps silent or is late, and of a profile that waits
 * for its edge. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "lab.h"
#include "own_time.h"

/* Every sequence is armed on elements that were just read back: the first one behind a wrong
 * read-back is refused, however soon it follows the one before. */
static void no_sequence_behind_a_wrong_readback(void **state)
{
    (void)state;
    uint8_t p[BYTES], q[BYTES];
    board("firmware", "serial", 921600);
    load_two(p, q);
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
    reset_set(5, "boards[0].ack_timeout_ms=5000");
    board("firmware", "serial", 921600);
    load_two(p, q);
    expect_ok(apply(0));
    late_is_undone("\"cmd\":\"arm\",\"steps\":[1],\"reps\":[1],\"period_ns\":90000,"
                   "\"delay_ns\":5000,\"idle\":1",
                   p);
    late_is_undone("\"cmd\":\"apply\",\"slot\":1", p);
    late_is_undone("\"cmd\":\"apply\",\"slot\":1,\"when\":\"trigger\"", p);
    expect_ok(apply(1));
    expect_shown(&far[0], q);
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

int main(void)
{
#define IN_LAB(test) cmocka_unit_test_setup_teardown(test, lab_setup, lab_teardown)
    const struct CMUnitTest tests[] = {
        IN_LAB(no_sequence_behind_a_wrong_readback), IN_LAB(silence_is_told_in_the_answer),
        IN_LAB(what_is_late_is_taken_back),          IN_LAB(an_apply_waits_for_its_edge),
        IN_LAB(a_surface_waits_for_its_edge),
    };
    return cmocka_run_group_tests(tests, own_time_setup, own_time_teardown);
}
