/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * State of an object as bytes, and back. One function per object walks its members in a fixed order
 * for all three purposes, so that what is saved is what is loaded. Little-endian, 64 bits a number;
 * complex arrays as pairs of their own width. RT-safe: memory only. Bytes to load may come from
 * outside: counts are bounded by state_count, flags and enumerations checked. */
#pragma once
#include "dsp/cplx.h"
#include "frames/status.h"
#include <assert.h>
#include <math.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "state_io writes memory as it is");

enum state_mode { STATE_SIZE, STATE_SAVE, STATE_LOAD };

struct state_io {
    enum state_mode mode;
    unsigned char *out;      /* STATE_SAVE */
    const unsigned char *in; /* STATE_LOAD */
    size_t at, size;         /* bytes done, bytes there are; STATE_SIZE: only `at` */
    int rc; /* ERR_NO_SPACE (save), ERR_FORMAT (load): everything after is skipped */
};

static inline bool state_loading(const struct state_io *io)
{
    return io->mode == STATE_LOAD && io->rc == OK;
}

static inline void state_bytes(struct state_io *io, void *p, size_t n)
{
    if (io->rc == OK && io->mode != STATE_SIZE && n > io->size - io->at)
        io->rc = io->mode == STATE_SAVE ? ERR_NO_SPACE : ERR_FORMAT;
    if (io->rc || n == 0)
        return;
    if (io->mode == STATE_SAVE)
        memcpy(io->out + io->at, p, n);
    else if (io->mode == STATE_LOAD)
        memcpy(p, io->in + io->at, n);
    io->at += n;
}

static inline void state_u64(struct state_io *io, uint64_t *x)
{
    state_bytes(io, x, sizeof *x);
}

/* At most `max`. */
static inline void state_count(struct state_io *io, size_t *x, size_t max)
{
    uint64_t v = *x;
    state_u64(io, &v);
    if (!state_loading(io))
        return;
    if (v > max)
        io->rc = ERR_FORMAT;
    else
        *x = (size_t)v;
}

static inline void state_flag(struct state_io *io, bool *x)
{
    size_t v = *x;
    state_count(io, &v, 1);
    *x = v != 0;
}

/* A value below `n`. */
static inline unsigned state_choice(struct state_io *io, unsigned x, unsigned n)
{
    size_t v = x;
    state_count(io, &v, n - 1);
    return (unsigned)v;
}

/* Numbers of a state are finite, but for times that were never set. */
static inline void state_f64(struct state_io *io, double *x)
{
    double v = *x;
    state_bytes(io, &v, sizeof v);
    if (state_loading(io) && !isfinite(v))
        io->rc = ERR_FORMAT;
    else
        *x = v;
}

static inline void state_cplxf(struct state_io *io, cplxf *x, size_t n)
{
    state_bytes(io, x, n * sizeof *x);
}
