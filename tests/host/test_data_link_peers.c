/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The other end of the data link: it restarts, is out of reach, takes its permission back, is not
 * who it says, or is another one from now on. */
#include "tests/frames/seed_keys.h"
#include "tests/host/link_rig.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

/* Side `who` starts anew every now and then, with slots lost before and after. */
static void restart_campaign(int who)
{
    static struct world w;
    begin_world(&w, 31 + (uint64_t)who, 0.2, 1e9);
    for (int round = 0; round < 60; round++) {
        for (int t = 0; t < 1 + (int)(draw(&w) * 10); t++) {
            for (int side = 0; side < 2; side++)
                offer(&w, side, 1 + (size_t)(draw(&w) * 10));
            turn(&w, false);
        }
        data_link_destroy(&w.side[who]);
        w.side[who] = make_side(&w, who);
        /* Two whole turns without loss, and a packet each way comes through again. */
        const uint64_t before[2] = {w.flow[0].delivered, w.flow[1].delivered};
        const double loss = w.loss[DOWN];
        w.loss[DOWN] = w.loss[UP] = 0;
        for (int t = 0; t < 2; t++) {
            for (int side = 0; side < 2; side++)
                offer(&w, side, 2);
            turn(&w, false);
        }
        turn(&w, false);
        w.loss[DOWN] = w.loss[UP] = loss;
        for (int side = 0; side < 2; side++)
            assert_true(w.flow[side].delivered > before[side]);
    }
    const struct data_link_counters c = counters(&w, 1 - who);
    assert_int_equal(c.peer_restarts, 60);
    assert_true(c.dropped_restart > 0);
    end_world(&w);
}

static void user_restarts(void **state)
{
    (void)state;
    restart_campaign(UP);
}

static void base_restarts(void **state)
{
    (void)state;
    restart_campaign(DOWN);
}

/* Five seconds behind a wall, or without permission: then traffic goes on at once. */
static void outage_ends(void **state)
{
    static struct world w;
    (void)state;
    for (int skip = 0; skip < 2; skip++) {
        begin_world(&w, 41, 0.05, 2.0);
        for (int t = 0; t < 100; t++) {
            offer(&w, DOWN, 5);
            offer(&w, UP, 5);
            turn(&w, false);
        }
        for (int t = 0; t < 25; t++) {
            offer(&w, DOWN, 5);
            offer(&w, UP, 5);
            if (!skip) {
                turn(&w, true);
                continue;
            }
            w.cycle++;
            w.time_s += PERIOD_S;
            const struct data_link_slot slot = {.cycle = w.cycle, .time_s = w.time_s};
            data_link_skip(w.side[DOWN], &slot);
            data_link_skip(w.side[UP], &slot);
        }
        assert_int_equal(data_link_mcs(w.side[DOWN]), 0);
        const uint64_t before[2] = {w.flow[0].delivered, w.flow[1].delivered};
        w.loss[DOWN] = w.loss[UP] = 0;
        turn(&w, false);
        turn(&w, false);
        for (int side = 0; side < 2; side++) {
            assert_true(w.flow[side].delivered > before[side]);
            assert_true(counters(&w, side).dropped_old > 0); /* nobody waits for those any more */
        }
        for (int t = 0; t < 50; t++)
            turn(&w, false);
        assert_int_equal(data_link_mcs(w.side[DOWN]), MCS - 1);
        end_world(&w);
    }
}

/* When permission ends nothing that waits or is under way is kept for the day it returns, nor what
 * the port gives meanwhile. */
static void what_waits_ends_with_permission(void **state)
{
    static struct world w;
    const uint8_t packet[100] = {0};
    struct data_link_state s;
    (void)state;
    begin_world(&w, 43, 0, 1e9);
    for (int t = 0; t < 30; t++) {
        offer(&w, DOWN, 40);
        turn(&w, false);
    }
    data_link_close(w.side[DOWN]);
    data_link_read(w.side[DOWN], &s);
    const uint64_t dropped = s.count.dropped_consent;
    assert_true(s.queued == 0 && dropped > 100);
    assert_int_equal(s.count.packets_acked + dropped, w.flow[DOWN].sent);
    for (int t = 0; t < 5; t++) {
        w.cycle++;
        w.time_s += PERIOD_S;
        assert_int_equal(data_link_send(w.side[DOWN], packet, sizeof packet), ERR_STATE);
        const struct data_link_slot slot = {.cycle = w.cycle, .time_s = w.time_s};
        data_link_skip(w.side[DOWN], &slot);
        data_link_close(w.side[DOWN]);
    }
    data_link_open(w.side[DOWN]);
    assert_int_equal(counters(&w, DOWN).dropped_consent, dropped + 5);
    const uint64_t before = w.flow[DOWN].delivered;
    w.flow[DOWN].next = w.flow[DOWN].sent; /* nothing older may come */
    offer(&w, DOWN, 10);
    drain(&w, 20);
    assert_int_equal(w.flow[DOWN].delivered, before + 10);
    assert_int_equal(counters(&w, DOWN).dropped_consent, dropped + 5);
    end_world(&w);
}

/* Someone sends to the user what the base station sent before, to another user, or with a bit
 * turned over. The true slot of that cycle is lost each time. */
static void forger_gets_nowhere(void **state)
{
    static struct world w;
    static uint8_t old[SLOT_MAX], forged[SLOT_MAX];
    struct secure_keys others;
    (void)state;
    seed_keys(3, USER + 1, &others);
    begin_world(&w, 61, 0, 1e9);
    const struct data_link_cfg cfg = {
        .sends = SECURE_LINK_DOWN, .queue = 4, .lifetime_s = 1, .n_mcs = 1};
    struct status err;
    struct data_link *other = data_link_create(&cfg, &others, &err);
    assert_non_null(other);
    for (int t = 0; t < 300; t++) {
        offer(&w, DOWN, 1);
        turn(&w, false);
        const size_t n = w.n_air[DOWN];
        memcpy(old, w.air[DOWN], n);
        w.cycle++;
        w.time_s += PERIOD_S;
        const struct data_link_slot slot = {.cycle = w.cycle, .time_s = w.time_s};
        assert_int_equal(data_link_fill(w.side[DOWN], &slot, w.air[DOWN], n), OK);
        memcpy(forged, t % 3 == 0 ? old : w.air[DOWN], n);
        if (t % 3 == 1)
            forged[(size_t)(draw(&w) * (double)n)] ^= (uint8_t)(1u << t % 8);
        if (t % 3 == 2)
            assert_int_equal(data_link_fill(other, &slot, forged, n), OK);
        assert_int_equal(data_link_take(w.side[UP], &slot, forged, n, &at_25_db), ERR_AUTH);
        assert_int_equal(data_link_receive(w.side[UP], forged), 0);
    }
    drain(&w, 100);
    assert_int_equal(counters(&w, UP).slots_refused, 300);
    assert_int_equal(w.flow[DOWN].delivered, w.flow[DOWN].sent);
    /* A true slot is taken once. */
    const struct data_link_slot slot = {.cycle = w.cycle, .time_s = w.time_s};
    assert_int_equal(data_link_take(w.side[UP], &slot, w.air[DOWN], w.n_air[DOWN], &at_25_db),
                     ERR_STATE);
    assert_int_equal(data_link_fill(w.side[DOWN], &slot, forged, 900), ERR_STATE);
    assert_int_equal(data_link_fill(w.side[DOWN], &slot, forged, DATA_LINK_SLOT_MIN - 1), ERR_ARG);
    data_link_destroy(&other);
    end_world(&w);
}

static void place_goes_to_another_user(void **state)
{
    static struct world w;
    struct secure_keys others;
    (void)state;
    seed_keys(3, USER + 1, &others);
    begin_world(&w, 71, 0, 1e9);
    offer(&w, DOWN, 100);
    turn(&w, false);
    turn(&w, false);
    const struct flow before = w.flow[DOWN];
    data_link_reset(w.side[DOWN], &others);
    data_link_reset(w.side[UP], &others);
    const struct data_link_counters none = {0}, news = counters(&w, DOWN);
    assert_memory_equal(&news, &none, sizeof none);
    w.flow[DOWN].next = w.flow[DOWN].sent; /* nothing of the first user's may come */
    drain(&w, 5);
    assert_int_equal(w.flow[DOWN].delivered, before.delivered);
    offer(&w, DOWN, 10);
    drain(&w, 5);
    assert_int_equal(w.flow[DOWN].delivered, before.delivered + 10);
    end_world(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(user_restarts),       cmocka_unit_test(base_restarts),
        cmocka_unit_test(outage_ends),         cmocka_unit_test(what_waits_ends_with_permission),
        cmocka_unit_test(forger_gets_nowhere), cmocka_unit_test(place_goes_to_another_user),
    };
    return cmocka_run_group_tests(tests, setup, NULL);
}
