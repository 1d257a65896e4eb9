/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Little-endian integers in bytes by shifts, as frames and nonces carry them. Freestanding,
 * RT-safe. */
#pragma once
#include <stddef.h>
#include <stdint.h>

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
