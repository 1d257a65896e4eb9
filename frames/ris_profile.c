/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "frames/ris_profile.h"

static size_t bits_of(struct ris_shape s)
{
    return (size_t)s.columns * s.rows * s.bits;
}

bool ris_shape_valid(struct ris_shape s)
{
    return s.columns >= 1 && s.columns <= RIS_SIDE_MAX && s.rows >= 1 && s.rows <= RIS_SIDE_MAX &&
           s.bits >= 1 && s.bits <= RIS_BITS_MAX && bits_of(s) <= 8 * RIS_PATTERN_MAX;
}

bool ris_shape_equal(struct ris_shape a, struct ris_shape b)
{
    return a.columns == b.columns && a.rows == b.rows && a.bits == b.bits;
}

size_t ris_pattern_bytes(struct ris_shape s)
{
    return ris_shape_valid(s) ? (bits_of(s) + 7) / 8 : 0;
}

bool ris_pattern_valid(struct ris_shape s, const uint8_t *pattern)
{
    size_t used = bits_of(s) % 8;
    if (!ris_shape_valid(s))
        return false;
    return used == 0 || pattern[bits_of(s) / 8] >> used == 0;
}

unsigned ris_pattern_get(struct ris_shape s, const uint8_t *pattern, size_t m)
{
    unsigned value = 0;
    for (size_t b = 0; b < s.bits; b++) {
        size_t i = m * s.bits + b;
        value |= (pattern[i / 8] >> i % 8 & 1u) << b;
    }
    return value;
}

void ris_pattern_set(struct ris_shape s, uint8_t *pattern, size_t m, unsigned value)
{
    for (size_t b = 0; b < s.bits; b++) {
        size_t i = m * s.bits + b;
        unsigned bit = 1u << i % 8;
        pattern[i / 8] =
            (uint8_t)((value >> b & 1u) ? pattern[i / 8] | bit : pattern[i / 8] & ~bit);
    }
}

/* Adding 2^(bits-1) modulo 2^bits toggles the top bit and nothing else. */
void ris_pattern_flip(struct ris_shape s, const uint8_t *in, uint8_t *out)
{
    size_t n = ris_pattern_bytes(s);
    size_t n_bit = bits_of(s);
    for (size_t i = 0; i < n; i++)
        out[i] = in[i];
    for (size_t i = s.bits - 1u; i < n_bit; i += s.bits)
        out[i / 8] ^= (uint8_t)(1u << i % 8);
}

uint64_t ris_hash_update(uint64_t hash, const void *data, size_t n)
{
    const uint8_t *p = data;
    for (size_t i = 0; i < n; i++)
        hash = (hash ^ p[i]) * UINT64_C(0x100000001b3);
    return hash;
}

uint64_t ris_profile_hash(struct ris_shape s, const uint8_t *pattern)
{
    uint8_t head[3] = {s.columns, s.rows, s.bits};
    uint64_t hash = ris_hash_update(RIS_HASH_START, head, sizeof head);
    return ris_hash_update(hash, pattern, ris_pattern_bytes(s));
}
