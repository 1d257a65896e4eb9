/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "host/block_pool.h"
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

enum { MOVES = 20000 };

static void blocks_have_separate_aligned_buffers(void **state)
{
    (void)state;
    struct status err = {0};
    struct block_pool *pool = block_pool_create(2, 3, 1001, &err);
    assert_non_null(pool);
    struct block *a = block_pool_take(pool, false), *b = block_pool_take(pool, false);
    assert_non_null(a);
    assert_non_null(b);
    assert_null(block_pool_take(pool, false));
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal((uintptr_t)a->samp[i] % 64, 0);
        for (size_t k = 0; k < 1001; k++) {
            a->samp[i][k] = (struct sc16){(int16_t)i, 1};
            b->samp[i][k] = (struct sc16){(int16_t)i, 2};
        }
    }
    for (size_t i = 0; i < 3; i++)
        for (size_t k = 0; k < 1001; k++)
            assert_true(a->samp[i][k].q == 1 && b->samp[i][k].q == 2);
    block_pool_give(pool, a);
    assert_ptr_equal(block_pool_take(pool, false), a);
    block_pool_destroy(&pool);
    assert_null(pool);
    block_pool_destroy(&pool);
}

static void senseless_sizes_are_refused(void **state)
{
    (void)state;
    struct status err = {0};
    assert_null(block_pool_create(0, 1, 1, &err));
    assert_int_equal(err.code, ERR_ARG);
    assert_null(block_pool_create(1, 9, 1, &err));
    assert_null(block_pool_create(1, 1, 0, &err));
}

struct line {
    struct block_pool *pool;
    struct block_queue *queue;
};

static void *producer(void *arg)
{
    struct line *l = arg;
    for (int64_t i = 0; i < MOVES; i++) {
        struct block *b = block_pool_take(l->pool, true);
        b->info.tick = i;
        b->samp[0][0].i = (int16_t)i;
        block_queue_push(l->queue, b);
    }
    return NULL;
}

static void blocks_arrive_in_order_and_untouched(void **state)
{
    (void)state;
    struct status err = {0};
    struct line l = {block_pool_create(3, 1, 16, &err), block_queue_create(&err)};
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, producer, &l), 0);
    for (int64_t i = 0; i < MOVES; i++) {
        struct block *b = block_queue_pop(l.queue);
        assert_int_equal(b->info.tick, i);
        assert_int_equal(b->samp[0][0].i, (int16_t)i);
        block_pool_give(l.pool, b);
    }
    pthread_join(thread, NULL);
    block_queue_destroy(&l.queue);
    block_pool_destroy(&l.pool);
}

static void *stopper(void *arg)
{
    struct line *l = arg;
    block_pool_stop(l->pool);
    block_queue_stop(l->queue);
    return NULL;
}

static void stop_frees_whoever_waits(void **state)
{
    (void)state;
    struct status err = {0};
    struct line l = {block_pool_create(1, 1, 16, &err), block_queue_create(&err)};
    pthread_t thread;
    assert_non_null(block_pool_take(l.pool, true));
    assert_int_equal(pthread_create(&thread, NULL, stopper, &l), 0);
    assert_null(block_queue_pop(l.queue));
    assert_null(block_pool_take(l.pool, true));
    pthread_join(thread, NULL);
    block_queue_destroy(&l.queue);
    block_pool_destroy(&l.pool);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(blocks_have_separate_aligned_buffers),
        cmocka_unit_test(senseless_sizes_are_refused),
        cmocka_unit_test(blocks_arrive_in_order_and_untouched),
        cmocka_unit_test(stop_frees_whoever_waits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
