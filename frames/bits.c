/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "frames/bits.h"
#include "frames/status.h"

struct bit_writer bit_writer_over(uint8_t *bytes, size_t n_byte)
{
    for (size_t i = 0; i < n_byte; i++)
        bytes[i] = 0;
    return (struct bit_writer){.bytes = bytes, .n_bit = 8 * n_byte};
}

struct bit_reader bit_reader_over(const uint8_t *bytes, size_t n_byte)
{
    return (struct bit_reader){.bytes = bytes, .n_bit = 8 * n_byte};
}

int bits_put(struct bit_writer *w, uint64_t value, unsigned n_bit)
{
    if (n_bit > 64 || n_bit > w->n_bit - w->at)
        return ERR_NO_SPACE;
    for (unsigned left = n_bit; left > 0; left--, w->at++) {
        unsigned bit = (unsigned)(value >> (left - 1)) & 1u;
        w->bytes[w->at / 8] |= (uint8_t)(bit << (7 - w->at % 8));
    }
    return OK;
}

int bits_get(struct bit_reader *r, uint64_t *value, unsigned n_bit)
{
    if (n_bit > 64 || n_bit > r->n_bit - r->at)
        return ERR_FORMAT;
    uint64_t v = 0;
    for (unsigned i = 0; i < n_bit; i++, r->at++)
        v = v << 1 | (r->bytes[r->at / 8] >> (7 - r->at % 8) & 1u);
    *value = v;
    return OK;
}
