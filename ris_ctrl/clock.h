/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The two clocks of the controller. Neither decides anything about the room's time. */
#pragma once
#include <stddef.h>
#include <stdint.h>
#include <time.h>

static inline int64_t clock_us(void) /* monotonic, for time-outs and durations */
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

/* A time given by pointer, NULL or 0 = none, has passed. */
static inline int clock_passed(const int64_t *end_us)
{
    return end_us != NULL && *end_us != 0 && clock_us() > *end_us;
}

static inline int64_t clock_unix_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}
