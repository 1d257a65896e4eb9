/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ris_ctrl/keeper.h"
#include "base/log.h"
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

struct keeper {
    struct library library;
    pthread_t thread;
    bool started;
    pthread_mutex_t lock; /* of all below */
    pthread_cond_t changed;
    bool waits, stop;
    uint16_t slot;
    uint8_t pattern[RIS_PATTERN_MAX];
};

static void *run(void *arg)
{
    struct keeper *k = arg;
    uint8_t pattern[RIS_PATTERN_MAX];
    struct status err;
    pthread_mutex_lock(&k->lock);
    for (;;) {
        while (!k->waits && !k->stop)
            pthread_cond_wait(&k->changed, &k->lock);
        if (!k->waits)
            break;
        uint16_t slot = k->slot;
        memcpy(pattern, k->pattern, sizeof pattern);
        k->waits = false;
        pthread_mutex_unlock(&k->lock);
        if (library_save_shown(&k->library, slot, pattern, &err) != OK)
            log_error("board %s: its profile is not stored: %s", k->library.board, err.text);
        pthread_mutex_lock(&k->lock);
    }
    pthread_mutex_unlock(&k->lock);
    return NULL;
}

struct keeper *keeper_create(const struct library *library, struct status *err)
{
    struct keeper *k = calloc(1, sizeof *k);
    if (k != NULL) {
        k->library = *library;
        pthread_mutex_init(&k->lock, NULL);
        pthread_cond_init(&k->changed, NULL);
        k->started = pthread_create(&k->thread, NULL, run, k) == 0;
    }
    if (k == NULL || !k->started) {
        status_set(err, ERR_NO_MEMORY,
                   "board %s: no memory or thread for its store; check the limits of this user",
                   library->board);
        keeper_destroy(&k);
    }
    return k;
}

void keeper_put(struct keeper *k, uint16_t slot, const uint8_t *pattern)
{
    pthread_mutex_lock(&k->lock);
    k->slot = slot;
    memcpy(k->pattern, pattern, ris_pattern_bytes(k->library.shape));
    k->waits = true;
    pthread_cond_signal(&k->changed);
    pthread_mutex_unlock(&k->lock);
}

void keeper_destroy(struct keeper **keeper)
{
    struct keeper *k = *keeper;
    if (k == NULL)
        return;
    if (k->started) {
        pthread_mutex_lock(&k->lock);
        k->stop = true;
        pthread_cond_signal(&k->changed);
        pthread_mutex_unlock(&k->lock);
        pthread_join(k->thread, NULL);
    }
    pthread_mutex_destroy(&k->lock);
    pthread_cond_destroy(&k->changed);
    free(k);
    *keeper = NULL;
}
