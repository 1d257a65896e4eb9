/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "host/cli/sweep_store.h"

#include <assert.h>
#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/state_dir.h"

/* A checkpoint: head, n_done times (item, width doubles), BLAKE2b of all that. Byte order and
 * doubles of the machine: it is read where it was written. */
struct head {
    char magic[8];
    uint8_t digest[32]; /* of the plan */
    uint64_t n_items, width, n_done;
};
#define MAGIC     "MIRSWP1\n"
#define SUM_BYTES 32

struct sweep_store *sweep_store_create(const struct sweep_plan *plan, struct status *err)
{
    struct sweep_store *s = calloc(1, sizeof *s);
    if (s) {
        s->plan = plan;
        s->n_items = plan->n_points * plan->n_trials;
        s->values = malloc(s->n_items * plan->width * sizeof *s->values);
        s->done = calloc(s->n_items, 1);
        s->fresh = malloc(s->n_items * sizeof *s->fresh);
        pthread_mutex_init(&s->lock, NULL);
    }
    if (!s || !s->values || !s->done || !s->fresh) {
        status_set(err, ERR_NO_MEMORY, "no memory for %zu points x %zu trials x %zu numbers",
                   plan->n_points, plan->n_trials, plan->width);
        sweep_store_destroy(&s);
    }
    return s;
}

void sweep_store_destroy(struct sweep_store **store)
{
    struct sweep_store *s = *store;
    if (s) {
        free(s->values);
        free(s->done);
        free(s->fresh);
        pthread_mutex_destroy(&s->lock);
    }
    free(s);
    *store = NULL;
}

double *sweep_store_at(struct sweep_store *s, size_t item)
{
    assert(item < s->n_items);
    return s->values + item * s->plan->width;
}

void sweep_store_done(struct sweep_store *s, size_t item)
{
    pthread_mutex_lock(&s->lock);
    assert(item < s->n_items && !s->done[item]);
    s->done[item] = 1;
    s->n_done++;
    s->fresh[s->n_fresh++] = (uint32_t)item;
    pthread_mutex_unlock(&s->lock);
}

size_t sweep_store_count(struct sweep_store *s)
{
    pthread_mutex_lock(&s->lock);
    size_t n = s->n_done;
    pthread_mutex_unlock(&s->lock);
    return n;
}

size_t sweep_store_take(struct sweep_store *s, uint32_t *items, size_t max)
{
    pthread_mutex_lock(&s->lock);
    size_t n = s->n_fresh < max ? s->n_fresh : max;
    s->n_fresh -= n;
    memcpy(items, s->fresh + s->n_fresh, n * sizeof *items);
    pthread_mutex_unlock(&s->lock);
    return n;
}

static size_t record_bytes(const struct sweep_plan *plan)
{
    return sizeof(uint64_t) + plan->width * sizeof(double);
}

static void checksum(const uint8_t *bytes, size_t n, uint8_t *sum)
{
    crypto_generichash(sum, SUM_BYTES, bytes, n, NULL, 0);
}

/* All records, behind the head; returns how many. */
static size_t pack(struct sweep_store *s, uint8_t *to, size_t max)
{
    size_t n = 0;
    for (uint64_t item = 0; item < s->n_items && n < max; item++) {
        pthread_mutex_lock(&s->lock);
        bool done = s->done[item];
        pthread_mutex_unlock(&s->lock);
        if (!done)
            continue;
        memcpy(to, &item, sizeof item);
        memcpy(to + sizeof item, sweep_store_at(s, item), s->plan->width * sizeof(double));
        to += record_bytes(s->plan);
        n++;
    }
    return n;
}

int sweep_store_save(struct sweep_store *s, const char *path, struct status *err)
{
    struct head head = {MAGIC, {0}, s->n_items, s->plan->width, sweep_store_count(s)};
    uint8_t *bytes = malloc(sizeof head + head.n_done * record_bytes(s->plan) + SUM_BYTES);
    if (!bytes)
        return status_set(err, ERR_NO_MEMORY, "%s: no memory for a checkpoint", path);
    memcpy(head.digest, s->plan->digest, sizeof head.digest);
    head.n_done = pack(s, bytes + sizeof head, head.n_done);
    memcpy(bytes, &head, sizeof head);
    size_t n = sizeof head + head.n_done * record_bytes(s->plan);
    checksum(bytes, n, bytes + n);
    int rc = file_replace(path, bytes, n + SUM_BYTES, 0644, err);
    free(bytes);
    return rc;
}

static int damaged(const char *path, struct status *err)
{
    return status_set(err, ERR_FORMAT,
                      "%s: the checkpoint is damaged (its checksum does not fit); remove it to "
                      "start again",
                      path);
}

static int unpack(struct sweep_store *s, const uint8_t *bytes, size_t n, const char *path,
                  struct status *err)
{
    struct head head;
    uint8_t sum[SUM_BYTES];
    if (n < sizeof head + SUM_BYTES)
        return damaged(path, err);
    memcpy(&head, bytes, sizeof head);
    checksum(bytes, n - SUM_BYTES, sum);
    if (memcmp(head.magic, MAGIC, sizeof head.magic) != 0 ||
        memcmp(sum, bytes + n - SUM_BYTES, SUM_BYTES) != 0)
        return damaged(path, err);
    if (memcmp(head.digest, s->plan->digest, sizeof head.digest) != 0)
        return status_set(err, ERR_STATE,
                          "%s: this checkpoint is of another experiment, or the experiment (or "
                          "mirador) has changed since; remove it to start again",
                          path);
    if (head.n_items != s->n_items || head.width != s->plan->width ||
        n != sizeof head + head.n_done * record_bytes(s->plan) + SUM_BYTES)
        return damaged(path, err);
    for (size_t i = 0; i < head.n_done; i++) {
        const uint8_t *record = bytes + sizeof head + i * record_bytes(s->plan);
        uint64_t item;
        memcpy(&item, record, sizeof item);
        if (item >= s->n_items || s->done[item])
            return damaged(path, err);
        memcpy(sweep_store_at(s, item), record + sizeof item, s->plan->width * sizeof(double));
        sweep_store_done(s, item);
    }
    s->n_fresh = 0;
    return 0;
}

static uint8_t *read_all(const char *path, size_t *n, struct status *err)
{
    FILE *file = fopen(path, "rb");
    if (!file) {
        status_set(err, errno == ENOENT ? ERR_NOT_FOUND : ERR_IO, "%s: cannot read: %s", path,
                   strerror(errno));
        return NULL;
    }
    fseek(file, 0, SEEK_END);
    long size = ftell(file);
    rewind(file);
    uint8_t *bytes = size < 0 ? NULL : malloc((size_t)size + 1);
    *n = bytes ? fread(bytes, 1, (size_t)size, file) : 0;
    if (!bytes || *n != (size_t)size) {
        status_set(err, ERR_IO, "%s: cannot read it whole", path);
        free(bytes);
        bytes = NULL;
    }
    fclose(file);
    return bytes;
}

int sweep_store_load(struct sweep_store *s, const char *path, struct status *err)
{
    size_t n = 0;
    uint8_t *bytes = read_all(path, &n, err);
    if (!bytes)
        return err->code;
    int rc = unpack(s, bytes, n, path, err);
    free(bytes);
    return rc;
}
