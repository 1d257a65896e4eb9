/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "dsp/clip.h"
#include <stdint.h>

enum { LOOK = 2 * 1024, STRIDE = 2 * 8192, QUIET = 1024, FULL = 32767, FULL_MAX = 8, SHARE = 500 };

/* |x| without the overflow of -32768. */
static inline int16_t magnitude(int16_t x)
{
    return x < 0 ? (int16_t) - (x + 1) : x;
}

static int16_t greatest(const int16_t *x, size_t n)
{
    int16_t top = 0;
    for (size_t i = 0; i < n; i++) {
        int16_t m = magnitude(x[i]);
        top = m > top ? m : top;
    }
    return top;
}

/* A limiter's two sides differ by one count after rounding. */
static size_t at_least(const int16_t *x, size_t n, int16_t level)
{
    size_t count = 0;
    for (size_t i = 0; i < n; i++)
        count += magnitude(x[i]) >= level;
    return count;
}

bool clip_found(const struct sc16 *samples, size_t n)
{
    const int16_t *x = (const int16_t *)samples;
    size_t seen = 0, count = 0;
    int16_t top = 0;
    for (size_t i = 0; i < 2 * n; i += STRIDE) {
        size_t m = 2 * n - i < LOOK ? 2 * n - i : LOOK;
        int16_t here = greatest(x + i, m);
        top = here > top ? here : top;
    }
    if (top < QUIET)
        return false;
    for (size_t i = 0; i < 2 * n; i += STRIDE) {
        size_t m = 2 * n - i < LOOK ? 2 * n - i : LOOK;
        count += at_least(x + i, m, (int16_t)(top - 1));
        seen += m;
    }
    return count * SHARE > seen || (top >= FULL - 1 && count > FULL_MAX);
}
