/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Whose echoes count: those that agree with the user's own signal, and long enough where it alone
 * gives no place. */
#include "tests/host/pipeline_rig.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

enum { DOUBTED = 25 }; /* answers after which echoes count again */
enum { TRUSTED = 10 }; /* answers that agree before echoes place whom their own signal does not */

/* The echoes of somebody else: the position stays with whoever answers, and for a while no echo
 * counts though they are the user's again. */
static void anothers_echoes_move_nobody(void **state)
{
    struct bench *b = *state;
    struct cycle_report r;
    cycle(b, true, answer(b, &b->keys, true), &r);
    assert_true(r.echoes);
    b->body = &stranger;
    cycle(b, true, answer(b, &b->keys, true), &r);
    assert_int_equal(r.outcome, FIX_DONE);
    assert_true(!r.echoes && is_at_user(&r, 0.1));
    assert_int_equal(r.fix.used & (ROW_BIT(ROW_L1) | ROW_BIT(ROW_L2) | ROW_BIT(ROW_L3)), 0);
    b->body = &user;
    cycle(b, true, answer(b, &b->keys, true), &r);
    assert_true(!r.echoes && is_at_user(&r, 0.1));
}

/* Lengths that may be metres off fit whoever stands beside the user; the direction of the user's
 * own signal does not. */
static void who_stands_beside_the_user_is_not_taken_for_them(void **state)
{
    static const struct vec3 beside = {3.27, 4.76, 1.3};
    struct bench *b = *state;
    struct cycle_report r;
    b->pipeline->cfg.estimate.sigma_ris_m = b->pipeline->cfg.estimate.sigma_direct_m = 0.28;
    cycle(b, true, answer(b, &b->keys, true), &r);
    assert_true(r.echoes && is_at_user(&r, 0.1));
    b->body = &beside;
    cycle(b, true, answer(b, &b->keys, true), &r);
    assert_true(!r.echoes && is_at_user(&r, 0.1));
    assert_int_equal(r.fix.map, FIX_MAP_DIRECTION);
}

/* What strong paths leave in the stream of a surface that is out of sight is nobody's path, not
 * even 12 dB over what they leave in the stream of none. The echoes and the other surface place the
 * user once they have agreed with its own signal for a while; a stranger's echoes do not. */
static void dark_surface_makes_no_path(void **state)
{
    struct bench *b = *state;
    struct cycle_report r;
    b->dark = true;
    for (int i = 1; i < TRUSTED; i++) {
        cycle(b, true, answer(b, &b->keys, true), &r);
        assert_int_equal(r.outcome, FIX_REFUSED);
        assert_false(r.track.alive);
    }
    cycle(b, true, answer(b, &b->keys, true), &r);
    assert_false(r.path[PATH_L2].found || r.path[PATH_A2].found);
    assert_true(r.path[PATH_L3].found && r.path[PATH_A3].found);
    assert_int_equal(r.outcome, FIX_DONE);
    assert_true(r.echoes && is_at_user(&r, 0.1));
    b->body = &stranger;
    cycle(b, true, answer(b, &b->keys, true), &r);
    assert_int_equal(r.outcome, FIX_REFUSED);
    assert_false(r.echoes);
}

static void assert_never_placed(struct bench *b, int answers)
{
    struct cycle_report r;
    for (int i = 0; i < answers; i++) {
        cycle(b, true, answer(b, &b->keys, true), &r);
        assert_int_equal(r.response, RESPONSE_PERMITTED);
        assert_int_equal(r.outcome, FIX_REFUSED);
        assert_false(r.echoes || r.track.alive);
        assert_true(r.path[PATH_L1].found && r.path[PATH_L3].found);
    }
}

/* One surface out of sight, and somebody who does not permit it stands where the one difference of
 * the user's arrivals is the user's: their echoes never place the user,
 * since the user's own signal comes from elsewhere. */
static void who_does_not_permit_is_not_taken_for_the_user(void **state)
{
    struct bench *b = *state;
    b->dark = true;
    b->body = &alike;
    assert_never_placed(b, TRUSTED + 2);
}

/* Nor do echoes of two who pass through the user's place, but for a while only. */
static void a_while_of_agreement_is_not_enough(void **state)
{
    struct bench *b = *state;
    b->dark = true;
    assert_never_placed(b, TRUSTED - 1);
    b->body = &stranger;
    assert_never_placed(b, 1);
    b->body = &user;
    assert_never_placed(b, TRUSTED - 1);
}

/* Who was seen by both surfaces goes on being seen by one. */
static void a_surface_that_goes_out_of_sight_ends_nothing(void **state)
{
    struct bench *b = *state;
    struct cycle_report r;
    for (int i = 0; i <= TRUSTED; i++) {
        cycle(b, true, answer(b, &b->keys, true), &r);
        assert_true(r.echoes && is_at_user(&r, 0.1));
    }
    b->dark = true;
    cycle(b, true, answer(b, &b->keys, true), &r);
    assert_int_equal(r.outcome, FIX_DONE);
    assert_true(r.echoes && !r.path[PATH_A2].found && is_at_user(&r, 0.1));
}

static int solves_to_spoil; /* the one at which it gets to 0 does without the echo */
static unsigned rows_tracked;

int __wrap_fix_solve(const struct fix_cfg *cfg, const struct observation obs[ROW_COUNT],
                     const struct vec3 *hint, struct fix *out);
int __real_fix_solve(const struct fix_cfg *cfg, const struct observation obs[ROW_COUNT],
                     const struct vec3 *hint, struct fix *out);
int __wrap_fix_solve(const struct fix_cfg *cfg, const struct observation obs[ROW_COUNT],
                     const struct vec3 *hint, struct fix *out)
{
    const int rc = __real_fix_solve(cfg, obs, hint, out);
    if (solves_to_spoil > 0 && --solves_to_spoil == 0)
        out->used &= ~ROW_BIT(ROW_L1);
    return rc;
}

int __wrap_track_update(const struct track_cfg *cfg, struct track *t, double time_s,
                        const struct observation obs[ROW_COUNT], unsigned rows,
                        const struct fix *fix);
int __real_track_update(const struct track_cfg *cfg, struct track *t, double time_s,
                        const struct observation obs[ROW_COUNT], unsigned rows,
                        const struct fix *fix);
int __wrap_track_update(const struct track_cfg *cfg, struct track *t, double time_s,
                        const struct observation obs[ROW_COUNT], unsigned rows,
                        const struct fix *fix)
{
    rows_tracked = 0;
    for (size_t i = 0; i < ROW_COUNT; i++)
        rows_tracked |= obs[i].valid && rows & ROW_BIT(i) ? ROW_BIT(i) : 0;
    return __real_track_update(cfg, t, time_s, obs, rows, fix);
}

/* Echoes that explained the answer and then do not all fit: neither a fix nor the track has
 * them. */
static void echoes_that_do_not_fit_are_not_tracked(void **state)
{
    const unsigned echoes = ROW_BIT(ROW_L1) | ROW_BIT(ROW_L2) | ROW_BIT(ROW_L3);
    enum { OWN, EXPLAINED, FIRST, AGAIN, SOLVES };
    struct bench *b = *state;
    struct cycle_report r;
    b->dark = true;
    for (int i = 0; i < TRUSTED; i++)
        cycle(b, true, answer(b, &b->keys, true), &r);
    assert_int_equal(r.outcome, FIX_DONE);
    assert_int_equal(rows_tracked & echoes, ROW_BIT(ROW_L1) | ROW_BIT(ROW_L3));
    solves_to_spoil = SOLVES;
    cycle(b, true, answer(b, &b->keys, true), &r);
    assert_int_equal(solves_to_spoil, 0);
    assert_int_equal(r.outcome, FIX_REFUSED);
    assert_false(r.echoes);
    assert_int_equal(rows_tracked & echoes, 0);
}

/* Among others echoes must have agreed for a while before the first of them counts. */
static void echoes_wait_where_others_are_served(void **state)
{
    struct bench *b = *state;
    struct cycle_report r;
    b->others = true;
    for (int i = 0; i <= DOUBTED; i++) {
        cycle(b, true, answer(b, &b->keys, true), &r);
        assert_int_equal(r.echoes, i == DOUBTED);
        assert_true(is_at_user(&r, 0.1));
    }
}

int main(void)
{
#define BENCH(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        BENCH(anothers_echoes_move_nobody),
        cmocka_unit_test_setup_teardown(who_stands_beside_the_user_is_not_taken_for_them,
                                        set_up_mapped, tear_down),
        BENCH(echoes_wait_where_others_are_served),
        BENCH(dark_surface_makes_no_path),
        BENCH(echoes_that_do_not_fit_are_not_tracked),
        BENCH(who_does_not_permit_is_not_taken_for_the_user),
        BENCH(a_while_of_agreement_is_not_enough),
        BENCH(a_surface_that_goes_out_of_sight_ends_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
