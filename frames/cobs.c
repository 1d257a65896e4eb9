/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "frames/cobs.h"

#define BLOCK_MAX 254 /* data bytes behind one code byte */

int cobs_encode(const uint8_t *in, size_t n, uint8_t *out, size_t cap)
{
    size_t at = 1; /* next byte to write */
    size_t code_at = 0;
    uint8_t code = 1;
    if (cap == 0)
        return ERR_NO_SPACE;
    for (size_t i = 0; i < n; i++) {
        if (in[i] != 0) {
            if (at >= cap)
                return ERR_NO_SPACE;
            out[at++] = in[i];
            code++;
        }
        /* A full block at the very end needs no further code byte. */
        if (in[i] == 0 || (code == BLOCK_MAX + 1 && i + 1 < n)) {
            if (at >= cap)
                return ERR_NO_SPACE;
            out[code_at] = code;
            code_at = at++;
            code = 1;
        }
    }
    out[code_at] = code;
    return (int)at;
}

int cobs_decode(const uint8_t *in, size_t n, uint8_t *out, size_t cap)
{
    struct cobs_stream s;
    cobs_stream_init(&s, out, cap);
    for (size_t i = 0; i < n; i++) {
        if (in[i] == 0)
            return ERR_FORMAT;
        int r = cobs_stream_push(&s, in[i]);
        if (r < 0)
            return r;
    }
    if (s.left != 0)
        return ERR_FORMAT;
    return (int)s.len;
}

void cobs_stream_init(struct cobs_stream *s, uint8_t *buf, size_t cap)
{
    *s = (struct cobs_stream){.buf = buf, .cap = cap};
}

static void restart(struct cobs_stream *s)
{
    s->len = 0;
    s->left = 0;
    s->zero_due = s->skip = s->done = false;
}

static int store(struct cobs_stream *s, uint8_t byte)
{
    if (s->len == s->cap) {
        s->skip = true;
        return ERR_NO_SPACE;
    }
    s->buf[s->len++] = byte;
    return COBS_MORE;
}

static int delimiter(struct cobs_stream *s)
{
    bool damaged = !s->skip && s->left != 0;
    bool whole = !s->skip && !damaged && s->len > 0;
    if (whole) {
        s->done = true;
        return COBS_FRAME;
    }
    restart(s);
    return damaged ? ERR_FORMAT : COBS_MORE;
}

int cobs_stream_push(struct cobs_stream *s, uint8_t byte)
{
    if (s->done)
        restart(s);
    if (byte == 0)
        return delimiter(s);
    if (s->skip)
        return COBS_MORE;
    if (s->left > 0) {
        s->left--;
        return store(s, byte);
    }
    /* A code byte: the zero that the block before stood for is data only if a block follows. */
    int r = s->zero_due ? store(s, 0) : COBS_MORE;
    s->left = (uint8_t)(byte - 1);
    s->zero_due = byte != BLOCK_MAX + 1;
    return r;
}
