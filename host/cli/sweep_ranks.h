/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Several processes on one sweep, under mpirun: rank 0 hands out batches, collects results and
 * owns the files; a rank owns the trials of the batches it was given. Without mpirun there is one
 * rank and MPI is not started. Main thread only; nothing here spins. */
#pragma once
#include "host/cli/sweep_crew.h"

#define SWEEP_MAX_RANKS 4096

struct sweep_ranks {
    int rank, n;                   /* 0 and 1 without mpirun */
    bool mpi;                      /* has been started */
    int n_final;                   /* rank 0: others that have delivered everything */
    double cpu_s[SWEEP_MAX_RANKS]; /* rank 0: processor time of each, once final */
    bool asked, told_end;          /* others: a request is under way; no more batches will come */
};

/* Starts MPI if mpirun has started us. ERR_STATE with the reason. */
int sweep_ranks_open(struct sweep_ranks *ranks, struct status *err) MUST_CHECK;

/* Rank 0: answers one message, if there is one: stores results, gives batches out of the crew's
 * queue. Returns whether there was one. What went wrong elsewhere: *err, its code not 0. */
bool sweep_ranks_serve(struct sweep_ranks *ranks, struct sweep_store *store,
                       struct sweep_crew *crew, struct status *err);

/* Others: asks for batches when the crew's queue runs low, delivers what is done, takes the answer.
 * Returns false once rank 0 has no more. */
bool sweep_ranks_report(struct sweep_ranks *ranks, struct sweep_store *store,
                        struct sweep_crew *crew, size_t n_threads);

/* Others: the last results, processor time, and what went wrong (code 0: nothing). */
void sweep_ranks_final(struct sweep_ranks *ranks, struct sweep_store *store,
                       const struct status *fault);

/* Everybody asks everybody: whoever cannot go on stops all. code: of *err, or 0; returns the code,
 * ERR_STATE and a message in *err where it is others who cannot. */
int sweep_ranks_agree(struct sweep_ranks *ranks, int code, struct status *err) MUST_CHECK;

/* Waits for all, asleep, and ends MPI. */
void sweep_ranks_close(struct sweep_ranks *ranks);

/* Processor time of this process so far, user and system [s]. */
double sweep_cpu_s(void);
