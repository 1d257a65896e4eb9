/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The clock that stages and latencies are measured with. */
#pragma once
#include <stdint.h>
#include <time.h>

/* CLOCK_MONOTONIC [ns]. RT-safe. */
static inline int64_t clock_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}
