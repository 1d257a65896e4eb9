/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Little-endian fields written and read one after the other, with one check at the end instead of
 * one per field. Freestanding, RT-safe. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct byte_writer {
    uint8_t *bytes;
    size_t cap;
    size_t at;     /* bytes written */
    bool overflow; /* something did not fit; nothing was written for it */
};

struct byte_reader {
    const uint8_t *bytes;
    size_t n;
    size_t at;
    bool underflow; /* more was asked for than there is; it reads as zero */
};

static inline size_t byte_reader_left(const struct byte_reader *r)
{
    return r->n - r->at;
}

/* The low n bytes of value, n <= 8. */
static inline void byte_put(struct byte_writer *w, uint64_t value, size_t n)
{
    if (n > w->cap - w->at) {
        w->overflow = true;
        return;
    }
    for (size_t i = 0; i < n; i++)
        w->bytes[w->at++] = (uint8_t)(value >> 8 * i);
}

static inline void byte_put_many(struct byte_writer *w, const uint8_t *from, size_t n)
{
    if (n > w->cap - w->at) {
        w->overflow = true;
        return;
    }
    for (size_t i = 0; i < n; i++)
        w->bytes[w->at++] = from[i];
}

static inline uint64_t byte_get(struct byte_reader *r, size_t n)
{
    uint64_t value = 0;
    if (n > byte_reader_left(r)) {
        r->underflow = true;
        r->at = r->n;
        return 0;
    }
    for (size_t i = 0; i < n; i++)
        value |= (uint64_t)r->bytes[r->at++] << 8 * i;
    return value;
}

/* Steps over n bytes and returns them in place, NULL when there are fewer. */
static inline const uint8_t *byte_get_many(struct byte_reader *r, size_t n)
{
    const uint8_t *p = r->bytes + r->at;
    if (n > byte_reader_left(r)) {
        r->underflow = true;
        r->at = r->n;
        return NULL;
    }
    r->at += n;
    return p;
}
