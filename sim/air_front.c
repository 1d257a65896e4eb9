/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <assert.h>
#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "sim/air_front.h"
#include "sim/noise.h"

enum { N_CHANGE = 64 }; /* changes ahead or within what is still being read */

struct channel {
    struct front_setting change[N_CHANGE]; /* in order of time */
    int n;
    uint64_t tunes;
};

struct air_front {
    pthread_mutex_t lock;
    const struct air_cfg *cfg;
    unsigned radio;
    struct channel channel[AIR_MAX_PORTS];
};

static float lo_phase(const struct air_front *f, unsigned ch, uint64_t tunes)
{
    if (!f->cfg->radios[f->radio].random_phase)
        return 0.0f;
    uint64_t who = ((uint64_t)f->radio << 32) | ch;
    return (float)(2 * M_PI * hash_unit(f->cfg->seed ^ 0x6c6f, who, tunes));
}

struct air_front *air_front_create(struct air *air, unsigned radio)
{
    struct air_front *f = calloc(1, sizeof *f);
    if (!f)
        return NULL;
    pthread_mutex_init(&f->lock, NULL);
    f->cfg = air_config(air);
    f->radio = radio;
    for (unsigned c = 0; c < AIR_MAX_PORTS; c++) {
        f->channel[c].n = 1;
        f->channel[c].change[0] =
            (struct front_setting){.k = INT64_MIN,
                                   .freq_hz = f->cfg->carrier_hz > 0 ? f->cfg->carrier_hz : 1e9,
                                   .phase_rad = lo_phase(f, c, 0)};
    }
    return f;
}

void air_front_destroy(struct air_front **front)
{
    if (*front)
        pthread_mutex_destroy(&(*front)->lock);
    free(*front);
    *front = NULL;
}

/* The setting from k on, as a fresh entry in its place in time; later ones are kept. */
static int insert(struct channel *c, int64_t k)
{
    int i = c->n;
    while (i > 1 && c->change[i - 1].k > k)
        i--;
    if (c->change[i - 1].k == k)
        return i - 1;
    if (c->n == N_CHANGE) { /* forget the oldest; the next one then holds from ever */
        memmove(c->change, c->change + 1, (N_CHANGE - 1) * sizeof c->change[0]);
        c->change[0].k = INT64_MIN;
        c->n--;
        i--;
    }
    if (i < 1)
        i = 1;
    memmove(c->change + i + 1, c->change + i, (size_t)(c->n - i) * sizeof c->change[0]);
    c->change[i] = c->change[i - 1];
    c->change[i].k = k;
    c->n++;
    return i;
}

void air_front_gain(struct air_front *f, unsigned ch, int64_t k, double gain_db)
{
    assert(ch < AIR_MAX_PORTS);
    pthread_mutex_lock(&f->lock);
    struct channel *c = &f->channel[ch];
    for (int i = insert(c, k); i < c->n; i++)
        c->change[i].gain_db = (float)gain_db;
    pthread_mutex_unlock(&f->lock);
}

void air_front_tune(struct air_front *f, unsigned ch, int64_t k, double freq_hz)
{
    assert(ch < AIR_MAX_PORTS);
    pthread_mutex_lock(&f->lock);
    struct channel *c = &f->channel[ch];
    float phase = lo_phase(f, ch, ++c->tunes);
    for (int i = insert(c, k); i < c->n; i++) {
        c->change[i].freq_hz = freq_hz;
        c->change[i].phase_rad = phase;
    }
    pthread_mutex_unlock(&f->lock);
}

struct front_setting air_front_at(struct air_front *f, unsigned ch, int64_t k, int64_t *until)
{
    pthread_mutex_lock(&f->lock);
    const struct channel *c = &f->channel[ch];
    int i = c->n - 1;
    while (i > 0 && c->change[i].k > k)
        i--;
    *until = i + 1 < c->n ? c->change[i + 1].k : AIR_NEVER;
    struct front_setting s = c->change[i];
    pthread_mutex_unlock(&f->lock);
    return s;
}
