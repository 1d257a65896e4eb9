/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Who is served and when: rounds, rates, priorities, and users who come and go. */
#include "base/state_dir.h"
#include "host/bs/roster.h"
#include "tests/host/base_rig.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define PERIOD_S 0.2

static char folder[128];
static struct status err;
static struct bs_cfg cfg;

static int setup(void **state)
{
    (void)state;
    if (secure_init() || state_dir_create("mirador-test", folder, sizeof folder, &err))
        return -1;
    for (int id = 1; id <= 20; id++)
        base_rig_key_file(folder, id);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    return state_dir_remove(folder, &err);
}

static struct roster *roster_of(size_t n)
{
    cfg = (struct bs_cfg){.n_users = n, .schedule.air.cycle_period_s = PERIOD_S};
    for (size_t i = 0; i < n; i++) {
        cfg.users[i].id = (int)i + 1;
        snprintf(cfg.users[i].key_file, sizeof cfg.users[i].key_file, "%s/user-%zu.key", folder,
                 i + 1);
    }
    struct roster *r = roster_create(&cfg, &err);
    assert_non_null(r);
    return r;
}

/* Cycles on from `from`, how often each place is asked. every: period of a command. */
static void run(const struct roster *r, struct turns *t, uint64_t from, size_t n, unsigned every,
                size_t count[BS_USERS_MAX])
{
    struct turn_user user[BS_USERS_MAX];
    memset(count, 0, BS_USERS_MAX * sizeof *count);
    for (size_t i = 0; i < n; i++) {
        const uint64_t cycle = from + i * every;
        roster_users(r, user);
        count[turns_next(t, user, (double)cycle * PERIOD_S, cycle / every)]++;
    }
}

static void without_rates_it_goes_round(void **state)
{
    (void)state;
    struct roster *r = roster_of(16);
    struct turns t = {0};
    struct turn_user user[BS_USERS_MAX];
    roster_users(r, user);
    for (uint64_t cycle = 1000; cycle < 1100; cycle++)
        assert_int_equal(turns_next(&t, user, (double)cycle * PERIOD_S, cycle), cycle % 16);
    assert_int_equal(turns_count(&t, 5), 1000 / 16 + 6);
    roster_destroy(&r);
}

static void sixteen_rates_are_kept(void **state)
{
    (void)state;
    struct roster *r = roster_of(16);
    struct turns t = {0};
    size_t count[BS_USERS_MAX];
    double all_hz = 0;
    for (int id = 1; id <= 16; id++) { /* 0.1, 0.125 .. 0.475: 4.6 of 5 cycles per second */
        const struct roster_wish wish = {.id = id, .rate_hz = 0.1 + 0.025 * (id - 1)};
        assert_int_equal(roster_set(r, &wish, &err), OK);
        all_hz += wish.rate_hz;
    }
    assert_true(all_hz > 4.5 && all_hz < 5);
    run(r, &t, 0, 3000, 1, count); /* ten minutes */
    for (int id = 1; id <= 16; id++) {
        const double want = 600 * (0.1 + 0.025 * (id - 1));
        assert_true((double)count[id - 1] >= floor(want));
    }
    roster_destroy(&r);
}

static void who_has_a_rate_leaves_the_rest_to_the_others(void **state)
{
    (void)state;
    struct roster *r = roster_of(5);
    struct turns t = {0};
    size_t count[BS_USERS_MAX];
    const struct roster_wish wish = {.id = 3, .rate_hz = 2.5};
    assert_int_equal(roster_set(r, &wish, &err), OK);
    run(r, &t, 77, 800, 1, count);
    assert_int_equal(count[2], 400);
    for (size_t i = 0; i < 5; i++)
        assert_true(i == 2 || count[i] == 100);
    roster_destroy(&r);
}

/* Half the cycles are gone by a command: who comes first keeps its rate, and nobody gets more. */
static void priority_decides_when_cycles_are_few(void **state)
{
    (void)state;
    struct roster *r = roster_of(3);
    struct turns t = {0};
    size_t count[BS_USERS_MAX];
    const struct roster_wish first = {.id = 2, .rate_hz = 1.5, .priority = 2},
                             second = {.id = 1, .rate_hz = 1.5, .priority = 1},
                             third = {.id = 3, .rate_hz = 1.5};
    assert_true(roster_set(r, &first, &err) == OK && roster_set(r, &second, &err) == OK &&
                roster_set(r, &third, &err) == OK);
    run(r, &t, 0, 1000, 2, count); /* 400 s of 2.5 cycles per second */
    assert_in_range(count[1], 599, 601);
    assert_in_range(count[0], 385, 401);
    assert_in_range(count[2], 0, 15);
    roster_destroy(&r);
}

static void more_than_there_is_is_refused_with_the_numbers(void **state)
{
    (void)state;
    struct roster *r = roster_of(3);
    struct roster_wish wish = {.id = 2, .rate_hz = 5};
    assert_int_equal(roster_set(r, &wish, &err), ERR_NO_SPACE); /* nothing left for 1 and 3 */
    assert_non_null(strstr(err.text, "5 cycles per second and there are 5"));
    wish.rate_hz = 4.9;
    assert_int_equal(roster_set(r, &wish, &err), OK);
    wish = (struct roster_wish){.id = 4, .rate_hz = 0.2};
    assert_int_equal(roster_add(r, &wish, 100, &err), ERR_NO_SPACE);
    assert_int_equal(roster_size(r), 3);
    wish.id = 9;
    assert_int_equal(roster_set(r, &wish, &err), ERR_NOT_FOUND);
    roster_destroy(&r);
}

static void add(struct roster *r, int id, uint64_t cycles)
{
    const struct roster_wish wish = {.id = id};
    const int place = roster_add(r, &wish, cycles, &err);
    assert_in_range(place, 0, BS_USERS_MAX - 1);
    roster_serve(r, (size_t)place);
}

static void users_come_and_go(void **state)
{
    (void)state;
    struct roster *r = roster_of(1);
    struct turns t = {0};
    size_t count[BS_USERS_MAX];
    for (int id = 2; id <= 16; id++)
        add(r, id, 0);
    const struct roster_wish one_more = {.id = 17}, again = {.id = 5};
    assert_int_equal(roster_add(r, &one_more, 0, &err), ERR_NO_SPACE);
    assert_int_equal(roster_add(r, &again, 0, &err), ERR_STATE);
    run(r, &t, 0, 160, 1, count);
    const int gone = roster_remove(r, 5, 160, &err);
    assert_int_equal(gone, 4);
    run(r, &t, 160, 150, 1, count);
    assert_int_equal(count[4], 0); /* from the next cycle on */
    assert_int_equal(roster_add(r, &one_more, 161, &err), ERR_BUSY);
    add(r, 17, 310);
    assert_int_equal(roster_id(r, 4), 17);
    run(r, &t, 310, 160, 1, count);
    assert_int_equal(count[4], 10);
    roster_destroy(&r);
}

static void keys_are_each_users_own(void **state)
{
    (void)state;
    struct roster *r = roster_of(16);
    const struct secure_keys *keys = roster_keys(r);
    for (size_t a = 0; a < 16; a++)
        for (size_t b = 0; b < a; b++)
            assert_memory_not_equal(&keys[a], &keys[b], sizeof keys[a]);
    roster_destroy(&r);
    assert_null(r);
}

static void the_last_one_stays(void **state)
{
    (void)state;
    struct roster *r = roster_of(2);
    assert_int_equal(roster_remove(r, 1, 0, &err), 0);
    assert_int_equal(roster_remove(r, 2, 0, &err), ERR_STATE);
    assert_int_equal(roster_remove(r, 1, 0, &err), ERR_NOT_FOUND);
    assert_int_equal(roster_place(r, 0), 1);
    assert_int_equal(roster_place(r, 1), BS_USERS_MAX);
    roster_destroy(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_rates_it_goes_round),
        cmocka_unit_test(sixteen_rates_are_kept),
        cmocka_unit_test(who_has_a_rate_leaves_the_rest_to_the_others),
        cmocka_unit_test(priority_decides_when_cycles_are_few),
        cmocka_unit_test(more_than_there_is_is_refused_with_the_numbers),
        cmocka_unit_test(users_come_and_go),
        cmocka_unit_test(keys_are_each_users_own),
        cmocka_unit_test(the_last_one_stays),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
