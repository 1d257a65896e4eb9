/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "frames/sensing_frame.h"
#include "frames/bits.h"
#include "frames/crc.h"

/* Fields of the 40-bit word, counted from its least significant end. */
enum { CRC_AT = 0, USER_AT = 8, TIMESTAMP_AT = 28, PREAMBLE_AT = 35, WORD_BITS = 40 };

static uint64_t word_get(const uint8_t in[SENSING_FRAME_BYTES])
{
    uint64_t word = 0;
    for (size_t i = 0; i < SENSING_FRAME_BYTES; i++)
        word = word << 8 | in[i];
    return word;
}

/* CRC over preamble, timestamp and user ID: the upper 32 bits of the word. */
static uint8_t word_crc(uint64_t word)
{
    uint8_t covered[4];
    for (size_t i = 0; i < sizeof covered; i++)
        covered[i] = (uint8_t)(word >> (WORD_BITS - 8 * (i + 1)));
    return crc8(covered, sizeof covered);
}

int sensing_frame_pack(const struct sensing_frame *frame, uint32_t keystream,
                       uint8_t out[SENSING_FRAME_BYTES])
{
    if (frame->timestamp > FRAME_TIMESTAMP_MASK || frame->user_id > SENSING_USER_ID_MAX ||
        keystream >> SENSING_SECRET_BITS != 0)
        return ERR_ARG;
    uint64_t word = (uint64_t)SENSING_PREAMBLE << PREAMBLE_AT |
                    (uint64_t)frame->timestamp << TIMESTAMP_AT |
                    (uint64_t)frame->user_id << USER_AT;
    word |= (uint64_t)word_crc(word) << CRC_AT;
    word ^= keystream;
    for (size_t i = 0; i < SENSING_FRAME_BYTES; i++)
        out[i] = (uint8_t)(word >> (WORD_BITS - 8 * (i + 1)));
    return OK;
}

int sensing_frame_timestamp(const uint8_t in[SENSING_FRAME_BYTES])
{
    uint64_t word = word_get(in);
    if (word >> PREAMBLE_AT != SENSING_PREAMBLE)
        return ERR_FORMAT;
    return (int)(word >> TIMESTAMP_AT & FRAME_TIMESTAMP_MASK);
}

int sensing_frame_unpack(const uint8_t in[SENSING_FRAME_BYTES], uint32_t keystream,
                         struct sensing_frame *out)
{
    int timestamp = sensing_frame_timestamp(in);
    if (timestamp < 0)
        return timestamp;
    uint64_t word = word_get(in) ^ (keystream & ((1u << SENSING_SECRET_BITS) - 1));
    if ((word >> CRC_AT & 0xFFu) != word_crc(word))
        return ERR_CRC;
    out->timestamp = (uint8_t)timestamp;
    out->user_id = (uint32_t)(word >> USER_AT) & SENSING_USER_ID_MAX;
    return OK;
}
