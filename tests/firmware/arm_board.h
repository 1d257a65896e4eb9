/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The firmware in QEMU on the test's bench: requests in, and out of the log of its pins the
 * patterns that the elements show. Every function fails the test when something goes wrong. */
#pragma once
#include "ris_ctrl/packet_board.h"
#include "ris_ctrl/qemu_machine.h"

#define ARM_SHAPE   ((struct ris_shape){16, 16, 1})
#define ARM_BYTES   32
#define ARM_SLOTS   64
#define ARM_LATCHES 1024

struct arm_board {
    struct qemu_machine machine;
    struct packet_board packet;
    struct shift_log log;
    size_t n_latch; /* since arm_board_forget */
    uint8_t latches[ARM_LATCHES][ARM_BYTES];
};

/* NULL if the firmware can be run here, or why not. */
const char *arm_board_missing(void);

void arm_board_boot(struct arm_board *b);
void arm_board_boot_silence(struct arm_board *b); /* the variant that minds 2 s of silence */
void arm_board_hello(struct arm_board *b);        /* until it answers */
/* The variant for 64 x 64 elements of 2 bits; the caller stops the machine. */
#define LARGE_BYTES 1024
void arm_board_start_large(struct qemu_machine *machine, struct packet_board *packet,
                           struct shift_log *log);
void arm_board_hello_large(struct packet_board *packet);
void arm_board_unplug(struct arm_board *b);

void arm_board_pattern(unsigned seed, uint8_t pattern[ARM_BYTES]);
void arm_board_load(struct arm_board *b, uint16_t slot, unsigned seed);
void arm_board_apply(struct arm_board *b, uint16_t slot, enum ris_when when);
void arm_board_arm(struct arm_board *b, const struct ris_arm *arm);
void arm_board_pulse(struct arm_board *b);
struct ris_state arm_board_state(struct arm_board *b);

void arm_board_raw(struct arm_board *b, const void *bytes, size_t n);

/* Reads the log: what is there, or until n latches came since forget. */
void arm_board_look(struct arm_board *b);
void arm_board_wait_latches(struct arm_board *b, size_t n);
void arm_board_forget(struct arm_board *b);

/* Elements on, and exactly this on every one of them. */
void arm_board_assert_shows(struct arm_board *b, unsigned seed);
void arm_board_assert_dark(struct arm_board *b);
