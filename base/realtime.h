/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What a thread on the sample path asks of the kernel: SCHED_FIFO, CPUs of its own, memory that
 * stays. None of it can be taken for granted. What is refused is said in the log, once per process
 * and kind, with the cure, and the program runs on without it. Setup only, any thread. */
#pragma once
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

/* Who preempts whom where all of our programs share a machine: whoever holds up others comes last.
 * The witness only looks at the clock, and must see what delays the rest. */
enum realtime_priority {
    REALTIME_USER = 10,
    REALTIME_REPORT = 15, /* who waits for a position waits for its publication too */
    REALTIME_ROOM = 20,
    REALTIME_DSP = 50,
    REALTIME_RIS = 52, /* an ARM on its way to its board: the schedule waits for it */
    REALTIME_SCHEDULE = 55,
    REALTIME_RX = 60,
    REALTIME_WITNESS = 70,
};

struct realtime_cfg {
    int priority;    /* SCHED_FIFO, 1..99; 0: stay an ordinary thread */
    const int *cpus; /* [n_cpu] the thread stays on these */
    size_t n_cpu;    /* 0: the kernel chooses */
    const char *off; /* what sets priority to 0, for the warning; NULL: "run.realtime: no" */
};

struct realtime_grant {
    bool fifo, pinned;
};

/* Threads and processes that `thread` creates later start as ordinary ones, on the same CPUs. */
struct realtime_grant realtime_apply(pthread_t thread, const struct realtime_cfg *cfg);

/* The same for the calling thread and, unlike above with the priority too, for all threads and
 * processes that it creates later: for a program whose threads only hand over to one another. */
struct realtime_grant realtime_process(const struct realtime_cfg *cfg);

/* Everything mapped now is brought in and locked; what comes later is locked when it is first
 * touched. False: refused. */
bool realtime_lock_memory(void);

/* CPUs this process may use, at most n_max; returns how many. */
size_t realtime_cpus(int *cpus, size_t n_max);
