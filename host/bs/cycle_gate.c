/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "host/bs/cycle_gate.h"
#include "base/log.h"
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

struct cycle_gate {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    int64_t requested, taken, answered, done; /* cycle indices; -1: none yet */
    struct cycle_request request;             /* for a burst */
    struct cycle_plan plan;
    int64_t train_asked, train_taken, train_answered; /* likewise */
    bool train_ok;
    bool stopped;
};

struct cycle_gate *cycle_gate_create(struct status *err)
{
    struct cycle_gate *g = calloc(1, sizeof *g);
    if (!g) {
        status_set(err, ERR_NO_MEMORY, "cycle gate: out of memory");
        return NULL;
    }
    pthread_mutex_init(&g->lock, NULL);
    pthread_cond_init(&g->changed, NULL);
    g->requested = g->taken = g->answered = g->done = -1;
    g->train_asked = g->train_taken = g->train_answered = -1;
    return g;
}

void cycle_gate_destroy(struct cycle_gate **gate)
{
    if (!*gate)
        return;
    pthread_cond_destroy(&(*gate)->changed);
    pthread_mutex_destroy(&(*gate)->lock);
    free(*gate);
    *gate = NULL;
}

static void advance(struct cycle_gate *g, int64_t *field, int64_t index)
{
    pthread_mutex_lock(&g->lock);
    *field = index;
    pthread_cond_broadcast(&g->changed);
    pthread_mutex_unlock(&g->lock);
}

void cycle_gate_request(struct cycle_gate *g, const struct cycle_request *request)
{
    pthread_mutex_lock(&g->lock);
    g->request = *request;
    g->requested = request->index;
    pthread_cond_broadcast(&g->changed);
    pthread_mutex_unlock(&g->lock);
}

void cycle_gate_done(struct cycle_gate *g, int64_t index)
{
    advance(g, &g->done, index);
}

bool cycle_gate_wait_request(struct cycle_gate *g, struct cycle_request *request)
{
    pthread_mutex_lock(&g->lock);
    while (!g->stopped && g->taken == g->requested && g->train_taken == g->train_asked)
        pthread_cond_wait(&g->changed, &g->lock);
    if (g->taken != g->requested) {
        *request = g->request;
        g->taken = g->requested;
    } else {
        g->train_taken = g->train_asked;
        *request = (struct cycle_request){.part = CYCLE_PILOTS, .index = g->train_asked};
    }
    bool go = !g->stopped;
    pthread_mutex_unlock(&g->lock);
    return go;
}

void cycle_gate_ask_pilots(struct cycle_gate *g, int64_t index)
{
    advance(g, &g->train_asked, index);
}

void cycle_gate_answer_pilots(struct cycle_gate *g, bool ok)
{
    pthread_mutex_lock(&g->lock);
    g->train_ok = ok;
    g->train_answered = g->train_taken;
    pthread_cond_broadcast(&g->changed);
    pthread_mutex_unlock(&g->lock);
}

void cycle_gate_answer(struct cycle_gate *g, const struct cycle_plan *plan)
{
    pthread_mutex_lock(&g->lock);
    g->plan = *plan;
    g->answered = plan->index;
    pthread_cond_broadcast(&g->changed);
    pthread_mutex_unlock(&g->lock);
}

bool cycle_gate_wait_plan(struct cycle_gate *g, struct cycle_plan *plan)
{
    pthread_mutex_lock(&g->lock);
    while (!g->stopped && g->answered != g->requested)
        pthread_cond_wait(&g->changed, &g->lock);
    *plan = g->plan;
    bool go = !g->stopped;
    pthread_mutex_unlock(&g->lock);
    return go;
}

/* Waits for an answer to the request until the deadline: 1 there it is, 0 not yet, -1 stopped. */
static int look(struct cycle_gate *g, const int64_t *answered, const int64_t *requested,
                unsigned timeout_ms)
{
    struct timespec end;
    int e = 0;
    clock_gettime(CLOCK_REALTIME, &end);
    end.tv_nsec += (long)(timeout_ms % 1000) * 1000000;
    end.tv_sec += timeout_ms / 1000 + end.tv_nsec / 1000000000;
    end.tv_nsec %= 1000000000;
    while (!g->stopped && *answered != *requested && e == 0)
        e = pthread_cond_timedwait(&g->changed, &g->lock, &end);
    return g->stopped ? -1 : *answered == *requested;
}

int cycle_gate_look_plan(struct cycle_gate *g, struct cycle_plan *plan, unsigned timeout_ms)
{
    pthread_mutex_lock(&g->lock);
    int got = look(g, &g->answered, &g->requested, timeout_ms);
    *plan = g->plan;
    pthread_mutex_unlock(&g->lock);
    return got;
}

int cycle_gate_look_pilots(struct cycle_gate *g, bool *ok, unsigned timeout_ms)
{
    pthread_mutex_lock(&g->lock);
    int got = look(g, &g->train_answered, &g->train_asked, timeout_ms);
    *ok = g->train_ok;
    pthread_mutex_unlock(&g->lock);
    return got;
}

bool cycle_gate_wait_done(struct cycle_gate *g, int64_t index)
{
    pthread_mutex_lock(&g->lock);
    while (!g->stopped && g->done < index)
        pthread_cond_wait(&g->changed, &g->lock);
    bool go = !g->stopped;
    pthread_mutex_unlock(&g->lock);
    return go;
}

void cycle_gate_stop(struct cycle_gate *g)
{
    pthread_mutex_lock(&g->lock);
    g->stopped = true;
    pthread_cond_broadcast(&g->changed);
    pthread_mutex_unlock(&g->lock);
}
