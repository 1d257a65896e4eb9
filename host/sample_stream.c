/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "host/sample_stream.h"
#include "base/log.h"
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { BREAKS = 1024 };

struct stream_break { /* sample number `at` was taken at `tick`; the next follow without a gap */
    uint64_t at;
    int64_t tick;
};

struct sample_stream {
    struct sample_stream_cfg cfg;
    struct sc16 *samp[RADIO_CHANNELS_MAX]; /* [n_samp] each; NULL until opened */
    struct stream_break breaks[BREAKS];
    _Atomic uint64_t put, taken;               /* samples since create */
    _Atomic uint64_t put_breaks, taken_breaks; /* likewise */
    _Atomic uint64_t session;                  /* odd: open */
    atomic_bool overrun;
    _Atomic uint64_t first_session; /* the last one that samples came in ... */
    _Atomic int64_t first_tick;     /* ... and the tick of its first */
    struct {                        /* the RX thread's */
        uint64_t session;
        int64_t next; /* tick */
    } rx;
    struct { /* the taking thread's: the break in force */
        bool known;
        struct stream_break base;
    } tx;
};

struct sample_stream *sample_stream_create(const struct sample_stream_cfg *cfg, struct status *err)
{
    struct sample_stream *s = calloc(1, sizeof *s);
    if (s)
        s->cfg = *cfg;
    else
        status_set(err, ERR_NO_MEMORY, "stream of samples: out of memory");
    return s;
}

void sample_stream_destroy(struct sample_stream **stream)
{
    struct sample_stream *s = *stream;
    for (size_t a = 0; s && a < RADIO_CHANNELS_MAX; a++)
        free(s->samp[a]);
    free(s);
    *stream = NULL;
}

/* --- RX thread ------------------------------------------------------------------------------- */

static bool has_room(const struct sample_stream *s, size_t n)
{
    return atomic_load(&s->put) + n - atomic_load(&s->taken) <= s->cfg.n_samp &&
           atomic_load(&s->put_breaks) - atomic_load(&s->taken_breaks) < BREAKS;
}

static bool wait_for_room(struct sample_stream *s, uint64_t session, size_t n)
{
    const struct timespec nap = {.tv_nsec = 500000};
    while (!has_room(s, n) && s->cfg.lossless && atomic_load(&s->session) == session)
        nanosleep(&nap, NULL);
    return has_room(s, n);
}

static void copy_in(struct sample_stream *s, uint64_t put, const struct sc16 *const *samp, size_t n)
{
    const size_t at = put % s->cfg.n_samp, first = at + n > s->cfg.n_samp ? s->cfg.n_samp - at : n;
    for (size_t a = 0; a < s->cfg.n_ant; a++) {
        memcpy(s->samp[a] + at, samp[a], first * sizeof **samp);
        memcpy(s->samp[a], samp[a] + first, (n - first) * sizeof **samp);
    }
}

void sample_stream_put(struct sample_stream *s, int64_t tick, const struct sc16 *const *samp,
                       size_t n)
{
    const uint64_t session = atomic_load(&s->session);
    if (session % 2 == 0 || n == 0 || atomic_load(&s->overrun))
        return;
    if (!wait_for_room(s, session, n)) {
        atomic_store(&s->overrun, true);
        return;
    }
    const uint64_t put = atomic_load(&s->put), breaks = atomic_load(&s->put_breaks);
    if (s->rx.session != session || s->rx.next != tick) {
        s->breaks[breaks % BREAKS] = (struct stream_break){put, tick};
        atomic_store(&s->put_breaks, breaks + 1);
    }
    if (s->rx.session != session)
        atomic_store(&s->first_tick, tick);
    s->rx.session = session;
    s->rx.next = tick + (int64_t)n;
    copy_in(s, put, samp, n);
    atomic_store(&s->put, put + n);
    atomic_store(&s->first_session, session);
}

/* --- the taking thread ------------------------------------------------------------------------ */

int sample_stream_open(struct sample_stream *s, struct status *err)
{
    for (size_t a = 0; a < s->cfg.n_ant && !s->samp[a]; a++) {
        s->samp[a] = malloc(s->cfg.n_samp * sizeof **s->samp);
        if (!s->samp[a])
            return status_set(err, ERR_NO_MEMORY,
                              "no memory for %zu samples of %zu channels: lower record.stream_s",
                              s->cfg.n_samp, s->cfg.n_ant);
        memset(s->samp[a], 0, s->cfg.n_samp * sizeof **s->samp); /* page faults now */
    }
    atomic_store(&s->taken, atomic_load(&s->put));
    atomic_store(&s->taken_breaks, atomic_load(&s->put_breaks));
    atomic_store(&s->overrun, false);
    s->tx.known = false;
    atomic_fetch_add(&s->session, atomic_load(&s->session) % 2 ? 2 : 1);
    return OK;
}

void sample_stream_close(struct sample_stream *s)
{
    atomic_fetch_add(&s->session, atomic_load(&s->session) % 2);
}

/* The break in force at sample number `taken`, and how many samples follow up to the next. */
static size_t run_length(struct sample_stream *s, uint64_t taken, uint64_t put)
{
    const uint64_t n = atomic_load(&s->put_breaks);
    uint64_t b = atomic_load(&s->taken_breaks);
    for (; b < n && s->breaks[b % BREAKS].at <= taken; b++) {
        s->tx.base = s->breaks[b % BREAKS];
        s->tx.known = true;
    }
    atomic_store(&s->taken_breaks, b);
    const uint64_t end = b < n && s->breaks[b % BREAKS].at < put ? s->breaks[b % BREAKS].at : put;
    return (size_t)(end - taken);
}

bool sample_stream_peek(struct sample_stream *s, size_t max, struct sample_run *out)
{
    const uint64_t put = atomic_load(&s->put);
    uint64_t taken = atomic_load(&s->taken);
    size_t n = run_length(s, taken, put);
    if (!s->tx.known && n > 0) { /* the rest of a put that an earlier opening had let in */
        sample_stream_done(s, n);
        taken += n;
        n = run_length(s, taken, put);
    }
    const size_t at = taken % s->cfg.n_samp;
    n = n < max ? n : max;
    n = n < s->cfg.n_samp - at ? n : s->cfg.n_samp - at;
    *out = (struct sample_run){.tick = s->tx.base.tick + (int64_t)(taken - s->tx.base.at), .n = n};
    for (size_t a = 0; a < s->cfg.n_ant && s->samp[a]; a++)
        out->samp[a] = s->samp[a] + at;
    return n > 0 && s->tx.known;
}

void sample_stream_done(struct sample_stream *s, size_t n)
{
    atomic_fetch_add(&s->taken, n);
}

bool sample_stream_since(const struct sample_stream *s, int64_t tick)
{
    const uint64_t session = atomic_load(&s->session);
    return session % 2 == 1 && atomic_load(&s->first_session) == session &&
           atomic_load(&s->first_tick) <= tick;
}

bool sample_stream_overrun(const struct sample_stream *s)
{
    return atomic_load(&s->overrun);
}

size_t sample_stream_bytes(const struct sample_stream *s)
{
    return s->samp[0] ? s->cfg.n_ant * s->cfg.n_samp * sizeof **s->samp : 0;
}
