/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A witness to what the machine does to us. On each CPU one thread of the highest priority sleeps a
 * millisecond at a time and notes how late it wakes. It does nothing else, so when it is late the
 * machine was away (a hypervisor, an interrupt, the firmware), and whatever of ours was late in
 * that moment proves nothing about our code. */
#pragma once
#include "frames/status.h"
#include "host/histogram.h"
#include <stdbool.h>
#include <stddef.h>

enum { WITNESS_CPUS_MAX = 16, WITNESS_PERIOD_NS = 1000000, WITNESS_HICCUP_NS = 500000 };

struct witness;

struct witness_summary {
    size_t n_cpu;
    uint64_t hiccups; /* wake-ups more than WITNESS_HICCUP_NS late */
    struct histogram_summary late;
};

/* Setup only: starts its threads on the CPUs given, n_cpu 1..WITNESS_CPUS_MAX. NULL when they may
 * not run under SCHED_FIFO (an ordinary thread would only witness our own load) or cannot be made;
 * *err says why. */
struct witness *witness_create(const int *cpus, size_t n_cpu, struct status *err);
void witness_destroy(struct witness **witness);

/* RT-safe, any thread. How long the machine may have been away between two times of clock_ns(), on
 * the CPU where that was longest, one that is away now included. Hiccups only; each may have begun
 * as early as the wake-up before it, a millisecond. Remembers the last 64 of each CPU. */
int64_t witness_away_ns(const struct witness *witness, int64_t begin_ns, int64_t end_ns);

void witness_read(const struct witness *witness, struct witness_summary *out);
