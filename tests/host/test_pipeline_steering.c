/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Mode steering: a place that the echoes make is the user's only where the user's own signal comes
 * from. */
#include "tests/host/pipeline_rig.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

enum { DOUBTED = 25 }; /* answers after which echoes count again */
enum { STAYS = 40 };   /* a bystander, answers */

static int begin(void **state)
{
    if (set_up(state))
        return -1;
    struct bench *b = *state;
    b->still = true;
    return 0;
}

static void assert_refused(struct bench *b, int answers)
{
    struct cycle_report r;
    for (int i = 0; i < answers; i++) {
        cycle(b, true, answer(b, &b->keys, true), &r);
        assert_true(r.steering && r.path[PATH_L1].found && r.path[PATH_A1].found);
        assert_int_equal(r.response, RESPONSE_PERMITTED);
        assert_int_equal(r.outcome, FIX_REFUSED);
        assert_false(r.echoes || r.track.alive);
    }
}

static void assert_placed(struct bench *b)
{
    struct cycle_report r;
    cycle(b, true, answer(b, &b->keys, true), &r);
    assert_int_equal(r.outcome, FIX_DONE);
    assert_true(r.steering && r.echoes && is_at_user(&r, 0.3));
}

static void the_user_is_placed_from_the_first_answer_on(void **state)
{
    struct bench *b = *state;
    assert_placed(b);
    assert_placed(b);
}

/* Somebody in another direction whose echo is the one that is heard: never from the first on, nor
 * after the user's own; and for a while then the user's own does not count either. */
static void a_bystander_is_not_taken_for_the_user(void **state)
{
    struct bench *b = *state;
    b->body = &stranger;
    assert_refused(b, 3);
    b->body = &user;
    assert_refused(b, DOUBTED - 1);
    assert_placed(b);
    b->body = &alike;
    struct cycle_report r;
    cycle(b, true, answer(b, &b->keys, true), &r);
    assert_int_equal(r.outcome, FIX_REFUSED);
    assert_false(r.echoes);
    b->body = &user;
    cycle(b, true, answer(b, &b->keys, true), &r);
    assert_int_equal(r.outcome, FIX_REFUSED);
}

/* Somebody farther out in the user's direction, who passes it on the way: the answer's way out and
 * back does not become theirs. */
static void who_walks_in_the_users_line_is_not_taken_for_the_user(void **state)
{
    struct bench *b = *state;
    const struct anchors a = bs_config_anchors(&b->cfg);
    const struct vec3 out = vec3_sub(user, a.rx);
    const struct vec3 behind = {a.rx.x + 1.4 * out.x, a.rx.y + 1.4 * out.y, user.z};
    for (int i = 0; i < 3; i++)
        assert_placed(b);
    struct cycle_report r;
    for (int i = 0; i < STAYS + DOUBTED - 1; i++) {
        b->body = i < STAYS ? &behind : &user;
        cycle(b, true, answer(b, &b->keys, true), &r);
        assert_true(r.steering && r.path[PATH_L1].found && r.path[PATH_A1].found);
        assert_int_equal(r.outcome, FIX_REFUSED);
        assert_false(r.echoes);
    }
    assert_placed(b);
}

/* Where others are served too nobody is placed. */
static void among_others_a_direction_is_not_enough(void **state)
{
    struct bench *b = *state;
    b->others = true;
    assert_refused(b, 3);
}

int main(void)
{
#define STEERED(test) cmocka_unit_test_setup_teardown(test, begin, tear_down)
    const struct CMUnitTest tests[] = {
        STEERED(the_user_is_placed_from_the_first_answer_on),
        STEERED(a_bystander_is_not_taken_for_the_user),
        STEERED(who_walks_in_the_users_line_is_not_taken_for_the_user),
        STEERED(among_others_a_direction_is_not_enough),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
