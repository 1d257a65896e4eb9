/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Packing numbers into bytes by shifts: bit fields MSB first, as the air frames carry them, and
 * little-endian integers, as the RIS wire and the nonces carry them. Freestanding, no failure modes
 * beyond asserts, RT-safe. */
#pragma once
#include <stddef.h>
#include <stdint.h>

/* A position in a bit string. Bit 0 is the most significant bit of byte 0. The caller owns the
 * bytes. */
struct bit_writer {
    uint8_t *bytes;
    size_t n_bit; /* room in bytes, in bits */
    size_t at;    /* next bit written */
};

struct bit_reader {
    const uint8_t *bytes;
    size_t n_bit; /* bits that may be read */
    size_t at;    /* next bit read */
};

/* Clears the bytes: a writer leaves unwritten bits 0. */
struct bit_writer bit_writer_over(uint8_t *bytes, size_t n_byte);
struct bit_reader bit_reader_over(const uint8_t *bytes, size_t n_byte);

/* Appends the low n_bit bits of value, n_bit 0..64. Returns 0, or ERR_NO_SPACE (-6) and writes
 * nothing. */
int bits_put(struct bit_writer *w, uint64_t value, unsigned n_bit);

/* Reads n_bit bits, 0..64, into the low end of *value. Returns 0, or ERR_FORMAT (-2) when fewer are
 * left. */
int bits_get(struct bit_reader *r, uint64_t *value, unsigned n_bit);

static inline void le16_put(uint8_t *out, uint16_t v)
{
    out[0] = (uint8_t)v;
    out[1] = (uint8_t)(v >> 8);
}

static inline uint16_t le16_get(const uint8_t *in)
{
    return (uint16_t)(in[0] | in[1] << 8);
}

static inline void le32_put(uint8_t *out, uint32_t v)
{
    le16_put(out, (uint16_t)v);
    le16_put(out + 2, (uint16_t)(v >> 16));
}

static inline uint32_t le32_get(const uint8_t *in)
{
    return le16_get(in) | (uint32_t)le16_get(in + 2) << 16;
}

static inline void le64_put(uint8_t *out, uint64_t v)
{
    le32_put(out, (uint32_t)v);
    le32_put(out + 4, (uint32_t)(v >> 32));
}

static inline uint64_t le64_get(const uint8_t *in)
{
    return le32_get(in) | (uint64_t)le32_get(in + 4) << 32;
}
