/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Durations counted in bins of equal ratio, 16 an octave (so a quantile is 6 % too large at most),
 * from 1 ns to 18 minutes. Any thread may add while any other reads: no lock, no allocation. */
#pragma once
#include <stdatomic.h>
#include <stdint.h>

enum { HISTOGRAM_SUB = 16, HISTOGRAM_BINS = 37 * HISTOGRAM_SUB };

struct histogram { /* all zero: empty */
    _Atomic uint64_t bin[HISTOGRAM_BINS];
    _Atomic int64_t max_ns;
};

struct histogram_summary {
    uint64_t n;
    double p50_us, p99_us, p999_us, max_us; /* 0 when empty */
};

/* RT-safe. What is negative counts as 0, what is longer than the last bin goes there. */
void histogram_add(struct histogram *h, int64_t ns);

void histogram_read(const struct histogram *h, struct histogram_summary *out);
