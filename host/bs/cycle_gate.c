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
    struct gate_part {
        int64_t asked, taken, answered; /* likewise */
        int answer;
    } part[CYCLE_PARTS]; /* but CYCLE_BURST */
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
    for (int i = 0; i < CYCLE_PARTS; i++)
        g->part[i] = (struct gate_part){.asked = -1, .taken = -1, .answered = -1};
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

/* The part that is asked for, if any, into *request. */
static bool take_request(struct cycle_gate *g, struct cycle_request *request)
{
    if (g->taken != g->requested) {
        *request = g->request;
        g->taken = g->requested;
        return true;
    }
    for (int i = 0; i < CYCLE_PARTS; i++)
        if (g->part[i].taken != g->part[i].asked) {
            g->part[i].taken = g->part[i].asked;
            *request = (struct cycle_request){.part = i, .index = g->part[i].asked};
            return true;
        }
    return false;
}

bool cycle_gate_wait_request(struct cycle_gate *g, struct cycle_request *request)
{
    pthread_mutex_lock(&g->lock);
    while (!g->stopped && !take_request(g, request))
        pthread_cond_wait(&g->changed, &g->lock);
    bool go = !g->stopped;
    pthread_mutex_unlock(&g->lock);
    return go;
}

void cycle_gate_ask(struct cycle_gate *g, enum cycle_part part, int64_t index)
{
    advance(g, &g->part[part].asked, index);
}

void cycle_gate_answer_part(struct cycle_gate *g, enum cycle_part part, int answer)
{
    pthread_mutex_lock(&g->lock);
    g->part[part].answer = answer;
    g->part[part].answered = g->part[part].taken;
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

/* Waits for *reached to be at least *wanted until the deadline: 1 there it is, 0 not yet, -1
 * stopped. */
static int look(struct cycle_gate *g, const int64_t *reached, const int64_t *wanted,
                unsigned timeout_ms)
{
    struct timespec end;
    int e = 0;
    clock_gettime(CLOCK_REALTIME, &end);
    end.tv_nsec += (long)(timeout_ms % 1000) * 1000000;
    end.tv_sec += timeout_ms / 1000 + end.tv_nsec / 1000000000;
    end.tv_nsec %= 1000000000;
    while (!g->stopped && *reached < *wanted && e == 0)
        e = pthread_cond_timedwait(&g->changed, &g->lock, &end);
    return g->stopped ? -1 : *reached >= *wanted;
}

int cycle_gate_look_plan(struct cycle_gate *g, struct cycle_plan *plan, unsigned timeout_ms)
{
    pthread_mutex_lock(&g->lock);
    int got = look(g, &g->answered, &g->requested, timeout_ms);
    *plan = g->plan;
    pthread_mutex_unlock(&g->lock);
    return got;
}

int cycle_gate_look(struct cycle_gate *g, enum cycle_part part, int *answer, unsigned timeout_ms)
{
    const struct gate_part *p = &g->part[part];
    pthread_mutex_lock(&g->lock);
    int got = look(g, &p->answered, &p->asked, timeout_ms);
    *answer = p->answer;
    pthread_mutex_unlock(&g->lock);
    return got;
}

int cycle_gate_look_done(struct cycle_gate *g, int64_t index, unsigned timeout_ms)
{
    pthread_mutex_lock(&g->lock);
    int got = look(g, &g->done, &index, timeout_ms);
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
