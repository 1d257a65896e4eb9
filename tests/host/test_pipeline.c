/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What a cycle of the pipeline asks for: a position only with a genuine permission of the same
 * cycle, and then the right one. */
#include "tests/host/pipeline_rig.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static void permission_gives_the_right_place(void **state)
{
    struct bench *b = *state;
    struct cycle_report r;
    cycle(b, true, answer(b, &b->keys, true), &r);
    assert_int_equal(r.response, RESPONSE_PERMITTED);
    assert_int_equal(r.outcome, FIX_DONE);
    assert_true(hypot(r.fix.position.x - user.x, r.fix.position.y - user.y) < 0.1);
    assert_true(fabs(r.fix.position.z - user.z) < 0.1);
    assert_true(r.fix.used & ROW_BIT(ROW_L1));
    assert_true(pipeline_answered(b->pipeline, 0));
}

/* Without a map nothing is known of walls, however dark a profile is where the user stands: of each
 * surface two rows shine. */
static void without_a_map_the_site_alone_is_told(void **state)
{
    struct bench *b = *state;
    struct cycle_report r;
    for (size_t k = 0; k < BS_RIS; k++) {
        struct ris_view view;
        for (size_t m = 0; m < 256; m++)
            b->pipeline->gamma[k][m] = m / 16 == 7 || m / 16 == 8;
        ris_model_view(b->pipeline->model[k], b->pipeline->gamma[k], user, &view);
        assert_true(view.level_db < -17);
    }
    cycle(b, true, answer(b, &b->keys, true), &r);
    assert_int_equal(r.outcome, FIX_DONE);
    for (size_t i = 0; i < PATH_COUNT; i++) {
        const struct report_path *path = &r.path[i];
        assert_true(path->found && isnan(path->walls_m));
        assert_true(fabs(path->sigma_used_m - hypot(path->sigma_m, 0.25)) < 1e-9);
    }
}

static void foreign_key_is_refused(void **state)
{
    struct bench *b = *state;
    struct cycle_report r;
    cycle(b, true, answer(b, &b->other, true), &r);
    assert_int_equal(r.response, RESPONSE_REFUSED);
    assert_nothing_told(&r);
}

static void replay_is_refused(void **state)
{
    struct bench *b = *state;
    struct cycle_report r;
    cycle(b, true, answer(b, &b->keys, true), &r);
    assert_int_equal(r.outcome, FIX_DONE);
    cycle(b, true, b->last_response, &r);
    assert_int_equal(r.response, RESPONSE_REFUSED);
    assert_int_not_equal(r.outcome, FIX_DONE);
}

static void flipped_bits_are_refused(void **state)
{
    struct bench *b = *state;
    struct cycle_report r;
    for (size_t bit = 0; bit < 8 * RESPONSE_FRAME_BYTES; bit += 37) {
        uint8_t bytes[RESPONSE_FRAME_BYTES];
        memcpy(bytes, answer(b, &b->keys, true), sizeof bytes);
        bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
        cycle(b, true, bytes, &r);
        assert_true(r.response == RESPONSE_DAMAGED || r.response == RESPONSE_REFUSED);
        assert_nothing_told(&r);
    }
}

static void lost_samples_give_no_position(void **state)
{
    struct bench *b = *state;
    struct cycle_report r;
    struct pipeline_counters n;
    clear_block(b);
    sense(b, true);
    clear_block(b);
    put_answer(b, answer(b, &b->keys, true));
    b->block.kind = BLOCK_RESPONSE;
    b->block.info.faults = FAULT_RX_GAP;
    pipeline_response(b->pipeline, &b->block, &r);
    assert_int_equal(r.response, RESPONSE_LOST);
    assert_nothing_told(&r);
    pipeline_counters(b->pipeline, &n);
    assert_int_equal(n.response[RESPONSE_LOST], 1);
    assert_int_equal(n.fault[0], 1); /* rx_gap */
    assert_int_equal(r.faults, FAULT_RX_GAP);
}

static void late_board_gives_no_position(void **state)
{
    struct bench *b = *state;
    struct cycle_report r;
    clear_block(b);
    sense(b, true);
    b->block.kind = BLOCK_SENSING;
    b->block.plan.faults = FAULT_RIS_LATE;
    pipeline_sensing(b->pipeline, &b->block);
    clear_block(b);
    put_answer(b, answer(b, &b->keys, true));
    b->block.kind = BLOCK_RESPONSE;
    b->block.n_samp = (size_t)b->schedule.window[WINDOW_RESPONSE].n;
    pipeline_response(b->pipeline, &b->block, &r);
    assert_int_equal(r.response, RESPONSE_PERMITTED);
    assert_int_equal(r.outcome, FIX_RIS);
}

static void capture_is_refused_while_somebody_answers(void **state)
{
    struct bench *b = *state;
    struct cycle_report r;
    struct pipeline_counters n;
    cycle(b, true, answer(b, &b->keys, true), &r);
    pipeline_background(b->pipeline, 4);
    cycle(b, true, answer(b, &b->keys, true), &r);
    pipeline_counters(b->pipeline, &n);
    assert_int_equal(n.background_refused, 1);
    assert_int_equal(n.background_captures, 1);
    assert_int_equal(r.outcome, FIX_DONE); /* the old one stays in use */
}

int main(void)
{
#define BENCH(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        BENCH(permission_gives_the_right_place), BENCH(without_a_map_the_site_alone_is_told),
        BENCH(foreign_key_is_refused),           BENCH(replay_is_refused),
        BENCH(flipped_bits_are_refused),         BENCH(lost_samples_give_no_position),
        BENCH(late_board_gives_no_position),     BENCH(capture_is_refused_while_somebody_answers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
