/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Who is not placed: who does not permit it, is withheld or has left, from the moment on that the
 * order comes; and nothing of them stays. */
#include "tests/host/pipeline_rig.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

static void no_permission_no_position(void **state)
{
    struct bench *b = *state;
    struct cycle_report r;
    cycle(b, true, answer(b, &b->keys, false), &r);
    assert_int_equal(r.response, RESPONSE_NO_PERMIT);
    assert_nothing_told(&r);
    cycle(b, true, NULL, &r);
    assert_int_equal(r.response, RESPONSE_SILENT);
    assert_nothing_told(&r);
    assert_false(pipeline_answered(b->pipeline, 0));
}

static enum consent_state consent(const struct bench *b, size_t place)
{
    struct pipeline_user_counters c;
    pipeline_user_counters(b->pipeline, place, &c);
    return c.consent;
}

static void somebody_leaves(struct bench *b)
{
    pipeline_allow(b->pipeline, 0, false);
    pipeline_user(b->pipeline, 0, -1);
    assert_false(pipeline_may_send(b->pipeline, 0));
}

/* Told as the user's to whom it was addressed, and given up. */
static void assert_given_up(const struct cycle_report *r)
{
    assert_int_equal(r->user_id, 5);
    assert_int_equal(r->response, RESPONSE_WITHHELD);
    assert_int_equal(r->consent, CONSENT_NONE);
    assert_nothing_told(r);
}

/* One more cycle may have been planned for who has left, also behind one of somebody else: it gives
 * nothing. Then nothing is left of the user, and who comes next to the place begins anew. */
static void who_leaves_is_forgotten(void **state)
{
    struct bench *b = *state;
    struct cycle_report r;
    cycle(b, true, answer(b, &b->keys, true), &r);
    cycle(b, true, answer(b, &b->keys, true), &r);
    assert_true(r.track.alive);
    assert_int_equal(consent(b, 0), CONSENT_LOCATED);
    assert_int_equal(consent(b, 1), CONSENT_NONE);
    pipeline_user(b->pipeline, 1, 6);
    somebody_leaves(b);
    cycle(b, true, answer(b, &b->keys, true), &r);
    assert_given_up(&r);
    assert_int_equal(consent(b, 1), CONSENT_WAITING);
    b->asked = 1;
    cycle(b, true, NULL, &r);
    assert_int_equal(r.user_id, 6);
    assert_int_equal(consent(b, 0), CONSENT_NONE);
    assert_int_equal(consent(b, 1), CONSENT_SILENT);
    b->asked = 0;
    cycle(b, true, answer(b, &b->keys, true), &r);
    assert_given_up(&r);
    pipeline_allow(b->pipeline, 0, true);
    pipeline_user(b->pipeline, 0, 5);
    cycle(b, true, NULL, &r);
    assert_false(r.track.alive);
    assert_int_equal(consent(b, 0), CONSENT_SILENT);
    cycle(b, true, answer(b, &b->keys, true), &r);
    assert_int_equal(consent(b, 0), CONSENT_LOCATED);
    assert_int_equal(r.user_id, 5);
}

/* One that is taken between an order and the next cycle takes nothing of it. */
static void an_order_outlives_a_checkpoint(void **state)
{
    struct bench *b = *state;
    struct cycle_report r;
    const size_t size = pipeline_state_max(b->pipeline);
    unsigned char *bytes = malloc(size);
    pipeline_user(b->pipeline, 1, 6);
    assert_true(pipeline_state_save(b->pipeline, bytes, size) > 0);
    free(bytes);
    b->asked = 1;
    cycle(b, true, NULL, &r);
    assert_int_equal(r.user_id, 6);
    assert_int_equal(consent(b, 1), CONSENT_SILENT);
}

/* From the next cycle on, also while the user keeps silent or somebody else is asked. */
static void who_is_withheld_is_forgotten_at_once(void **state)
{
    struct bench *b = *state;
    struct cycle_report r;
    pipeline_user(b->pipeline, 1, 6);
    for (int other = 0; other < 2; other++) {
        cycle(b, true, answer(b, &b->keys, true), &r);
        assert_true(r.track.alive);
        pipeline_allow(b->pipeline, 0, false);
        assert_false(pipeline_may_send(b->pipeline, 0));
        b->asked = (size_t)other;
        cycle(b, true, NULL, &r);
        assert_int_equal(consent(b, 0), CONSENT_WITHHELD);
        assert_true(other || !pipeline_answered(b->pipeline, 0));
        pipeline_allow(b->pipeline, 0, true);
        b->asked = 0;
        cycle(b, true, answer(b, &b->keys, true), &r);
        assert_int_equal(r.outcome, FIX_DONE);
        assert_int_equal(r.track_event, TRACK_STARTED);
    }
}

static bool withhold_within;

void __wrap_pipeline_locate(struct pipeline *p, struct cycle_report *r);
void __real_pipeline_locate(struct pipeline *p, struct cycle_report *r);
void __wrap_pipeline_locate(struct pipeline *p, struct cycle_report *r)
{
    __real_pipeline_locate(p, r);
    if (withhold_within)
        pipeline_allow(p, r->plan.user, false);
}

static void assert_withheld(const struct bench *b, const struct cycle_report *r)
{
    assert_int_equal(r->response, RESPONSE_WITHHELD);
    assert_int_equal(r->outcome, FIX_NOT_ASKED);
    assert_int_equal(r->consent, CONSENT_WITHHELD);
    assert_int_equal(consent(b, 0), CONSENT_WITHHELD);
    assert_nothing_told(r);
}

/* An order that comes while the position is computed. */
static void who_is_withheld_within_a_cycle_is_not_placed(void **state)
{
    struct bench *b = *state;
    struct cycle_report r;
    for (int i = 0; i < 2; i++) {
        withhold_within = i > 0;
        cycle(b, true, answer(b, &b->keys, true), &r);
    }
    withhold_within = false;
    assert_withheld(b, &r);
    pipeline_allow(b->pipeline, 0, true);
    cycle(b, true, answer(b, &b->keys, true), &r);
    assert_int_equal(r.track_event, TRACK_STARTED);
}

/* And lifted before anything is asked: it holds for one cycle all the same. */
static void an_order_lifted_before_a_cycle_forgets(void **state)
{
    struct bench *b = *state;
    struct cycle_report r;
    for (int i = 0; i < 2; i++)
        cycle(b, true, answer(b, &b->keys, true), &r);
    assert_int_equal(r.track_event, TRACK_UPDATED);
    assert_true(pipeline_tells(b->pipeline, 0, 5));
    pipeline_allow(b->pipeline, 0, false);
    pipeline_allow(b->pipeline, 0, true);
    assert_false(pipeline_tells(b->pipeline, 0, 5));
    cycle(b, true, answer(b, &b->keys, true), &r);
    assert_withheld(b, &r);
    cycle(b, true, answer(b, &b->keys, true), &r);
    assert_int_equal(r.track_event, TRACK_STARTED);
    assert_true(pipeline_tells(b->pipeline, 0, 5));
}

/* An order that comes after it, while the report waits: to withhold, and to remove. */
static void a_report_that_waited_is_retracted(void **state)
{
    struct bench *b = *state;
    struct cycle_report r, told;
    cycle(b, true, answer(b, &b->keys, true), &r);
    told = r;
    pipeline_retract(b->pipeline, &told);
    assert_memory_equal(&told, &r, sizeof r);
    pipeline_allow(b->pipeline, 0, false);
    pipeline_retract(b->pipeline, &told);
    assert_int_equal(told.response, RESPONSE_WITHHELD);
    assert_int_equal(told.outcome, FIX_NOT_ASKED);
    assert_int_equal(told.consent, CONSENT_WITHHELD);
    assert_true(told.forgotten);
    assert_nothing_told(&told);
    told = r;
    pipeline_user(b->pipeline, 0, -1);
    pipeline_retract(b->pipeline, &told);
    assert_int_equal(told.consent, CONSENT_NONE);
    assert_int_equal(told.response, RESPONSE_WITHHELD);
    assert_true(told.forgotten);
    assert_nothing_told(&told);
}

static int permit_within(void *context, const struct cycle_plan *plan,
                         const uint8_t bytes[RESPONSE_FRAME_BYTES], struct response *out)
{
    struct bench *b = context;
    struct secure_expectation expect;
    secure_expect(&expect, plan->cycle, plan->sensing);
    pipeline_allow(b->pipeline, 0, true);
    return secure_open_response(&expect, &b->keys, bytes, out);
}

/* The cycle goes on as it began: verdict and consent are those of who is withheld. */
static void an_order_lifted_within_a_cycle_holds_until_its_end(void **state)
{
    struct bench *b = *state;
    struct cycle_report r;
    pipeline_destroy(&b->pipeline);
    b->check = permit_within;
    b->check_context = b;
    make_pipeline(b);
    pipeline_allow(b->pipeline, 0, false);
    cycle(b, true, answer(b, &b->keys, true), &r);
    assert_withheld(b, &r);
    cycle(b, true, answer(b, &b->keys, true), &r);
    assert_int_equal(r.response, RESPONSE_PERMITTED);
}

/* What the next cycle of the user shows, who was just permitted and for whom both surfaces have a
 * beam. */
static struct pipeline_shown located_with_beams(struct bench *b)
{
    struct pipeline_shown shown = {.id = b->cfg.users[0].id};
    struct cycle_report r;
    cycle(b, true, answer(b, &b->keys, true), &r);
    assert_int_equal(r.outcome, FIX_DONE);
    atomic_store(&b->pipeline->user[0].profile[0], 1);
    atomic_store(&b->pipeline->user[0].profile[1], 2);
    pipeline_profiles(b->pipeline, &shown);
    assert_true(shown.beams && shown.profile[0] == 1 && shown.profile[1] == 2);
    return shown;
}

/* A beam says where the user was: in the next cycle, and on a surface that no cycle has armed anew;
 * one that an order holds says nothing. */
static void assert_no_beam(struct bench *b, const struct pipeline_shown *before)
{
    struct pipeline_shown next = {.id = before->id};
    uint8_t rest[BS_RIS];
    pipeline_profiles(b->pipeline, &next);
    assert_false(next.beams);
    assert_true(next.profile[0] == PROFILE_BASE && next.profile[1] == PROFILE_BASE);
    assert_true(pipeline_shows_forgotten(b->pipeline, before, rest));
    assert_true(rest[0] == PROFILE_BASE && rest[1] == PROFILE_BASE);
    assert_false(pipeline_shows_forgotten(b->pipeline, &next, rest));
}

static void who_is_withheld_leaves_no_beam(void **state)
{
    struct bench *b = *state;
    struct cycle_report r;
    const struct pipeline_shown shown = located_with_beams(b);
    pipeline_allow(b->pipeline, 0, false);
    assert_no_beam(b, &shown);
    pipeline_user(b->pipeline, 1, 6);
    b->asked = 1;
    cycle(b, true, NULL, &r);
    pipeline_allow(b->pipeline, 0, true);
    assert_no_beam(b, &shown);
    assert_int_equal(atomic_load(&b->pipeline->user[0].profile[0]), PROFILE_BASE);
}

/* No cycle says so. */
static void who_is_not_asked_leaves_no_beam(void **state)
{
    struct bench *b = *state;
    uint8_t rest[BS_RIS];
    const struct pipeline_shown shown = located_with_beams(b);
    const int64_t now_ns =
        atomic_load(&b->pipeline->user[0].permitted_ns) - atomic_load(&b->pipeline->ahead_ns);
    pipeline_pass_time(b->pipeline, now_ns + llround(1e9 * (CONSENT_KEPT_S - 0.1)));
    assert_false(pipeline_shows_forgotten(b->pipeline, &shown, rest));
    pipeline_pass_time(b->pipeline, now_ns + llround(1e9 * (CONSENT_KEPT_S + 0.1)));
    assert_no_beam(b, &shown);
    atomic_store(&b->pipeline->held[1], 2);
    assert_true(pipeline_shows_forgotten(b->pipeline, &shown, rest));
    assert_true(rest[0] == PROFILE_BASE && rest[1] == 2);
}

/* A board that was late with the next user's cycle may show the beam of the one before. */
static void a_board_that_did_not_obey_shows_the_beam_still(void **state)
{
    struct bench *b = *state;
    uint8_t rest[BS_RIS];
    const struct pipeline_shown before = located_with_beams(b);
    struct pipeline_shown next = {.user = 1, .id = 6}, now;
    pipeline_user(b->pipeline, 1, 6);
    pipeline_profiles(b->pipeline, &next);
    assert_false(next.beams);
    pipeline_allow(b->pipeline, 0, false);
    now = pipeline_shown_after(&before, &next, false);
    assert_true(pipeline_shows_forgotten(b->pipeline, &now, rest));
    now = pipeline_shown_after(&now, &next, false);
    assert_true(pipeline_shows_forgotten(b->pipeline, &now, rest));
    now = pipeline_shown_after(&now, &next, true);
    assert_int_equal(now.user, 1);
    assert_false(pipeline_shows_forgotten(b->pipeline, &now, rest));
}

int main(void)
{
#define BENCH(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        BENCH(no_permission_no_position),
        BENCH(who_leaves_is_forgotten),
        BENCH(an_order_outlives_a_checkpoint),
        BENCH(who_is_withheld_is_forgotten_at_once),
        BENCH(who_is_withheld_within_a_cycle_is_not_placed),
        BENCH(an_order_lifted_before_a_cycle_forgets),
        BENCH(a_report_that_waited_is_retracted),
        BENCH(an_order_lifted_within_a_cycle_holds_until_its_end),
        BENCH(who_is_withheld_leaves_no_beam),
        BENCH(who_is_not_asked_leaves_no_beam),
        BENCH(a_board_that_did_not_obey_shows_the_beam_still),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
