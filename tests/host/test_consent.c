/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Every state with every event, against what [S1] III-E demands of any such table. */
#include "host/consent.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static bool may(enum consent_state s)
{
    return consent_may_locate(s) || consent_may_send(s);
}

#define EACH(s, e)                                                                                 \
    for (enum consent_state s = 0; s < CONSENT_STATES; s++)                                        \
        for (enum consent_event e = 0; e < CONSENT_EVENTS; e++)

/* Step 3: the one way to permission is a genuine answer to the question of this cycle. */
static void permission_comes_from_an_answer_to_a_question_alone(void **state)
{
    (void)state;
    EACH(s, e)
    {
        if (!may(s) && may(consent_next(s, e)))
            assert_true(s == CONSENT_ASKED && e == CONSENT_PERMIT);
    }
    assert_int_equal(consent_next(CONSENT_ASKED, CONSENT_PERMIT), CONSENT_PERMITTED);
}

/* Steps 5 and 6: nothing but a fix (or its own answer again) leaves it in force; each cycle asks
 * anew. */
static void permission_ends_with_everything_else(void **state)
{
    (void)state;
    EACH(s, e)
    {
        const bool holds = e == CONSENT_FIX || e == CONSENT_PERMIT;
        if (may(s))
            assert_int_equal(may(consent_next(s, e)), holds);
    }
}

/* Step 4. */
static void a_position_needs_permission(void **state)
{
    (void)state;
    EACH(s, e)
    {
        if (consent_next(s, e) == CONSENT_LOCATED)
            assert_true(may(s));
        if (e == CONSENT_FIX && !may(s))
            assert_int_equal(consent_next(s, e), s);
    }
    assert_int_equal(consent_next(CONSENT_PERMITTED, CONSENT_FIX), CONSENT_LOCATED);
}

static void a_no_counts_whenever_it_comes(void **state)
{
    (void)state;
    for (enum consent_state s = 0; s < CONSENT_STATES; s++) {
        const enum consent_state after = consent_next(s, CONSENT_REFUSE);
        assert_false(may(after));
        assert_true(s == CONSENT_NONE || consent_forgets(after));
    }
}

static void an_order_to_withhold_counts_whenever_it_comes(void **state)
{
    (void)state;
    for (enum consent_state s = 1; s < CONSENT_STATES; s++)
        assert_int_equal(consent_next(s, CONSENT_WITHHOLD), CONSENT_WITHHELD);
}

static void who_left_is_nobody_until_somebody_joins(void **state)
{
    (void)state;
    EACH(s, e)
    {
        assert_int_equal(consent_next(s, CONSENT_LEAVE), CONSENT_NONE);
        assert_int_equal(consent_next(s, CONSENT_JOIN), CONSENT_WAITING);
        if (e != CONSENT_JOIN)
            assert_int_equal(consent_next(CONSENT_NONE, e), CONSENT_NONE);
    }
}

/* Step 1: whatever was, the next cycle asks again. */
static void every_cycle_asks_anew(void **state)
{
    (void)state;
    for (enum consent_state s = 1; s < CONSENT_STATES; s++)
        assert_int_equal(consent_next(s, CONSENT_ASK), CONSENT_ASKED);
    assert_false(may(CONSENT_ASKED));
}

/* Each answer has a state of its own, which says what it was. */
static void answers_are_told_apart(void **state)
{
    (void)state;
    const struct {
        enum consent_event event;
        enum consent_state state;
    } said[] = {{CONSENT_PERMIT, CONSENT_PERMITTED}, {CONSENT_REFUSE, CONSENT_REFUSED},
                {CONSENT_SILENCE, CONSENT_SILENT},   {CONSENT_BAD, CONSENT_DOUBTED},
                {CONSENT_LOST, CONSENT_UNHEARD},     {CONSENT_WITHHOLD, CONSENT_WITHHELD}};
    for (size_t i = 0; i < sizeof said / sizeof *said; i++)
        assert_int_equal(consent_next(CONSENT_ASKED, said[i].event), said[i].state);
}

static void states_have_names_of_their_own(void **state)
{
    (void)state;
    for (enum consent_state a = 0; a < CONSENT_STATES; a++)
        for (enum consent_state b = 0; b < a; b++)
            assert_string_not_equal(consent_state_name(a), consent_state_name(b));
    assert_string_equal(consent_state_name(CONSENT_STATES), "unknown");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(permission_comes_from_an_answer_to_a_question_alone),
        cmocka_unit_test(permission_ends_with_everything_else),
        cmocka_unit_test(a_position_needs_permission),
        cmocka_unit_test(a_no_counts_whenever_it_comes),
        cmocka_unit_test(an_order_to_withhold_counts_whenever_it_comes),
        cmocka_unit_test(who_left_is_nobody_until_somebody_joins),
        cmocka_unit_test(every_cycle_asks_anew),
        cmocka_unit_test(answers_are_told_apart),
        cmocka_unit_test(states_have_names_of_their_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
