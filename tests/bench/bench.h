/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A benchmark is a list of stages, each with its budget. The median of many runs is compared: a
 * preempted run says nothing about the code. */
#pragma once
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static inline double bench_now_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static inline int bench_compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Median seconds of `runs` (at most 1000) calls after one to warm up. */
static inline double bench_median_s(void (*stage)(void *), void *ctx, int runs)
{
    double s[1000];
    stage(ctx);
    for (int i = 0; i < runs; i++) {
        double start = bench_now_s();
        stage(ctx);
        s[i] = bench_now_s() - start;
    }
    qsort(s, (size_t)runs, sizeof *s, bench_compare);
    return s[runs / 2];
}

/* Median CPU seconds of at most 101 runs: other programs on the machine are not our cost. */
static inline double bench_median_cpu_s(void (*stage)(void *), void *ctx, int runs)
{
    double s[101];
    stage(ctx);
    for (int i = 0; i < runs; i++) {
        struct timespec a, b;
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &a);
        stage(ctx);
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &b);
        s[i] = (double)(b.tv_sec - a.tv_sec) + 1e-9 * (double)(b.tv_nsec - a.tv_nsec);
    }
    qsort(s, (size_t)runs, sizeof *s, bench_compare);
    return s[runs / 2];
}

/* Prints a figure, its budget and the verdict; returns 1 if it is over. */
static inline int bench_report(const char *name, double value, const char *unit, double budget)
{
    printf("%-28s %10.3f %-10s budget %8.3f  %s\n", name, value, unit, budget,
           value > budget ? "OVER" : "within");
    return value > budget;
}
