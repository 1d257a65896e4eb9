/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The threads of one process that compute trials, and the queue of batches that feeds them. */
#pragma once
#include "host/cli/sweep_store.h"

struct sweep_batch {
    uint32_t point, first; /* trials first, first + 1, ... of this point ... */
    uint32_t todo;         /* ... where bit i is set: trial first + i */
};

struct sweep_crew;

/* Starts the threads. store: results go there. NULL and the reason in *err. */
struct sweep_crew *sweep_crew_start(struct sweep_store *store, size_t n_threads,
                                    struct status *err);

/* More work. The queue holds whatever it is given. False: no memory. */
bool sweep_crew_push(struct sweep_crew *crew, const struct sweep_batch *batches, size_t n);
/* Takes work back that nobody has begun (for another process), at most max. */
size_t sweep_crew_take_back(struct sweep_crew *crew, struct sweep_batch *batches, size_t max);
size_t sweep_crew_waiting(struct sweep_crew *crew); /* batches not begun */

/* No more work will come: threads end when the queue is empty. at_once: after their present trial.
 */
void sweep_crew_close(struct sweep_crew *crew, bool at_once);
bool sweep_crew_idle(struct sweep_crew *crew); /* closed, and every thread is at its end */

/* Ends the threads (at once) and frees. Returns 0, or what went wrong in a trial, in *err. */
int sweep_crew_end(struct sweep_crew **crew, struct status *err);
/* Has a trial gone wrong? */
bool sweep_crew_failed(struct sweep_crew *crew);
