/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "host/calib_worker.h"
#include "base/log.h"
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

enum { QUEUE = 16, SNAPSHOTS = 32 };

struct snapshot {
    uint64_t version; /* 0: none */
    int64_t index;    /* of its last pilots */
    struct pixel_map map;
};

struct surface { /* health and what is only the worker's */
    struct pixel_health *health;
    unsigned trains; /* since the last snapshot */
    struct snapshot snapshot[SNAPSHOTS];
    uint64_t version; /* of the newest */
};

struct calib_worker {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool lossless, stopped;
    int64_t lag;
    struct pixel_pilots queue[QUEUE];
    uint64_t put, taken, dropped; /* queue[n % QUEUE]; taken counts the dropped too */
    uint64_t done;                /* worked on or dropped */
    _Atomic uint64_t missed;      /* dropped at the door, the lock being held */
    struct surface surface[BS_RIS];
    struct pixel_map scratch;
};

int calib_health_cfg(const struct bs_cfg *cfg, size_t ris, const cplx *profiles,
                     struct pixel_health_cfg *out, struct status *err)
{
    const struct wall_map walls = bs_config_walls(cfg);
    *out = (struct pixel_health_cfg){
        .place = {.bs = bs_config_anchors(cfg).rx,
                  .carrier_hz = cfg->radio.carrier_hz,
                  .room = bs_config_room(cfg),
                  .model_error = cfg->pixels.model_error,
                  .n_profile = (size_t)cfg->pixels.train.n / 2,
                  .profiles = profiles},
        .forget_s = cfg->pixels.forget_s,
        .alarm = cfg->pixels.alarm,
        .p_fail = cfg->pixels.p_fail,
    };
    if (cfg->estimate.map)
        memcpy(out->place.wall_factor, walls.factor, sizeof walls.factor);
    if (bs_config_panel(cfg, ris, &out->place.panel))
        return status_set(err, ERR_GEOMETRY, "ris.boards[%zu]: no such pose", ris);
    return OK;
}

static struct pixel_health *make_health(const struct calib_worker_cfg *wc, size_t ris,
                                        struct status *err)
{
    struct pixel_health_cfg hc;
    if (calib_health_cfg(wc->cfg, ris, wc->profiles[ris], &hc, err))
        return NULL;
    struct pixel_health *health = pixel_health_create(&hc, err);
    if (health && wc->recalled[ris])
        pixel_health_recall(health, wc->recalled[ris]);
    return health;
}

struct calib_worker *calib_worker_create(const struct calib_worker_cfg *cfg, struct status *err)
{
    struct calib_worker *w = calloc(1, sizeof *w);
    if (!w) {
        status_set(err, ERR_NO_MEMORY, "calibration: out of memory");
        return NULL;
    }
    pthread_mutex_init(&w->lock, NULL);
    pthread_cond_init(&w->changed, NULL);
    w->lossless = cfg->lossless;
    w->lag = cfg->cfg->pixels.lag;
    for (size_t ris = 0; ris < BS_RIS; ris++) {
        w->surface[ris].health = make_health(cfg, ris, err);
        if (!w->surface[ris].health) {
            calib_worker_destroy(&w);
            return NULL;
        }
    }
    return w;
}

void calib_worker_destroy(struct calib_worker **worker)
{
    struct calib_worker *w = *worker;
    if (!w)
        return;
    for (size_t ris = 0; ris < BS_RIS; ris++)
        pixel_health_destroy(&w->surface[ris].health);
    pthread_cond_destroy(&w->changed);
    pthread_mutex_destroy(&w->lock);
    free(w);
    *worker = NULL;
}

/* --- queue -------------------------------------------------------------------------------- */

/* The calibration thread may be pushed off the processor while it holds the lock: who must not
 * wait for it does without. */
static bool enter(struct calib_worker *w)
{
    if (!w->lossless)
        return pthread_mutex_trylock(&w->lock) == 0;
    pthread_mutex_lock(&w->lock);
    return true;
}

void calib_worker_put(struct calib_worker *w, const struct pixel_pilots *pilots)
{
    if (!enter(w)) {
        atomic_fetch_add(&w->missed, 1);
        return;
    }
    while (w->lossless && !w->stopped && w->put - w->done == QUEUE)
        pthread_cond_wait(&w->changed, &w->lock);
    if (w->put - w->taken == QUEUE) {
        w->taken++;
        w->dropped++;
        w->done++;
    }
    w->queue[w->put++ % QUEUE] = *pilots;
    pthread_cond_broadcast(&w->changed);
    pthread_mutex_unlock(&w->lock);
}

static bool take(struct calib_worker *w, struct pixel_pilots *out)
{
    pthread_mutex_lock(&w->lock);
    while (!w->stopped && w->put == w->taken)
        pthread_cond_wait(&w->changed, &w->lock);
    bool go = !w->stopped;
    if (go)
        *out = w->queue[w->taken++ % QUEUE];
    pthread_cond_broadcast(&w->changed);
    pthread_mutex_unlock(&w->lock);
    return go;
}

void calib_worker_stop(struct calib_worker *w)
{
    pthread_mutex_lock(&w->lock);
    w->stopped = true;
    pthread_cond_broadcast(&w->changed);
    pthread_mutex_unlock(&w->lock);
}

/* --- work --------------------------------------------------------------------------------- */

static void finish(struct calib_worker *w, const struct pixel_pilots *pilots, bool judged)
{
    struct surface *s = &w->surface[pilots->ris];
    pthread_mutex_lock(&w->lock);
    if (judged) {
        struct snapshot *snapshot = &s->snapshot[++s->version % SNAPSHOTS];
        snapshot->version = s->version;
        snapshot->index = pilots->index;
        snapshot->map = w->scratch;
    }
    w->done++;
    pthread_cond_broadcast(&w->changed);
    pthread_mutex_unlock(&w->lock);
}

void calib_worker_run(struct calib_worker *w)
{
    struct pixel_pilots pilots;
    while (take(w, &pilots)) {
        struct surface *s = &w->surface[pilots.ris];
        (void)pixel_health_add(s->health, &pilots); /* counted in the map */
        bool judged = ++s->trains == CALIB_JUDGE_EVERY;
        if (judged) {
            pixel_health_judge(s->health, &w->scratch);
            s->trains = 0;
        }
        finish(w, &pilots, judged);
    }
}

/* --- snapshots ---------------------------------------------------------------------------- */

static bool copy(const struct surface *s, uint64_t version, uint64_t *seen, struct pixel_map *out)
{
    const struct snapshot *snapshot = &s->snapshot[version % SNAPSHOTS];
    if (version == 0 || version == *seen || snapshot->version != version)
        return false;
    *out = snapshot->map;
    *seen = version;
    return true;
}

/* Pilots in the queue are in order of their cycles. */
static bool pending(const struct calib_worker *w, int64_t up_to)
{
    return w->done < w->put && w->queue[w->done % QUEUE].index <= up_to;
}

bool calib_worker_adopt(struct calib_worker *w, size_t ris, int64_t index, uint64_t *version,
                        struct pixel_map *out)
{
    const struct surface *s = &w->surface[ris];
    const int64_t up_to = w->lossless ? index - w->lag : index;
    if (!enter(w))
        return false;
    while (w->lossless && !w->stopped && pending(w, up_to))
        pthread_cond_wait(&w->changed, &w->lock);
    uint64_t newest = s->version;
    while (newest > 0 && s->snapshot[newest % SNAPSHOTS].index > up_to)
        newest--;
    bool news = copy(s, newest, version, out);
    pthread_mutex_unlock(&w->lock);
    return news;
}

bool calib_worker_latest(struct calib_worker *w, size_t ris, uint64_t *version,
                         struct pixel_map *out)
{
    pthread_mutex_lock(&w->lock);
    bool news = copy(&w->surface[ris], w->surface[ris].version, version, out);
    pthread_mutex_unlock(&w->lock);
    return news;
}

void calib_worker_counters(struct calib_worker *w, struct calib_counters *out)
{
    pthread_mutex_lock(&w->lock);
    *out = (struct calib_counters){
        .put = w->put + w->missed, .dropped = w->dropped + w->missed, .done = w->done};
    pthread_mutex_unlock(&w->lock);
}
