/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Every driver against an emulated board: a process of its own with the real board's timing, and
 * with its faults. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/state_dir.h"
#include "emulated.h"
#include "ris_ctrl/board.h"
#include "ris_ctrl/stream_port.h"

static char folder[64];
static struct emulated far;
static struct board_cfg cfg;
static const struct board_driver *driver;
static struct board *board;
static struct status err;
static char told[256];
static int n_told;

static double now_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void on_tell(void *context, const char *text)
{
    (void)context;
    snprintf(told, sizeof told, "%s", text);
    n_told++;
}

static unsigned patience_ms; /* before a request counts as unanswered */

enum { RETRIES = 8 }; /* together with patience_ms more than a second for a machine that is busy */

static int setup(void **state)
{
    patience_ms = 150;
    (void)state;
    n_told = 0;
    told[0] = '\0';
    return state_dir_create("ris-drivers", folder, sizeof folder, &err);
}

static int teardown(void **state)
{
    (void)state;
    if (driver != NULL)
        driver->close(&board);
    emulated_stop(&far);
    return state_dir_remove(folder, &err);
}

static void expect_ok(int r)
{
    if (r != OK)
        fail_msg("%s: %s", status_name(r), err.text);
}

static void start(const char *kind, const struct board_driver *d, unsigned baud)
{
    emulated_start(&far, kind, folder, "board", baud);
    driver = d;
    cfg = (struct board_cfg){.name = "wall",
                             .shape = {16, 16, 1},
                             .n_slots = 64,
                             .trigger = RIS_TRIGGER_RISING,
                             .port = far.port,
                             .baud = baud,
                             .tile = 2,
                             .ack_timeout_ms = patience_ms,
                             .retries = RETRIES,
                             .tell = on_tell};
    if (d == &board_tile)
        cfg.shape.bits = 2;
    board = d->open(&cfg, &err);
    if (board == NULL)
        fail_msg("%s", err.text);
}

static void random_pattern(uint32_t *seed, uint8_t *p)
{
    for (size_t i = 0; i < ris_pattern_bytes(cfg.shape); i++) {
        *seed = *seed * 1664525u + 1013904223u;
        p[i] = (uint8_t)(*seed >> 16);
    }
}

static void show(uint16_t slot, const uint8_t *p)
{
    struct board_ack ack;
    uint64_t hash = ris_profile_hash(cfg.shape, p);
    expect_ok(driver->load(board, slot, p, &ack, &err));
    assert_true(ack.hash == hash);
    expect_ok(driver->apply(board, slot, RIS_NOW, &ack, &err));
    assert_true(ack.hash == hash);
}

/* What the diodes have, from the other side. */
static void expect_on_board(const uint8_t *p)
{
    char text[256], want[2 * RIS_PATTERN_MAX + 1];
    for (size_t i = 0; i < ris_pattern_bytes(cfg.shape); i++)
        snprintf(want + 2 * i, 3, "%02x", p[i]);
    emulated_tell(&far, "shown", text);
    assert_string_equal(text, want);
}

static void round_trips(unsigned n)
{
    uint32_t seed = 5;
    uint8_t p[RIS_PATTERN_MAX];
    struct board_readback back;
    double began = now_s();
    for (unsigned i = 0; i < n; i++) {
        random_pattern(&seed, p);
        show((uint16_t)(i % 64), p);
        expect_ok(driver->readback(board, RIS_SLOT_ACTIVE, &back, &err));
        assert_memory_equal(back.pattern, p, ris_pattern_bytes(cfg.shape));
        if (back.unread || i % 50 == 0) /* its own memory, or a look at it */
            expect_on_board(p);
    }
    print_message("%s: %u profiles there and back, %.2f ms each\n", driver->name, n,
                  1e3 * (now_s() - began) / n);
}

static void serial_profiles_come_back(void **state)
{
    (void)state;
    patience_ms = 5000;
    struct board_status status;
    start("firmware", &board_serial, 921600);
    round_trips(1000);
    expect_ok(driver->status(board, &status, &err));
    assert_int_equal(status.state.supply_mv, 3301);
    assert_int_equal(n_told, 0);
}

static void opensource_profiles_come_back(void **state)
{
    (void)state;
    char text[256];
    patience_ms = 5000;
    start("opensource", &board_opensource, 115200);
    round_trips(1000);
    emulated_tell(&far, "stats", text);
    assert_string_equal(text, "patterns 1000 pipelined 0 fast 0 bad 0");
}

static void tile_profiles_come_back(void **state)
{
    (void)state;
    char text[256];
    struct board_readback back;
    patience_ms = 5000;
    start("tile", &board_tile, 115200);
    round_trips(1000);
    emulated_tell(&far, "stats", text);
    assert_string_equal(text, "patterns 1000 pipelined 0 fast 0 bad 0");
    expect_ok(driver->readback(board, RIS_SLOT_ACTIVE, &back, &err));
    assert_true(back.unread);
}

static void any_baud_up_to_four_million(void **state)
{
    (void)state;
    static const unsigned bauds[] = {9600, 250000, 1234567, 4000000};
    uint8_t p[RIS_PATTERN_MAX] = {1, 2, 3};
    for (size_t i = 0; i < sizeof bauds / sizeof *bauds; i++) {
        start("firmware", &board_serial, bauds[i]);
        show(1, p);
        expect_on_board(p);
        driver->close(&board);
        emulated_stop(&far);
    }
}

/* An answer is lost, an answer is late: told at once, and the profile holds in the end. */
static void lost_and_late_answers(const char *kind, const struct board_driver *d)
{
    uint8_t p[RIS_PATTERN_MAX] = {0x5a, 1, 2, 3}, q[RIS_PATTERN_MAX] = {7};
    struct board_ack ack;
    start(kind, d, 115200);
    show(0, p);
    emulated_tell(&far, "mute", NULL);
    expect_ok(driver->load(board, 1, q, &ack, &err));
    expect_ok(driver->apply(board, 1, RIS_NOW, &ack, &err));
    assert_true(n_told > 0);
    assert_non_null(strstr(told, "board wall: no answer for 150 ms"));
    expect_on_board(q);
    emulated_tell(&far, "slow 170", NULL); /* after its request was given up */
    n_told = 0;
    expect_ok(driver->load(board, 0, p, &ack, &err));
    int r = driver->apply(board, 0, RIS_NOW, &ack, &err);
    assert_true(r == OK || r == ERR_TIMEOUT);
    assert_true(n_told > 0);
    emulated_tell(&far, "fine", NULL);
    show(2, p);
    expect_on_board(p);
}

static void serial_answers_get_lost(void **state)
{
    (void)state;
    lost_and_late_answers("firmware", &board_serial);
}

static void opensource_answers_get_lost(void **state)
{
    (void)state;
    lost_and_late_answers("opensource", &board_opensource);
}

static void tile_answers_get_lost(void **state)
{
    (void)state;
    lost_and_late_answers("tile", &board_tile);
}

static void silence_and_disconnects(const char *kind, const struct board_driver *d)
{
    uint8_t p[RIS_PATTERN_MAX] = {9, 8, 7};
    char silent[80];
    struct board_ack ack;
    struct board_status status;
    start(kind, d, 115200);
    show(0, p);
    expect_ok(driver->status(board, &status, &err));
    assert_true(status.state.shown == ris_profile_hash(cfg.shape, p));
    emulated_tell(&far, "silent", NULL);
    assert_int_equal(driver->apply(board, 0, RIS_NOW, &ack, &err), ERR_TIMEOUT);
    snprintf(silent, sizeof silent, "board wall: no answer in %d tries of 150 ms; check",
             RETRIES + 1);
    assert_non_null(strstr(err.text, silent));
    emulated_tell(&far, "fine", NULL);
    show(0, p); /* nothing is left of the past */
    emulated_tell(&far, "unplug", NULL);
    n_told = 0;
    assert_int_equal(driver->status(board, &status, &err), ERR_IO);
    assert_int_equal(n_told, 0); /* known at once, without a try in vain */
    assert_non_null(strstr(err.text, "; check that it"));
    driver->close(&board);
    assert_null(driver->open(&cfg, &err));
    assert_non_null(strstr(err.text, "board wall: cannot "));
    emulated_tell(&far, "plug", NULL);
    board = driver->open(&cfg, &err);
    if (board == NULL)
        fail_msg("%s", err.text);
    show(3, p);
    expect_on_board(p);
}

static void serial_silence(void **state)
{
    (void)state;
    silence_and_disconnects("firmware", &board_serial);
}

static void opensource_silence(void **state)
{
    (void)state;
    silence_and_disconnects("opensource", &board_opensource);
}

static void tile_silence(void **state)
{
    (void)state;
    silence_and_disconnects("tile", &board_tile);
}

static void refusals_say_why(void **state)
{
    (void)state;
    uint8_t p[RIS_PATTERN_MAX] = {0};
    struct board_ack ack;
    struct ris_arm arm = {
        .period_ns = 1000, .n_edges = 1, .n_steps = 2, .steps = {0, 1}, .reps = {1}};
    start("opensource", &board_opensource, 115200);
    assert_int_equal(driver->apply(board, 5, RIS_NOW, &ack, &err), ERR_STATE);
    assert_non_null(strstr(err.text, "load the slot first"));
    assert_int_equal(driver->load(board, 64, p, &ack, &err), ERR_STATE);
    assert_int_equal(driver->arm(board, &arm, &ack, &err), ERR_STATE);
    assert_non_null(strstr(err.text, "no trigger input"));
    expect_ok(driver->arm(board, NULL, &ack, &err));
    expect_ok(driver->trigger(board, RIS_TRIGGER_NONE, &ack, &err));
    driver->close(&board);
    cfg.shape.bits = 2;
    assert_null(driver->open(&cfg, &err));
    assert_non_null(strstr(err.text, "16 x 16 elements of 1 bit"));
    emulated_stop(&far);
    start("tile", &board_tile, 115200);
    show(0, p);
    emulated_tell(&far, "nack", NULL);
    assert_int_equal(driver->apply(board, 0, RIS_NOW, &ack, &err), ERR_STATE);
    assert_non_null(strstr(err.text, "refused the frame"));
    emulated_tell(&far, "fine", NULL);
    show(0, p); /* the server hung up, the driver connects again */
}

/* One sequence after another that stays with its profile, as between the bursts of a base station
 * that tells paths apart by steering: each shows it, and is acknowledged like any board's. */
static void still_sequences(const char *kind, const struct board_driver *d)
{
    uint8_t p[RIS_PATTERN_MAX] = {0x5a, 1}, q[RIS_PATTERN_MAX] = {7, 8, 9};
    struct board_ack ack;
    struct board_status status;
    struct ris_arm arm = {.period_ns = 1000, .n_edges = 2, .n_steps = 1, .reps = {1, 1}};
    patience_ms = 5000;
    start(kind, d, 115200);
    expect_ok(driver->load(board, 0, p, &ack, &err));
    expect_ok(driver->load(board, 2, q, &ack, &err));
    for (uint16_t slot = 0; slot <= 2; slot = (uint16_t)(slot + 2)) {
        const uint64_t hash = ris_profile_hash(cfg.shape, slot == 0 ? p : q);
        const uint64_t both[] = {hash, hash};
        arm.idle = arm.steps[0] = slot;
        arm.tag = 40u + slot;
        expect_ok(driver->arm(board, &arm, &ack, &err));
        assert_true(ack.hash == ris_arm_hash(both, 2));
        expect_on_board(slot == 0 ? p : q);
        expect_ok(driver->status(board, &status, &err));
        assert_int_equal(status.state.mode, RIS_IDLE); /* so it is read back while it stands */
        assert_int_equal(status.state.tag, arm.tag);
        assert_true(status.state.shown == hash);
    }
    expect_ok(driver->arm(board, NULL, &ack, &err));
    expect_on_board(q);
    arm.steps[0] = 0;
    assert_int_equal(driver->arm(board, &arm, &ack, &err), ERR_STATE);
    assert_non_null(strstr(err.text, "no trigger input"));
    arm.idle = arm.steps[0] = 5;
    assert_int_equal(driver->arm(board, &arm, &ack, &err), ERR_STATE);
    assert_non_null(strstr(err.text, "load the slot first"));
}

static void opensource_holds_still(void **state)
{
    (void)state;
    still_sequences("opensource", &board_opensource);
}

static void tile_holds_still(void **state)
{
    (void)state;
    still_sequences("tile", &board_tile);
}

/* Silent on a command it does not like, like every bad command; then its read-back lies. */
static void opensource_is_verified(void **state)
{
    (void)state;
    uint8_t p[RIS_PATTERN_MAX] = {0xff, 0, 1};
    struct board_ack ack;
    struct board_status status;
    start("opensource", &board_opensource, 115200);
    driver->close(&board);
    cfg.verify = true;
    board = driver->open(&cfg, &err);
    if (board == NULL)
        fail_msg("%s", err.text);
    show(0, p);
    expect_ok(driver->status(board, &status, &err));
    assert_int_equal(status.state.supply_mv, 4980);
    assert_string_equal(status.serial, "7");
    emulated_tell(&far, "lie", NULL);
    assert_int_equal(driver->apply(board, 0, RIS_NOW, &ack, &err), ERR_STATE);
    assert_non_null(strstr(err.text, "reads back another pattern"));
    emulated_tell(&far, "fine", NULL);
    emulated_tell(&far, "nack", NULL);
    show(0, p); /* refused in silence, but it shows it already: ?Pattern tells */
    p[5] = 0x55;
    expect_ok(driver->load(board, 1, p, &ack, &err));
    assert_int_equal(driver->apply(board, 1, RIS_NOW, &ack, &err), ERR_STATE);
}

static void opensource_resets(void **state)
{
    (void)state;
    uint8_t p[RIS_PATTERN_MAX] = {0xff, 0, 1};
    struct board_status status;
    start("opensource", &board_opensource, 115200);
    show(0, p);
    emulated_tell(&far, "reset", NULL);
    assert_int_equal(driver->status(board, &status, &err), ERR_IO);
    assert_non_null(strstr(err.text, "was reset"));
    driver->close(&board);
    board = driver->open(&cfg, &err);
    if (board == NULL)
        fail_msg("%s", err.text);
    show(0, p);
    expect_on_board(p);
}

/* One letter too many must not acknowledge a frame that the server then drops. */
static void tile_answers_belong_to_their_frames(void **state)
{
    (void)state;
    uint8_t p[RIS_PATTERN_MAX] = {1}, q[RIS_PATTERN_MAX] = {2};
    struct board_ack ack;
    struct board_status status;
    start("tile", &board_tile, 115200);
    show(0, p);
    emulated_tell(&far, "twice", NULL);
    show(0, p);
    emulated_tell(&far, "silent", NULL);
    expect_ok(driver->load(board, 1, q, &ack, &err));
    assert_int_equal(driver->apply(board, 1, RIS_NOW, &ack, &err), ERR_TIMEOUT);
    emulated_tell(&far, "fine", NULL);
    show(1, q);
    expect_on_board(q);
    expect_ok(driver->status(board, &status, &err));
    assert_int_equal(status.link_bad, 1);
}

static void ports_are_ours_alone(void **state)
{
    (void)state;
    start("firmware", &board_serial, 115200);
    struct board *second = driver->open(&cfg, &err);
    assert_null(second);
    assert_int_equal(err.code, ERR_BUSY);
    assert_non_null(strstr(err.text, "in use"));
    assert_true(stream_port_valid("/dev/ttyACM0"));
    assert_true(stream_port_valid("unix:/a"));
    assert_true(stream_port_valid("tcp:host:1"));
    assert_false(stream_port_valid("tcp:host"));
    assert_false(stream_port_valid("COM3"));
    assert_false(stream_port_valid(""));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(serial_profiles_come_back, setup, teardown),
        cmocka_unit_test_setup_teardown(opensource_profiles_come_back, setup, teardown),
        cmocka_unit_test_setup_teardown(tile_profiles_come_back, setup, teardown),
        cmocka_unit_test_setup_teardown(any_baud_up_to_four_million, setup, teardown),
        cmocka_unit_test_setup_teardown(serial_answers_get_lost, setup, teardown),
        cmocka_unit_test_setup_teardown(opensource_answers_get_lost, setup, teardown),
        cmocka_unit_test_setup_teardown(tile_answers_get_lost, setup, teardown),
        cmocka_unit_test_setup_teardown(serial_silence, setup, teardown),
        cmocka_unit_test_setup_teardown(opensource_silence, setup, teardown),
        cmocka_unit_test_setup_teardown(tile_silence, setup, teardown),
        cmocka_unit_test_setup_teardown(refusals_say_why, setup, teardown),
        cmocka_unit_test_setup_teardown(opensource_holds_still, setup, teardown),
        cmocka_unit_test_setup_teardown(tile_holds_still, setup, teardown),
        cmocka_unit_test_setup_teardown(opensource_is_verified, setup, teardown),
        cmocka_unit_test_setup_teardown(opensource_resets, setup, teardown),
        cmocka_unit_test_setup_teardown(tile_answers_belong_to_their_frames, setup, teardown),
        cmocka_unit_test_setup_teardown(ports_are_ours_alone, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
