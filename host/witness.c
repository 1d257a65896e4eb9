/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "host/witness.h"
#include "base/log.h"
#include "base/realtime.h"
#include "host/clock.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { HICCUPS = 64 };

struct hiccup {
    _Atomic int64_t begin_ns, end_ns;
};

struct seat { /* one CPU; written by its thread alone */
    pthread_t thread;
    bool started;
    struct witness *witness;
    _Atomic int64_t awake_ns; /* last wake-up */
    _Atomic uint64_t n;       /* hiccups so far; the last HICCUPS of them are kept */
    struct hiccup hiccup[HICCUPS];
};

struct witness {
    struct seat seat[WITNESS_CPUS_MAX];
    size_t n_cpu;
    atomic_bool stop;
    struct histogram late;
};

static void sleep_until(int64_t ns)
{
    const struct timespec at = {.tv_sec = ns / 1000000000, .tv_nsec = ns % 1000000000};
    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, NULL) == EINTR)
        ;
}

static void *sit(void *context)
{
    struct seat *s = context;
    int64_t before = atomic_load(&s->awake_ns);
    pthread_setname_np(pthread_self(), "witness");
    while (!atomic_load(&s->witness->stop)) {
        sleep_until(before + WITNESS_PERIOD_NS);
        int64_t now = clock_ns(), late = now - before - WITNESS_PERIOD_NS;
        histogram_add(&s->witness->late, late);
        if (late > WITNESS_HICCUP_NS) {
            uint64_t n = atomic_load(&s->n);
            atomic_store(&s->hiccup[n % HICCUPS].begin_ns, before);
            atomic_store(&s->hiccup[n % HICCUPS].end_ns, now);
            atomic_store(&s->n, n + 1);
        }
        atomic_store(&s->awake_ns, now);
        before = now;
    }
    return NULL;
}

static int take_seat(struct witness *w, int cpu, struct status *err)
{
    struct seat *s = &w->seat[w->n_cpu];
    const struct realtime_cfg wish = {.priority = REALTIME_WITNESS, .cpus = &cpu, .n_cpu = 1};
    s->witness = w;
    atomic_store(&s->awake_ns, clock_ns());
    int e = pthread_create(&s->thread, NULL, sit, s);
    if (e)
        return status_set(err, ERR_STATE, "cannot start a witness thread: %s", strerror(e));
    w->n_cpu++;
    struct realtime_grant got = realtime_apply(s->thread, &wish);
    return got.fifo && got.pinned ? OK
                                  : status_set(err, ERR_STATE,
                                               "no witness on CPU %d: it needs SCHED_FIFO and the "
                                               "CPU; late cycles count against us whatever the "
                                               "machine does",
                                               cpu);
}

struct witness *witness_create(const int *cpus, size_t n_cpu, struct status *err)
{
    struct witness *w = calloc(1, sizeof *w);
    if (!w) {
        status_set(err, ERR_NO_MEMORY, "witness: out of memory");
        return NULL;
    }
    for (size_t i = 0; i < n_cpu && i < WITNESS_CPUS_MAX && w; i++)
        if (take_seat(w, cpus[i], err))
            witness_destroy(&w);
    return w;
}

void witness_destroy(struct witness **witness)
{
    struct witness *w = *witness;
    if (!w)
        return;
    atomic_store(&w->stop, true);
    for (size_t i = 0; i < w->n_cpu; i++)
        pthread_join(w->seat[i].thread, NULL);
    free(w);
    *witness = NULL;
}

static int64_t overlap(int64_t a0, int64_t a1, int64_t b0, int64_t b1)
{
    int64_t from = a0 > b0 ? a0 : b0, to = a1 < b1 ? a1 : b1;
    return to > from ? to - from : 0;
}

static int64_t away_on(const struct seat *s, int64_t begin_ns, int64_t end_ns)
{
    uint64_t n = atomic_load(&s->n), kept = n < HICCUPS ? n : HICCUPS;
    int64_t awake = atomic_load(&s->awake_ns), sum = 0;
    for (uint64_t i = n - kept; i < n; i++) {
        const struct hiccup *h = &s->hiccup[i % HICCUPS];
        sum += overlap(begin_ns, end_ns, atomic_load(&h->begin_ns), atomic_load(&h->end_ns));
    }
    if (end_ns - awake > WITNESS_PERIOD_NS + WITNESS_HICCUP_NS) /* away now */
        sum += overlap(begin_ns, end_ns, awake, end_ns);
    return sum;
}

int64_t witness_away_ns(const struct witness *w, int64_t begin_ns, int64_t end_ns)
{
    int64_t longest = 0;
    for (size_t i = 0; i < w->n_cpu; i++) {
        int64_t away = away_on(&w->seat[i], begin_ns, end_ns);
        longest = away > longest ? away : longest;
    }
    return longest;
}

void witness_read(const struct witness *w, struct witness_summary *out)
{
    *out = (struct witness_summary){.n_cpu = w->n_cpu};
    for (size_t i = 0; i < w->n_cpu; i++)
        out->hiccups += atomic_load(&w->seat[i].n);
    histogram_read(&w->late, &out->late);
}
