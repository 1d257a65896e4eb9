/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Consistent overhead byte stuffing (Cheshire and Baker 1999): a frame without zero bytes, so that
 * zero delimits frames on a serial line and a reader finds its feet again after any garbage.
 * Freestanding, no heap, RT-safe. */
#pragma once
#include "frames/status.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Largest encoded size of n bytes, delimiter not included. */
#define COBS_MAX(n) ((n) + (n) / 254 + 1)

/* Encodes in[n] to out without delimiter. Returns the bytes written, or ERR_NO_SPACE when cap is
 * smaller than the result. in and out do not overlap. */
int cobs_encode(const uint8_t *in, size_t n, uint8_t *out, size_t cap) MUST_CHECK;

/* Decodes one frame without its delimiter. Returns the bytes written, ERR_FORMAT for a zero byte
 * inside or a truncated block, ERR_NO_SPACE when cap is too small. */
int cobs_decode(const uint8_t *in, size_t n, uint8_t *out, size_t cap) MUST_CHECK;

/* Decoder fed byte by byte. The caller owns buf, which holds the frame after COBS_FRAME until the
 * next push. */
struct cobs_stream {
    uint8_t *buf;
    size_t cap;
    size_t len;    /* decoded bytes so far; the frame's size when it is complete */
    uint8_t left;  /* bytes of the current block still to come */
    bool zero_due; /* a zero stands between the current block and the next one */
    bool skip;     /* damaged: ignore everything up to the next delimiter */
    bool done;     /* the last push completed a frame: the next one starts a new frame */
};

enum { COBS_MORE = 0, COBS_FRAME = 1 };

void cobs_stream_init(struct cobs_stream *s, uint8_t *buf, size_t cap);

/* Returns COBS_MORE, COBS_FRAME (buf[0..len) holds a frame of at least one byte), ERR_FORMAT (a
 * frame ended inside a block) or ERR_NO_SPACE (frame larger than cap: said once, the rest of it is
 * skipped). It goes on by itself at the next delimiter after every error. */
int cobs_stream_push(struct cobs_stream *s, uint8_t byte) MUST_CHECK;
