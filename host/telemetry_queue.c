/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/log.h"
#include "host/telemetry.h"
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

struct telemetry_queue {
    pthread_mutex_t lock;
    pthread_cond_t drained;
    struct telemetry_item *items;
    size_t n_item, first, n_used;
    bool lossless, stopped;
    int fd;
    _Atomic uint64_t dropped;
};

struct telemetry_queue *telemetry_queue_create(size_t n_item, bool lossless, struct status *err)
{
    struct telemetry_queue *q = calloc(1, sizeof *q);
    if (!q || !(q->items = calloc(n_item, sizeof *q->items))) {
        status_set(err, ERR_NO_MEMORY, "telemetry: out of memory");
        free(q);
        return NULL;
    }
    q->fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (q->fd < 0) {
        status_set(err, ERR_IO, "telemetry: no eventfd; raise the limit of open files");
        free(q->items);
        free(q);
        return NULL;
    }
    pthread_mutex_init(&q->lock, NULL);
    pthread_cond_init(&q->drained, NULL);
    q->n_item = n_item;
    q->lossless = lossless;
    return q;
}

void telemetry_queue_destroy(struct telemetry_queue **queue)
{
    struct telemetry_queue *q = *queue;
    if (!q)
        return;
    close(q->fd);
    pthread_cond_destroy(&q->drained);
    pthread_mutex_destroy(&q->lock);
    free(q->items);
    free(q);
    *queue = NULL;
}

static void wake(struct telemetry_queue *q)
{
    const uint64_t one = 1;
    if (write(q->fd, &one, sizeof one) < 0)
        return; /* saturated: readable anyway */
}

void telemetry_queue_put(struct telemetry_queue *q, const struct telemetry_item *item)
{
    pthread_mutex_lock(&q->lock);
    while (q->lossless && q->n_used == q->n_item && !q->stopped)
        pthread_cond_wait(&q->drained, &q->lock);
    if (q->n_used == q->n_item) { /* the newest counts most */
        q->first = (q->first + 1) % q->n_item;
        q->n_used--;
        atomic_fetch_add(&q->dropped, 1);
    }
    q->items[(q->first + q->n_used++) % q->n_item] = *item;
    pthread_mutex_unlock(&q->lock);
    wake(q);
}

bool telemetry_queue_offer(struct telemetry_queue *q, const struct telemetry_item *item)
{
    pthread_mutex_lock(&q->lock);
    const bool room = 2 * q->n_used < q->n_item;
    if (room)
        q->items[(q->first + q->n_used++) % q->n_item] = *item;
    pthread_mutex_unlock(&q->lock);
    if (room)
        wake(q);
    return room;
}

bool telemetry_queue_take(struct telemetry_queue *q, struct telemetry_item *out)
{
    pthread_mutex_lock(&q->lock);
    bool any = q->n_used > 0;
    if (any) {
        *out = q->items[q->first];
        q->first = (q->first + 1) % q->n_item;
        q->n_used--;
        pthread_cond_signal(&q->drained);
    }
    pthread_mutex_unlock(&q->lock);
    return any;
}

int telemetry_queue_fd(const struct telemetry_queue *q)
{
    return q->fd;
}

void telemetry_queue_clear_fd(struct telemetry_queue *q)
{
    uint64_t n;
    if (read(q->fd, &n, sizeof n) < 0)
        return; /* nothing was pending */
}

void telemetry_queue_stop(struct telemetry_queue *q)
{
    pthread_mutex_lock(&q->lock);
    q->stopped = true;
    pthread_cond_broadcast(&q->drained);
    pthread_mutex_unlock(&q->lock);
}

uint64_t telemetry_queue_dropped(const struct telemetry_queue *q)
{
    return atomic_load(&q->dropped);
}
