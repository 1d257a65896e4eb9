/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The board's ARM program, as it is flashed, in QEMU: what its elements show is decoded from its
 * pins, never asked from itself. FIRMWARE_BOOTS=N boots it N times (10; long campaigns 200). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/firmware/arm_board.h"

static struct arm_board board;

static int boot(void **state)
{
    (void)state;
    arm_board_boot(&board);
    return 0;
}

static int unplug(void **state)
{
    (void)state;
    arm_board_unplug(&board);
    return 0;
}

static void test_patterns_reach_the_diodes(void **state)
{
    (void)state;
    struct status err = {.code = OK};
    struct board_readback back;
    for (unsigned seed = 1; seed <= 1000; seed++) {
        uint16_t slot = (uint16_t)(seed * 7 % ARM_SLOTS);
        arm_board_load(&board, slot, seed);
        arm_board_apply(&board, slot, RIS_NOW);
        arm_board_assert_shows(&board, seed);
        assert_int_equal(packet_board_readback(&board.packet, RIS_SLOT_ACTIVE, &back, &err), OK);
        assert_memory_equal(back.pattern, board.log.latched, ARM_BYTES);
    }
}

static void test_dark_until_the_first_profile_holds(void **state)
{
    (void)state;
    arm_board_assert_dark(&board);
    arm_board_load(&board, 3, 42);
    arm_board_assert_dark(&board);
    assert_int_equal(arm_board_state(&board).mode, RIS_DARK);
    arm_board_apply(&board, 3, RIS_NOW);
    arm_board_assert_shows(&board, 42);
    assert_int_equal(board.n_latch, 1);
}

/* Element by element: one diode on, in its place. */
static void test_each_element_by_itself(void **state)
{
    (void)state;
    struct status err = {.code = OK};
    struct board_ack ack;
    for (size_t m = 0; m < 256; m++) {
        uint8_t pattern[ARM_BYTES] = {0};
        ris_pattern_set(ARM_SHAPE, pattern, m, 1);
        assert_int_equal(packet_board_load(&board.packet, 0, pattern, &ack, &err), OK);
        arm_board_apply(&board, 0, RIS_NOW);
        arm_board_look(&board);
        assert_memory_equal(board.log.latched, pattern, ARM_BYTES);
    }
}

static const struct ris_arm lab = {
    .tag = 17,
    .delay_ns = 5000,
    .period_ns = 92160,
    .idle = 2,
    .n_edges = 2,
    .n_steps = 8,
    .reps = {8, 1},
    .steps = {0, 0, 1, 1, 1, 1, 0, 0},
};

static void load_three(void)
{
    for (uint16_t slot = 0; slot < 3; slot++)
        arm_board_load(&board, slot, 100u + slot);
}

static void assert_latch(size_t i, uint16_t slot)
{
    uint8_t pattern[ARM_BYTES];
    arm_board_pattern(100u + slot, pattern);
    assert_memory_equal(board.latches[i], pattern, ARM_BYTES);
}

/* The lab's cycle: 64 steps at the first edge, 8 at the second, idle around both. */
static void test_edges_step_an_armed_sequence(void **state)
{
    (void)state;
    load_three();
    for (int cycle = 0; cycle < 3; cycle++) {
        arm_board_forget(&board);
        arm_board_arm(&board, &lab);
        arm_board_look(&board);
        assert_int_equal(board.n_latch, 1);
        assert_latch(0, lab.idle);
        size_t at = 1;
        for (size_t e = 0; e < lab.n_edges; e++) {
            size_t n = (size_t)lab.reps[e] * lab.n_steps;
            arm_board_pulse(&board);
            arm_board_wait_latches(&board, at + n + 1);
            for (size_t k = 0; k < n; k++)
                assert_latch(at + k, lab.steps[k % lab.n_steps]);
            assert_latch(at + n, lab.idle);
            at += n + 1;
        }
        struct ris_state s = arm_board_state(&board);
        assert_int_equal(s.mode, RIS_IDLE);
        assert_int_equal(s.sequences, cycle + 1);
        assert_int_equal(s.edges, 2 * (cycle + 1));
        assert_int_equal(s.stray_edges, 0);
        arm_board_look(&board);
        assert_int_equal(board.n_latch, at);
    }
}

static void test_apply_waits_for_its_edge(void **state)
{
    (void)state;
    load_three();
    arm_board_apply(&board, 0, RIS_NOW);
    arm_board_apply(&board, 1, RIS_AT_EDGE);
    arm_board_assert_shows(&board, 100);
    arm_board_forget(&board);
    arm_board_pulse(&board);
    arm_board_wait_latches(&board, 1);
    arm_board_assert_shows(&board, 101);
    arm_board_pulse(&board); /* nobody waits for this one */
    assert_int_equal(arm_board_state(&board).stray_edges, 1);
    arm_board_assert_shows(&board, 101);
    assert_int_equal(board.n_latch, 1);
}

static void test_falling_edge_when_asked(void **state)
{
    (void)state;
    struct status err = {.code = OK};
    struct board_ack ack;
    load_three();
    assert_int_equal(packet_board_trigger(&board.packet, RIS_TRIGGER_NONE, &ack, &err), OK);
    arm_board_pulse(&board);
    assert_int_equal(arm_board_state(&board).edges, 0);
    assert_int_equal(packet_board_trigger(&board.packet, RIS_TRIGGER_FALLING, &ack, &err), OK);
    arm_board_pulse(&board);
    assert_int_equal(arm_board_state(&board).edges, 1);
}

static void test_reads_back_what_it_says(void **state)
{
    (void)state;
    struct status err = {.code = OK};
    struct board_readback back;
    uint8_t pattern[ARM_BYTES];
    load_three();
    arm_board_apply(&board, 1, RIS_NOW);
    arm_board_pattern(101, pattern);
    assert_int_equal(packet_board_readback(&board.packet, RIS_SLOT_ACTIVE, &back, &err), OK);
    assert_memory_equal(back.pattern, pattern, ARM_BYTES);
    assert_int_equal(back.source, RIS_FROM_RAM); /* QEMU's pin reads low: no wire from QH' */
    assert_int_equal(packet_board_readback(&board.packet, 9, &back, &err), ERR_STATE);
}

/* Garbage, then packets with one byte changed, then packets cut short: what shows does not change,
 * and the board still obeys. */
static void test_damage_changes_nothing(void **state)
{
    (void)state;
    struct ris_msg m = {.type = RIS_APPLY, .seq = 999, .ask = {.slot = 1}};
    uint8_t wire[RIS_WIRE_MAX], bad[RIS_WIRE_MAX];
    unsigned x = 5;
    load_three();
    arm_board_apply(&board, 0, RIS_NOW);
    arm_board_forget(&board);
    int n = ris_msg_encode(&m, wire, sizeof wire);
    assert_true(n > 0);
    for (int i = 0; i < 40; i++) {
        for (size_t k = 0; k < sizeof bad; k++)
            bad[k] = (uint8_t)((x = x * 1103515245u + 12345u) >> 16);
        arm_board_raw(&board, bad, sizeof bad);
    }
    for (int at = 1; at < n - 1; at++)
        for (unsigned bit = 0; bit < 8; bit++) {
            memcpy(bad, wire, (size_t)n);
            bad[at] ^= (uint8_t)(1u << bit);
            arm_board_raw(&board, bad, (size_t)n);
        }
    for (int cut = 1; cut < n - 1; cut++) {
        arm_board_raw(&board, wire, (size_t)cut);
        arm_board_raw(&board, "", 1); /* the delimiter of the next one */
    }
    assert_true(arm_board_state(&board).bad_packets > 80);
    arm_board_assert_shows(&board, 100);
    assert_int_equal(board.n_latch, 0);
    arm_board_apply(&board, 2, RIS_NOW);
    arm_board_assert_shows(&board, 102);
}

/* The plug is pulled in the middle of a packet, on and on: never half a profile on the elements. */
static void test_power_fails_while_loading(void **state)
{
    (void)state;
    struct ris_msg m = {.type = RIS_LOAD, .seq = 7};
    uint8_t wire[RIS_WIRE_MAX];
    m.load.shape = ARM_SHAPE;
    m.load.n = ARM_BYTES;
    arm_board_pattern(77, m.load.data);
    m.load.hash = ris_profile_hash(ARM_SHAPE, m.load.data);
    int n = ris_msg_encode(&m, wire, sizeof wire);
    assert_true(n > 0);
    for (int i = 0; i < 5; i++) {
        arm_board_raw(&board, wire, (size_t)(n * (i + 1) / 6));
        arm_board_assert_dark(&board);
        uint32_t before = board.packet.boot_id;
        arm_board_unplug(&board);
        arm_board_boot(&board);
        assert_int_not_equal(board.packet.boot_id, before);
        arm_board_assert_dark(&board);
        assert_int_equal(arm_board_state(&board).slots_loaded, 0);
    }
    arm_board_load(&board, 0, 5);
    arm_board_apply(&board, 0, RIS_NOW);
    arm_board_assert_shows(&board, 5);
}

static void test_every_boot_is_dark_and_obeys(void **state)
{
    (void)state;
    const char *given = getenv("FIRMWARE_BOOTS");
    int boots = given != NULL ? atoi(given) : 10;
    for (int i = 0; i < boots; i++) {
        arm_board_unplug(&board);
        arm_board_boot(&board);
        arm_board_assert_dark(&board);
        arm_board_load(&board, (uint16_t)(i % ARM_SLOTS), (unsigned)i);
        arm_board_apply(&board, (uint16_t)(i % ARM_SLOTS), RIS_NOW);
        arm_board_assert_shows(&board, (unsigned)i);
    }
}

static void test_uptime_runs_like_the_wall_clock(void **state)
{
    (void)state;
    uint32_t first = arm_board_state(&board).uptime_ms;
    for (int i = 0; i < 10; i++)
        assert_true(qemu_machine_read(&board.machine, &board.log, 50) >= 0);
    uint32_t passed = arm_board_state(&board).uptime_ms - first;
    assert_in_range(passed, 100, 10000);
}

/* The variant for boards that must not shine unattended: packets keep it, silence resets it. */
static void test_silence_turns_the_outputs_off(void **state)
{
    (void)state;
    arm_board_unplug(&board);
    arm_board_boot_silence(&board);
    uint32_t first = board.packet.boot_id;
    arm_board_load(&board, 0, 8);
    arm_board_apply(&board, 0, RIS_NOW);
    arm_board_assert_shows(&board, 8);
    for (int i = 0; i < 50 && !board.log.dark; i++)
        assert_true(qemu_machine_read(&board.machine, &board.log, 100) >= 0);
    assert_true(board.log.dark);
    arm_board_hello(&board);
    assert_int_not_equal(board.packet.boot_id, first);
    assert_int_equal(arm_board_state(&board).slots_loaded, 0);
}

/* The largest board: a profile of 1024 bytes comes in pieces and goes to 8192 outputs, whose log is
 * longer than a pipe: it is read while the board is asked. */
static struct large_board {
    struct qemu_machine machine;
    struct packet_board packet;
    struct shift_log log;
    _Atomic uint64_t n_latch;
    _Atomic bool stop;
} large;

static void *read_log(void *arg)
{
    (void)arg;
    while (!large.stop && qemu_machine_read(&large.machine, &large.log, 50) >= 0)
        large.n_latch = large.log.n_latch;
    return NULL;
}

static void test_the_largest_board(void **state)
{
    static uint8_t pattern[LARGE_BYTES];
    struct status err = {.code = OK};
    struct board_ack ack;
    struct board_readback back;
    pthread_t reader;
    (void)state;
    arm_board_start_large(&large.machine, &large.packet, &large.log);
    assert_int_equal(pthread_create(&reader, NULL, read_log, NULL), 0);
    arm_board_hello_large(&large.packet);
    for (unsigned seed = 1; seed <= 5; seed++) {
        uint16_t slot = (uint16_t)(seed == 5 ? 63 : seed);
        for (size_t i = 0; i < LARGE_BYTES; i++)
            pattern[i] = (uint8_t)((seed + i) * 2654435761u >> 13);
        assert_int_equal(packet_board_load(&large.packet, slot, pattern, &ack, &err), OK);
        assert_int_equal(packet_board_apply(&large.packet, slot, RIS_NOW, &ack, &err), OK);
        assert_int_equal(packet_board_readback(&large.packet, RIS_SLOT_ACTIVE, &back, &err), OK);
        assert_memory_equal(back.pattern, pattern, LARGE_BYTES);
        for (int i = 0; i < 2000 && large.n_latch < seed; i++)
            usleep(10000);
        assert_int_equal(large.n_latch, seed);
        assert_false(large.log.dark);
        assert_memory_equal(large.log.latched, pattern, LARGE_BYTES);
    }
    large.stop = true;
    pthread_join(reader, NULL);
    qemu_machine_stop(&large.machine);
}

/* Does the log of registers say this before long? (QEMU has no model of these, nor the right name
 * of the watchdog.) */
static bool logs(const char *line)
{
    static char text[1 << 16];
    size_t n = 0;
    for (int i = 0; i < 100; i++) {
        struct pollfd p = {.fd = board.machine.log, .events = POLLIN};
        if (poll(&p, 1, 100) > 0 && n < sizeof text - 1) {
            ssize_t got = read(board.machine.log, text + n, sizeof text - 1 - n);
            n += got > 0 ? (size_t)got : 0;
            text[n] = 0;
        }
        if (strstr(text, line))
            return true;
    }
    return false;
}

/* The watchdog is started and gets its meals. What a starving or sinking board does only the chip
 * can show (QEMU has neither watchdog nor supply); the logic is in test_guard. */
static void test_the_watchdog_is_fed(void **state)
{
    (void)state;
    assert_true(logs("offset 0x000, value 0x0000aaaa"));
    assert_true(logs("offset 0x000, value 0x0000aaaa"));
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, boot, unplug)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_dark_until_the_first_profile_holds),
        TEST(test_patterns_reach_the_diodes),
        TEST(test_each_element_by_itself),
        TEST(test_edges_step_an_armed_sequence),
        TEST(test_apply_waits_for_its_edge),
        TEST(test_falling_edge_when_asked),
        TEST(test_reads_back_what_it_says),
        TEST(test_damage_changes_nothing),
        TEST(test_power_fails_while_loading),
        TEST(test_every_boot_is_dark_and_obeys),
        TEST(test_silence_turns_the_outputs_off),
        TEST(test_uptime_runs_like_the_wall_clock),
        TEST(test_the_watchdog_is_fed),
        cmocka_unit_test(test_the_largest_board),
    };
    const char *missing = arm_board_missing();
    if (missing != NULL) {
        printf("skipped: %s\n", missing);
        return 77;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
