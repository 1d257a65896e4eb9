/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "host/block_pool.h"
#include "base/log.h"
#include <assert.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum { ALIGNMENT = 64 };

/* A first-in-first-out chain of blocks that threads can wait on; pool and queue are both one. */
struct chain {
    pthread_mutex_t lock;
    pthread_cond_t filled;
    struct block *head, *tail;
    bool stopped;
};

struct block_queue {
    struct chain chain;
};

struct block_pool {
    struct chain chain;
    struct block *blocks;
    struct sc16 *memory;
    size_t n_ant, n_samp;
};

static void chain_init(struct chain *c)
{
    pthread_mutex_init(&c->lock, NULL);
    pthread_cond_init(&c->filled, NULL);
}

static void chain_clear(struct chain *c)
{
    pthread_cond_destroy(&c->filled);
    pthread_mutex_destroy(&c->lock);
}

static void chain_push(struct chain *c, struct block *block)
{
    block->next = NULL;
    pthread_mutex_lock(&c->lock);
    if (c->tail)
        c->tail->next = block;
    else
        c->head = block;
    c->tail = block;
    pthread_cond_signal(&c->filled);
    pthread_mutex_unlock(&c->lock);
}

static struct block *chain_pop(struct chain *c, bool wait)
{
    pthread_mutex_lock(&c->lock);
    while (wait && !c->head && !c->stopped)
        pthread_cond_wait(&c->filled, &c->lock);
    struct block *block = c->stopped ? NULL : c->head;
    if (block) {
        c->head = block->next;
        if (!c->head)
            c->tail = NULL;
        block->next = NULL;
    }
    pthread_mutex_unlock(&c->lock);
    return block;
}

static void chain_stop(struct chain *c)
{
    pthread_mutex_lock(&c->lock);
    c->stopped = true;
    pthread_cond_broadcast(&c->filled);
    pthread_mutex_unlock(&c->lock);
}

struct block_pool *block_pool_create(size_t n_block, size_t n_ant, size_t n_samp,
                                     struct status *err)
{
    if (n_block == 0 || n_ant == 0 || n_ant > RADIO_RX_MAX || n_samp == 0) {
        status_set(err, ERR_ARG, "block pool: sizes must be > 0, antennas at most 8");
        return NULL;
    }
    size_t stride = (n_samp * sizeof(struct sc16) + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    struct block_pool *pool = calloc(1, sizeof *pool);
    struct block *blocks = calloc(n_block, sizeof *blocks);
    unsigned char *memory = aligned_alloc(ALIGNMENT, n_block * n_ant * stride);
    if (!pool || !blocks || !memory) {
        status_set(err, ERR_NO_MEMORY, "block pool: no memory for %zu blocks", n_block);
        free(pool);
        free(blocks);
        free(memory);
        return NULL;
    }
    memset(memory, 0, n_block * n_ant * stride); /* page faults now, not on the sample path */
    chain_init(&pool->chain);
    pool->blocks = blocks;
    pool->memory = (struct sc16 *)memory;
    pool->n_ant = n_ant;
    pool->n_samp = n_samp;
    for (size_t b = 0; b < n_block; b++) {
        blocks[b].n_ant = n_ant;
        blocks[b].n_samp = n_samp;
        for (size_t a = 0; a < n_ant; a++)
            blocks[b].samp[a] = (struct sc16 *)(memory + (b * n_ant + a) * stride);
        chain_push(&pool->chain, &blocks[b]);
    }
    return pool;
}

void block_pool_destroy(struct block_pool **pool)
{
    if (!*pool)
        return;
    chain_clear(&(*pool)->chain);
    free((*pool)->memory);
    free((*pool)->blocks);
    free(*pool);
    *pool = NULL;
}

struct block *block_pool_take(struct block_pool *pool, bool wait)
{
    return chain_pop(&pool->chain, wait);
}

void block_pool_give(struct block_pool *pool, struct block *block)
{
    assert(block && block->n_ant == pool->n_ant && block->n_samp == pool->n_samp);
    chain_push(&pool->chain, block);
}

void block_pool_stop(struct block_pool *pool)
{
    chain_stop(&pool->chain);
}

struct block_queue *block_queue_create(struct status *err)
{
    struct block_queue *queue = calloc(1, sizeof *queue);
    if (queue)
        chain_init(&queue->chain);
    else
        status_set(err, ERR_NO_MEMORY, "block queue: out of memory");
    return queue;
}

void block_queue_destroy(struct block_queue **queue)
{
    if (!*queue)
        return;
    chain_clear(&(*queue)->chain);
    free(*queue);
    *queue = NULL;
}

void block_queue_push(struct block_queue *queue, struct block *block)
{
    chain_push(&queue->chain, block);
}

struct block *block_queue_pop(struct block_queue *queue)
{
    return chain_pop(&queue->chain, true);
}

void block_queue_stop(struct block_queue *queue)
{
    chain_stop(&queue->chain);
}
