/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "host/histogram.h"
#include <math.h>
#include <stddef.h>

enum { SUB_BITS = 4 };

static size_t bin_of(int64_t ns)
{
    if (ns < HISTOGRAM_SUB)
        return ns < 0 ? 0 : (size_t)ns;
    int octave = 63 - __builtin_clzll((unsigned long long)ns);
    size_t sub = (size_t)(ns >> (octave - SUB_BITS)) - HISTOGRAM_SUB;
    size_t bin = (size_t)(octave - SUB_BITS + 1) * HISTOGRAM_SUB + sub;
    return bin < HISTOGRAM_BINS ? bin : HISTOGRAM_BINS - 1;
}

/* The longest duration that falls into the bin. */
static int64_t bin_end(size_t bin)
{
    if (bin < HISTOGRAM_SUB)
        return (int64_t)bin;
    size_t shift = bin / HISTOGRAM_SUB - 1;
    return ((int64_t)(HISTOGRAM_SUB + bin % HISTOGRAM_SUB + 1) << shift) - 1;
}

void histogram_add(struct histogram *h, int64_t ns)
{
    int64_t max = atomic_load_explicit(&h->max_ns, memory_order_relaxed);
    atomic_fetch_add_explicit(&h->bin[bin_of(ns)], 1, memory_order_relaxed);
    while (ns > max && !atomic_compare_exchange_weak(&h->max_ns, &max, ns))
        ;
}

static double quantile_us(const uint64_t *count, uint64_t n, double share, int64_t max_ns)
{
    uint64_t rank = (uint64_t)ceil(share * (double)n), seen = 0;
    for (size_t b = 0; b < HISTOGRAM_BINS; b++) {
        seen += count[b];
        if (seen >= rank && seen > 0)
            return 1e-3 * (double)(bin_end(b) < max_ns ? bin_end(b) : max_ns);
    }
    return 0;
}

void histogram_read(const struct histogram *h, struct histogram_summary *out)
{
    uint64_t count[HISTOGRAM_BINS], n = 0;
    for (size_t b = 0; b < HISTOGRAM_BINS; b++)
        n += count[b] = atomic_load_explicit(&h->bin[b], memory_order_relaxed);
    int64_t max_ns = atomic_load(&h->max_ns);
    *out = (struct histogram_summary){
        .n = n,
        .p50_us = quantile_us(count, n, 0.5, max_ns),
        .p99_us = quantile_us(count, n, 0.99, max_ns),
        .p999_us = quantile_us(count, n, 0.999, max_ns),
        .max_us = 1e-3 * (double)max_ns,
    };
}
