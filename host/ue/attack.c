/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "host/ue/attack.h"

#include <string.h>

#include "frames/crc.h"

enum { CHECKED_BYTES = RESPONSE_FRAME_BYTES - 2 };

static void flip(uint8_t *frame, uint64_t bit)
{
    frame[bit / 8] ^= (uint8_t)(0x80u >> bit % 8);
}

void attack_apply(struct attack *attack, uint64_t cycle, uint8_t frame[RESPONSE_FRAME_BYTES])
{
    switch (attack->kind) {
    case ATTACK_NONE:
    case ATTACK_JAM:
        return;
    case ATTACK_REPLAY:
        if (!attack->kept)
            memcpy(attack->first, frame, RESPONSE_FRAME_BYTES);
        attack->kept = true;
        memcpy(frame, attack->first, RESPONSE_FRAME_BYTES);
        return;
    case ATTACK_FLIP:
        flip(frame, cycle % (8 * RESPONSE_FRAME_BYTES));
        return;
    case ATTACK_FORGE:
        flip(frame, cycle % (8 * CHECKED_BYTES));
        uint16_t crc = crc16(frame, CHECKED_BYTES);
        frame[CHECKED_BYTES] = (uint8_t)(crc >> 8);
        frame[CHECKED_BYTES + 1] = (uint8_t)crc;
        return;
    }
}
