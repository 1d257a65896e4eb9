/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "host/cli/sweep_ranks.h"

#include <mpi.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "base/log.h"

enum { TAG_REPORT = 1, TAG_WORK = 2 };
#define MAX_ITEMS   256 /* results in one message */
#define MAX_BATCHES 32  /* in one answer */
#define NAP_NS      10000000
#define AHEAD       4 /* batches a thread has before it, so that it never waits for an answer */

struct report {                  /* followed by n_items x (item as double, width doubles) */
    uint32_t n_items, want, has; /* batches: asked for, not begun */
    int32_t final, code;
    double cpu_s;
    char text[256];
};

struct work {
    uint32_t n, end; /* end: no more will come */
    struct sweep_batch batches[MAX_BATCHES];
};

double sweep_cpu_s(void)
{
    struct rusage use;
    getrusage(RUSAGE_SELF, &use);
    return (double)(use.ru_utime.tv_sec + use.ru_stime.tv_sec) +
           1e-6 * (double)(use.ru_utime.tv_usec + use.ru_stime.tv_usec);
}

static void nap(void)
{
    nanosleep(&(struct timespec){0, NAP_NS}, NULL);
}

/* Until it is done, asleep: what MPI itself waits for, it waits for spinning, on a core that has
 * trials to compute. */
static void sleep_until(MPI_Request *request)
{
    int done = 0;
    for (;;) {
        MPI_Test(request, &done, MPI_STATUS_IGNORE);
        if (done)
            return;
        nap();
    }
}

/* Room for one answer to each rank, so that rank 0 never waits for one to be taken. */
static bool attach_answers(int n)
{
    int bytes = n * (int)(sizeof(struct work) + MPI_BSEND_OVERHEAD);
    void *room = malloc((size_t)bytes);
    return room && MPI_Buffer_attach(room, bytes) == MPI_SUCCESS;
}

static void detach_answers(void)
{
    void *room = NULL;
    int bytes;
    MPI_Buffer_detach(&room, &bytes);
    free(room);
}

int sweep_ranks_open(struct sweep_ranks *ranks, struct status *err)
{
    static const char *const marks[] = {"OMPI_COMM_WORLD_SIZE", "PMIX_NAMESPACE", "PMI_SIZE"};
    bool launched = false;
    int level;
    *ranks = (struct sweep_ranks){.n = 1};
    for (size_t i = 0; i < sizeof marks / sizeof *marks; i++)
        launched = launched || getenv(marks[i]);
    if (!launched)
        return 0;
    if (MPI_Init_thread(NULL, NULL, MPI_THREAD_FUNNELED, &level) != MPI_SUCCESS)
        return status_set(err, ERR_STATE, "MPI cannot be started; run it through mpirun");
    ranks->mpi = true;
    MPI_Comm_rank(MPI_COMM_WORLD, &ranks->rank);
    MPI_Comm_size(MPI_COMM_WORLD, &ranks->n);
    if (level < MPI_THREAD_FUNNELED || ranks->n > SWEEP_MAX_RANKS)
        return status_set(err, ERR_STATE, "this MPI has no threads, or more than %d ranks",
                          SWEEP_MAX_RANKS);
    if (!attach_answers(ranks->n))
        return status_set(err, ERR_NO_MEMORY, "no memory for the answers to %d ranks", ranks->n);
    return 0;
}

static size_t item_doubles(const struct sweep_store *store)
{
    return 1 + store->plan->width;
}

static void store_results(struct sweep_store *store, const double *at, size_t n)
{
    for (size_t i = 0; i < n; i++, at += item_doubles(store)) {
        size_t item = (size_t)at[0];
        memcpy(sweep_store_at(store, item), at + 1, store->plan->width * sizeof *at);
        sweep_store_done(store, item);
    }
}

/* At most its share of what is left here and there: near the end nobody hoards. */
static size_t share(const struct sweep_ranks *ranks, const struct report *head, size_t left)
{
    size_t most = (left + head->has) / (size_t)ranks->n,
           n = most > head->has ? most - head->has : 0;
    n = n == 0 && head->has == 0 ? 1 : n;
    n = n < head->want ? n : head->want;
    return n < MAX_BATCHES ? n : MAX_BATCHES;
}

static void answer(const struct sweep_ranks *ranks, int to, const struct report *head,
                   struct sweep_crew *crew)
{
    struct work work = {0};
    size_t left = sweep_crew_waiting(crew);
    work.n = (uint32_t)sweep_crew_take_back(crew, work.batches, share(ranks, head, left));
    work.end = sweep_crew_waiting(crew) == 0;
    MPI_Bsend(&work, sizeof work, MPI_BYTE, to, TAG_WORK, MPI_COMM_WORLD);
}

bool sweep_ranks_serve(struct sweep_ranks *ranks, struct sweep_store *store,
                       struct sweep_crew *crew, struct status *err)
{
    MPI_Status from;
    struct report head;
    int there = 0, bytes;
    if (ranks->n == 1)
        return false;
    MPI_Iprobe(MPI_ANY_SOURCE, TAG_REPORT, MPI_COMM_WORLD, &there, &from);
    if (!there)
        return false;
    MPI_Get_count(&from, MPI_BYTE, &bytes);
    char *message = malloc((size_t)bytes);
    if (!message) {
        status_set(err, ERR_NO_MEMORY, "no memory for the results of rank %d", from.MPI_SOURCE);
        MPI_Abort(MPI_COMM_WORLD, 1);
        return false;
    }
    MPI_Recv(message, bytes, MPI_BYTE, from.MPI_SOURCE, TAG_REPORT, MPI_COMM_WORLD,
             MPI_STATUS_IGNORE);
    memcpy(&head, message, sizeof head);
    store_results(store, (const double *)(message + sizeof head), head.n_items);
    free(message);
    if (head.want)
        answer(ranks, from.MPI_SOURCE, &head, crew);
    if (head.final) {
        ranks->n_final++;
        ranks->cpu_s[from.MPI_SOURCE] = head.cpu_s;
    }
    if (head.code)
        status_set(err, head.code, "rank %d: %.200s", from.MPI_SOURCE, head.text);
    return true;
}

/* So many that a message stays below 64 MB. */
static size_t most_items(const struct sweep_store *store)
{
    size_t n = (1u << 26) / (item_doubles(store) * sizeof(double));
    return n < 1 ? 1 : n > MAX_ITEMS ? MAX_ITEMS : n;
}

/* One message with what is done since the last; returns how many results it had. */
static size_t deliver(struct sweep_store *store, struct report *head)
{
    static uint32_t items[MAX_ITEMS];
    head->n_items = (uint32_t)sweep_store_take(store, items, most_items(store));
    size_t bytes = sizeof *head + head->n_items * item_doubles(store) * sizeof(double);
    char *message = malloc(bytes);
    if (!message) {
        log_error("no memory for a message");
        MPI_Abort(MPI_COMM_WORLD, 1);
        return 0;
    }
    memcpy(message, head, sizeof *head);
    double *at = (double *)(message + sizeof *head);
    for (size_t i = 0; i < head->n_items; i++, at += item_doubles(store)) {
        at[0] = items[i];
        memcpy(at + 1, sweep_store_at(store, items[i]), store->plan->width * sizeof *at);
    }
    MPI_Request sent;
    MPI_Isend(message, (int)bytes, MPI_BYTE, 0, TAG_REPORT, MPI_COMM_WORLD, &sent);
    sleep_until(&sent);
    free(message);
    return head->n_items;
}

static void take_answer(struct sweep_ranks *ranks, struct sweep_crew *crew)
{
    struct work work;
    int there = 0;
    MPI_Iprobe(0, TAG_WORK, MPI_COMM_WORLD, &there, MPI_STATUS_IGNORE);
    if (!there)
        return;
    MPI_Recv(&work, sizeof work, MPI_BYTE, 0, TAG_WORK, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
    ranks->asked = false;
    ranks->told_end = work.end;
    if (!sweep_crew_push(crew, work.batches, work.n)) {
        log_error("no memory for %u batches", work.n);
        MPI_Abort(MPI_COMM_WORLD, 1);
    }
}

bool sweep_ranks_report(struct sweep_ranks *ranks, struct sweep_store *store,
                        struct sweep_crew *crew, size_t n_threads)
{
    if (ranks->asked)
        take_answer(ranks, crew);
    const size_t has = sweep_crew_waiting(crew), want = AHEAD * n_threads;
    if (!ranks->asked && !ranks->told_end && has < want) {
        struct report head = {.want = (uint32_t)(want - has), .has = (uint32_t)has};
        deliver(store, &head);
        ranks->asked = true;
    }
    return !ranks->told_end;
}

void sweep_ranks_final(struct sweep_ranks *ranks, struct sweep_store *store,
                       const struct status *fault)
{
    struct report head = {0};
    while (ranks->asked) { /* nothing may be left under way */
        struct work work;
        MPI_Recv(&work, sizeof work, MPI_BYTE, 0, TAG_WORK, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
        ranks->asked = false;
    }
    while (deliver(store, &head) == most_items(store))
        ;
    head = (struct report){.final = 1, .code = fault->code, .cpu_s = sweep_cpu_s()};
    memcpy(head.text, fault->text, sizeof head.text);
    deliver(store, &head);
}

int sweep_ranks_agree(struct sweep_ranks *ranks, int code, struct status *err)
{
    int fine = code == 0, all = fine;
    if (ranks->n > 1)
        MPI_Allreduce(&fine, &all, 1, MPI_INT, MPI_LAND, MPI_COMM_WORLD);
    if (fine && !all)
        return status_set(err, ERR_STATE, "another rank cannot go on; its message stands beside");
    return code;
}

void sweep_ranks_close(struct sweep_ranks *ranks)
{
    MPI_Request all;
    if (!ranks->mpi)
        return;
    MPI_Ibarrier(MPI_COMM_WORLD, &all);
    sleep_until(&all);
    detach_answers();
    MPI_Finalize();
}
