/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "host/cli/sweep_crew.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"

struct sweep_crew {
    struct sweep_store *store;
    pthread_mutex_t lock; /* of all below */
    pthread_cond_t news;
    struct sweep_batch *queue; /* [head, tail) */
    size_t head, tail, room;
    bool closed, at_once;
    size_t n_threads, n_ended;
    struct status fault;
    pthread_t threads[];
};

/* Waits for work; false at the end. */
static bool take(struct sweep_crew *crew, struct sweep_batch *batch)
{
    pthread_mutex_lock(&crew->lock);
    while (crew->head == crew->tail && !crew->closed)
        pthread_cond_wait(&crew->news, &crew->lock);
    bool got = crew->head < crew->tail && !crew->at_once;
    if (got)
        *batch = crew->queue[crew->head++];
    pthread_mutex_unlock(&crew->lock);
    return got;
}

static bool must_end(struct sweep_crew *crew)
{
    pthread_mutex_lock(&crew->lock);
    bool end = crew->at_once;
    pthread_mutex_unlock(&crew->lock);
    return end;
}

static void give_up(struct sweep_crew *crew, const struct status *err)
{
    pthread_mutex_lock(&crew->lock);
    if (crew->fault.code == 0)
        crew->fault = *err;
    crew->closed = crew->at_once = true;
    pthread_cond_broadcast(&crew->news);
    pthread_mutex_unlock(&crew->lock);
}

static void compute(struct sweep_crew *crew, void *workspace, const struct sweep_batch *batch)
{
    const struct sweep_plan *plan = crew->store->plan;
    for (uint32_t i = 0; i < SWEEP_BATCH && !must_end(crew); i++) {
        if (!(batch->todo & 1u << i))
            continue;
        struct status err = {0}, told;
        size_t trial = batch->first + i, item = batch->point * plan->n_trials + trial;
        if (sweep_plan_trial(plan, workspace, batch->point, trial,
                             sweep_store_at(crew->store, item), &err)) {
            status_set(&told, err.code, "point %u, trial %zu: %.180s", batch->point, trial,
                       err.text);
            give_up(crew, &told);
            return;
        }
        sweep_store_done(crew->store, item);
    }
}

static void *work(void *context)
{
    struct sweep_crew *crew = context;
    const struct sweep_plan *plan = crew->store->plan;
    void *workspace = plan->kind->create(&plan->cfg);
    struct sweep_batch batch;
    if (!workspace) {
        struct status err;
        status_set(&err, ERR_NO_MEMORY, "no memory for a thread's workspace; try fewer --jobs");
        give_up(crew, &err);
    }
    while (workspace && take(crew, &batch))
        compute(crew, workspace, &batch);
    if (workspace)
        plan->kind->destroy(workspace);
    pthread_mutex_lock(&crew->lock);
    crew->n_ended++;
    pthread_mutex_unlock(&crew->lock);
    return NULL;
}

struct sweep_crew *sweep_crew_start(struct sweep_store *store, size_t n_threads, struct status *err)
{
    struct sweep_crew *crew = calloc(1, sizeof *crew + n_threads * sizeof *crew->threads);
    if (!crew) {
        status_set(err, ERR_NO_MEMORY, "no memory for %zu threads", n_threads);
        return NULL;
    }
    crew->store = store;
    pthread_mutex_init(&crew->lock, NULL);
    pthread_cond_init(&crew->news, NULL);
    for (; crew->n_threads < n_threads; crew->n_threads++)
        if (pthread_create(&crew->threads[crew->n_threads], NULL, work, crew)) {
            struct status ignored;
            (void)sweep_crew_end(&crew, &ignored);
            status_set(err, ERR_NO_MEMORY, "cannot start %zu threads; try fewer --jobs", n_threads);
            return NULL;
        }
    return crew;
}

/* Room for n more behind the tail. Lock held. */
static bool make_room(struct sweep_crew *crew, size_t n)
{
    if (crew->tail + n <= crew->room)
        return true;
    size_t waiting = crew->tail - crew->head, room = 2 * (waiting + n);
    struct sweep_batch *queue = malloc(room * sizeof *queue);
    if (!queue)
        return false;
    if (waiting)
        memcpy(queue, crew->queue + crew->head, waiting * sizeof *queue);
    free(crew->queue);
    crew->queue = queue;
    crew->head = 0;
    crew->tail = waiting;
    crew->room = room;
    return true;
}

bool sweep_crew_push(struct sweep_crew *crew, const struct sweep_batch *batches, size_t n)
{
    pthread_mutex_lock(&crew->lock);
    bool fits = make_room(crew, n);
    if (fits && n) {
        memcpy(crew->queue + crew->tail, batches, n * sizeof *batches);
        crew->tail += n;
        pthread_cond_broadcast(&crew->news);
    }
    pthread_mutex_unlock(&crew->lock);
    return fits;
}

size_t sweep_crew_take_back(struct sweep_crew *crew, struct sweep_batch *batches, size_t max)
{
    size_t n = 0;
    pthread_mutex_lock(&crew->lock);
    while (n < max && crew->head < crew->tail && !crew->at_once)
        batches[n++] = crew->queue[crew->head++];
    pthread_mutex_unlock(&crew->lock);
    return n;
}

size_t sweep_crew_waiting(struct sweep_crew *crew)
{
    pthread_mutex_lock(&crew->lock);
    size_t n = crew->at_once ? 0 : crew->tail - crew->head;
    pthread_mutex_unlock(&crew->lock);
    return n;
}

void sweep_crew_close(struct sweep_crew *crew, bool at_once)
{
    pthread_mutex_lock(&crew->lock);
    crew->closed = true;
    crew->at_once = crew->at_once || at_once;
    pthread_cond_broadcast(&crew->news);
    pthread_mutex_unlock(&crew->lock);
}

bool sweep_crew_idle(struct sweep_crew *crew)
{
    pthread_mutex_lock(&crew->lock);
    bool idle = crew->closed && crew->n_ended == crew->n_threads;
    pthread_mutex_unlock(&crew->lock);
    return idle;
}

bool sweep_crew_failed(struct sweep_crew *crew)
{
    pthread_mutex_lock(&crew->lock);
    bool failed = crew->fault.code != 0;
    pthread_mutex_unlock(&crew->lock);
    return failed;
}

int sweep_crew_end(struct sweep_crew **crew, struct status *err)
{
    struct sweep_crew *c = *crew;
    if (!c)
        return 0;
    sweep_crew_close(c, true);
    for (size_t i = 0; i < c->n_threads; i++)
        pthread_join(c->threads[i], NULL);
    int rc = c->fault.code;
    if (rc)
        *err = c->fault;
    pthread_mutex_destroy(&c->lock);
    pthread_cond_destroy(&c->news);
    free(c->queue);
    free(c);
    *crew = NULL;
    return rc;
}
