/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The 40 bits that follow every sensing burst, MSB first: preamble 5 = 11010 | timestamp 7 = cycle
 * & 127 | 28 bits = (user ID 20, CRC-8 over the 32 bits before it) xor keystream. [S1] III-C with
 * the secrecy of docs/air-frames.md; the keystream comes from secure.h. Freestanding, RT-safe. */
#pragma once
#include "frames/status.h"
#include <stdint.h>

#define SENSING_FRAME_BYTES 5
#define SENSING_PREAMBLE    0x1Au /* 11010 */
#define SENSING_SECRET_BITS 28
#define SENSING_USER_ID_MAX 0xFFFFFu
#define FRAME_TIMESTAMP_MASK                                                                       \
    127u /* the seven bits of the cycle that both air frames carry in clear */

struct sensing_frame {
    uint8_t timestamp; /* cycle & 127 */
    uint32_t user_id;  /* 0..SENSING_USER_ID_MAX */
};

/* keystream: SENSING_SECRET_BITS bits, right-aligned. Returns 0, or ERR_ARG when a field exceeds
 * its width. */
int sensing_frame_pack(const struct sensing_frame *frame, uint32_t keystream,
                       uint8_t out[SENSING_FRAME_BYTES]) MUST_CHECK;

/* Returns 0, ERR_FORMAT (preamble) or ERR_CRC. A frame that passes is well formed, not genuine:
 * only secure_user_open_sensing() decides that. *out is written only on success. */
int sensing_frame_unpack(const uint8_t in[SENSING_FRAME_BYTES], uint32_t keystream,
                         struct sensing_frame *out) MUST_CHECK;

/* The timestamp in clear, or ERR_FORMAT when the preamble is not there. */
int sensing_frame_timestamp(const uint8_t in[SENSING_FRAME_BYTES]) MUST_CHECK;
