/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Misbehaviour on purpose, for security exercises: what a terminal does to its sealed answer before
 * it sends it, so that a base station can be seen to refuse. Never on unless configured. */
#pragma once
#include <stdbool.h>

#include "frames/response_frame.h"

enum attack_kind {
    ATTACK_NONE,
    ATTACK_REPLAY, /* the first answer again and again */
    ATTACK_FLIP,   /* bit (cycle mod 128) wrong: 128 cycles flip every one */
    ATTACK_FORGE,  /* bit (cycle mod 112) before the checksum wrong, the checksum made to fit */
    ATTACK_JAM,    /* honest in its own cycles; in those of others it sends where they answer */
};
#define ATTACK_CHOICES "none|replay|flip|forge|jam" /* in the order of the enum */

struct attack {
    enum attack_kind kind;
    bool kept; /* first holds an answer */
    uint8_t first[RESPONSE_FRAME_BYTES];
};

/* Changes the answer to this cycle. RT-safe. */
void attack_apply(struct attack *attack, uint64_t cycle, uint8_t frame[RESPONSE_FRAME_BYTES]);
