/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A second pipeline from the state of the first: from the same blocks it tells the same. */
#include "tests/host/pipeline_rig.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

struct verdict { /* of the first one, told instead of the keys */
    struct cycle_report *seen;
};

static int as_seen(void *context, const struct cycle_plan *plan,
                   const uint8_t bytes[RESPONSE_FRAME_BYTES], struct response *out)
{
    const struct verdict *v = context;
    assert_int_equal(plan->cycle, v->seen->plan.cycle);
    assert_memory_equal(bytes, v->seen->answer_bytes, RESPONSE_FRAME_BYTES);
    *out = v->seen->answer;
    return v->seen->response_code;
}

static void assert_same_numbers(const struct cycle_report *a, const struct cycle_report *b)
{
    assert_int_equal(a->response, b->response);
    assert_int_equal(a->outcome, b->outcome);
    assert_int_equal(a->faults, b->faults);
    assert_memory_equal(&a->fix.position, &b->fix.position, sizeof a->fix.position);
    assert_memory_equal(a->fix.cov, b->fix.cov, sizeof a->fix.cov);
    assert_memory_equal(a->track.x, b->track.x, sizeof a->track.x);
    assert_memory_equal(a->track.P, b->track.P, sizeof a->track.P);
    assert_memory_equal(a->profile, b->profile, sizeof a->profile);
    for (size_t i = 0; i < PATH_COUNT; i++)
        assert_memory_equal(&a->path[i].length_m, &b->path[i].length_m, sizeof(double));
    assert_memory_equal(&a->site.room_age_s, &b->site.room_age_s, sizeof(double));
}

/* Both pipelines see the same blocks; the first has the keys. */
static void cycle_of_both(struct bench *b, struct pipeline *second, struct verdict *v, int kind)
{
    static struct cycle_report first, again;
    struct pipeline *own = b->pipeline;
    struct pipeline_input input;
    int64_t index = b->index;
    const uint8_t *bytes = kind == 2   ? NULL
                           : kind == 3 ? answer(b, &b->other, true)
                                       : answer(b, &b->keys, kind == 0);
    cycle(b, kind != 2, bytes, &first);
    pipeline_input_taken(own, &input);
    v->seen = &first;
    b->pipeline = second;
    b->index = index;
    pipeline_input_give(second, &input);
    cycle(b, kind != 2, bytes, &again);
    b->pipeline = own;
    assert_same_numbers(&first, &again);
}

static void second_pipeline_goes_on_alike(void **state)
{
    struct bench *b = *state;
    struct status err = {0};
    struct verdict verdict;
    struct cycle_report r;
    struct pipeline *own = b->pipeline;
    for (int i = 0; i < 3; i++)
        cycle(b, true, answer(b, &b->keys, true), &r);
    size_t size = pipeline_state_max(own);
    unsigned char *bytes = malloc(size);
    long n = pipeline_state_save(own, bytes, size);
    assert_true(n > 0 && (size_t)n <= size);
    assert_int_equal(pipeline_state_save(own, bytes, (size_t)n - 1), ERR_NO_SPACE);
    n = pipeline_state_save(own, bytes, size);

    b->check = as_seen;
    b->check_context = &verdict;
    make_pipeline(b);
    struct pipeline *second = b->pipeline;
    b->pipeline = own;
    assert_int_equal(pipeline_state_load(second, bytes, (size_t)n, &err), OK);
    for (int i = 0; i < 4; i++)
        cycle_of_both(b, second, &verdict, 0);
    pipeline_background(own, 0); /* from here on adaptive, and the second must do the same */
    for (int i = 0; i < 4; i++)
        cycle_of_both(b, second, &verdict, i);
    pipeline_destroy(&second);

    make_pipeline(b);
    second = b->pipeline;
    b->pipeline = own;
    assert_int_equal(pipeline_state_load(second, bytes, (size_t)n - 1, &err), ERR_FORMAT);
    bytes[8] ^= 1; /* as many antennas */
    assert_int_equal(pipeline_state_load(second, bytes, (size_t)n, &err), ERR_FORMAT);
    pipeline_destroy(&second);
    free(bytes);
}

int main(void)
{
#define BENCH(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        BENCH(second_pipeline_goes_on_alike),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
