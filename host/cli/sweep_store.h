/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Results of a sweep, trial by trial, and their checkpoint on disk. An item is a trial of a point:
 * item = point * n_trials + trial. */
#pragma once
#include <pthread.h>

#include "host/cli/sweep_plan.h"

struct sweep_store {
    const struct sweep_plan *plan;
    size_t n_items;
    double *values;       /* [n_items x width]; pages are taken as they fill */
    pthread_mutex_t lock; /* of the rest */
    unsigned char *done;  /* [n_items] */
    uint32_t *fresh;      /* done since sweep_store_take, [n_items] */
    size_t n_done, n_fresh;
};

/* Setup only. The plan must outlive it. NULL and ERR_NO_MEMORY in *err. */
struct sweep_store *sweep_store_create(const struct sweep_plan *plan, struct status *err);
void sweep_store_destroy(struct sweep_store **store);

/* Where an item's numbers go, [width]; then it is told done. Any thread, each item once. */
double *sweep_store_at(struct sweep_store *store, size_t item);
void sweep_store_done(struct sweep_store *store, size_t item);
size_t sweep_store_count(struct sweep_store *store);

/* Items done since the last call, at most max; returns how many. */
size_t sweep_store_take(struct sweep_store *store, uint32_t *items, size_t max);

/* Checkpoint: what is done so far, with a checksum, replaced atomically. Loading a missing one is
 * ERR_NOT_FOUND (no message); ERR_FORMAT damaged; ERR_STATE of another experiment, or of this file
 * before it was changed. One thread, no trial running while loading. */
int sweep_store_save(struct sweep_store *store, const char *path, struct status *err) MUST_CHECK;
int sweep_store_load(struct sweep_store *store, const char *path, struct status *err) MUST_CHECK;
