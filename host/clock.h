/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The clock that stages and latencies are measured with, and the time of day. RT-safe. */
#pragma once
#include <stdint.h>
#include <time.h>

/* CLOCK_MONOTONIC [ns]. */
static inline int64_t clock_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static inline double clock_s(void)
{
    return 1e-9 * (double)clock_ns();
}

/* CLOCK_REALTIME [ns since 1970]. */
static inline int64_t clock_unix_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static inline double clock_unix_s(void)
{
    return 1e-9 * (double)clock_unix_ns();
}
