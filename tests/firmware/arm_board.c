/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ris_ctrl/clock.h"
#include "tests/firmware/arm_board.h"

#define ELF         MIRADOR_BIN_DIR "/firmware/ris-netduinoplus2.elf"
#define ELF_SILENCE MIRADOR_BIN_DIR "/firmware/ris-netduinoplus2-silence.elf"
#define ELF_LARGE   MIRADOR_BIN_DIR "/firmware/ris-netduinoplus2-64x64x2.elf"
#define BOOT_TRIES  500
#define BOOT_MS     20
#define ACK_MS      2000
#define LATCH_US    20000000

static const struct board_cfg cfg = {
    .name = "arm", .shape = {16, 16, 1}, .n_slots = ARM_SLOTS, .ack_timeout_ms = BOOT_MS};

const char *arm_board_missing(void)
{
    if (access(ELF, R_OK) != 0)
        return "the firmware was not built (no arm-none-eabi-gcc)";
    if (system("command -v qemu-system-arm >/dev/null") != 0)
        return "no qemu-system-arm";
    return NULL;
}

static void must(int r, const struct status *err)
{
    if (r != OK)
        fail_msg("%s", err->text);
}

static void on_latch(void *ctx, const uint8_t *pattern)
{
    struct arm_board *b = ctx;
    assert_true(b->n_latch < ARM_LATCHES);
    memcpy(b->latches[b->n_latch++], pattern, ARM_BYTES);
}

static void boot(struct arm_board *b, const char *elf)
{
    struct status err = {.code = OK};
    memset(b, 0, sizeof *b);
    shift_log_init(&b->log, ARM_BYTES);
    b->log.on_latch = on_latch;
    b->log.ctx = b;
    must(qemu_machine_start(&b->machine, "arm", elf, &err), &err);
    packet_link_init(&b->packet.link, b->machine.uart, "arm", 1);
    arm_board_hello(b);
}

/* A board that boots hears nothing: knock until it does. */
static void hello(struct packet_board *packet, const struct board_cfg *as)
{
    struct status err = {.code = OK};
    int r = ERR_TIMEOUT;
    for (int i = 0; i < BOOT_TRIES && r == ERR_TIMEOUT; i++)
        r = packet_board_hello(packet, as, &err);
    must(r, &err);
    packet->link.timeout_ms = ACK_MS;
    packet->link.retries = 2;
}

void arm_board_hello(struct arm_board *b)
{
    hello(&b->packet, &cfg);
}

void arm_board_start_large(struct qemu_machine *machine, struct packet_board *packet,
                           struct shift_log *log)
{
    struct status err = {.code = OK};
    shift_log_init(log, LARGE_BYTES);
    must(qemu_machine_start(machine, "large", ELF_LARGE, &err), &err);
    packet_link_init(&packet->link, machine->uart, "large", 1);
}

void arm_board_hello_large(struct packet_board *packet)
{
    static const struct board_cfg large = {
        .name = "large", .shape = {64, 64, 2}, .n_slots = 64, .ack_timeout_ms = BOOT_MS};
    hello(packet, &large);
}

void arm_board_boot(struct arm_board *b)
{
    boot(b, ELF);
}

void arm_board_boot_silence(struct arm_board *b)
{
    boot(b, ELF_SILENCE);
}

void arm_board_unplug(struct arm_board *b)
{
    qemu_machine_stop(&b->machine);
}

void arm_board_pattern(unsigned seed, uint8_t pattern[ARM_BYTES])
{
    unsigned x = seed * 2654435761u + 1;
    for (size_t i = 0; i < ARM_BYTES; i++)
        pattern[i] = (uint8_t)((x = x * 1664525u + 1013904223u) >> 24);
}

void arm_board_load(struct arm_board *b, uint16_t slot, unsigned seed)
{
    struct status err = {.code = OK};
    struct board_ack ack;
    uint8_t pattern[ARM_BYTES];
    arm_board_pattern(seed, pattern);
    must(packet_board_load(&b->packet, slot, pattern, &ack, &err), &err);
    assert_true(ack.hash == ris_profile_hash(ARM_SHAPE, pattern));
}

void arm_board_apply(struct arm_board *b, uint16_t slot, enum ris_when when)
{
    struct status err = {.code = OK};
    struct board_ack ack;
    must(packet_board_apply(&b->packet, slot, when, &ack, &err), &err);
}

void arm_board_arm(struct arm_board *b, const struct ris_arm *arm)
{
    struct status err = {.code = OK};
    struct board_ack ack;
    must(packet_board_arm(&b->packet, arm, &ack, &err), &err);
}

void arm_board_pulse(struct arm_board *b)
{
    struct status err = {.code = OK};
    must(qemu_machine_pulse(&b->machine, &b->log, &err), &err);
}

struct ris_state arm_board_state(struct arm_board *b)
{
    struct status err = {.code = OK};
    struct board_status s;
    must(packet_board_status(&b->packet, &s, &err), &err);
    return s.state;
}

void arm_board_raw(struct arm_board *b, const void *bytes, size_t n)
{
    const uint8_t *p = bytes;
    while (n > 0) {
        struct pollfd room = {.fd = b->machine.uart, .events = POLLOUT};
        assert_int_equal(poll(&room, 1, ACK_MS), 1);
        ssize_t done = write(b->machine.uart, p, n);
        assert_true(done > 0);
        p += done;
        n -= (size_t)done;
    }
}

void arm_board_look(struct arm_board *b)
{
    assert_true(qemu_machine_read(&b->machine, &b->log, 0) >= 0);
}

void arm_board_wait_latches(struct arm_board *b, size_t n)
{
    int64_t end = clock_us() + LATCH_US;
    while (b->n_latch < n) {
        assert_true(clock_us() < end);
        assert_true(qemu_machine_read(&b->machine, &b->log, 100) >= 0);
    }
}

void arm_board_forget(struct arm_board *b)
{
    arm_board_look(b);
    b->n_latch = 0;
}

void arm_board_assert_shows(struct arm_board *b, unsigned seed)
{
    uint8_t pattern[ARM_BYTES];
    arm_board_look(b);
    arm_board_pattern(seed, pattern);
    assert_false(b->log.dark);
    assert_memory_equal(b->log.latched, pattern, ARM_BYTES);
}

void arm_board_assert_dark(struct arm_board *b)
{
    arm_board_look(b);
    assert_true(b->log.dark);
    assert_int_equal(b->n_latch, 0);
}
