/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Packets over the data link, whatever is lost: all come, in order, or are counted. */
#include "tests/host/link_rig.h"
#include <malloc.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void everything_arrives_in_order(void **state)
{
    static struct world w;
    (void)state;
    const double losses[] = {0, 0.1, 0.3, 0.5};
    for (size_t i = 0; i < sizeof losses / sizeof losses[0]; i++) {
        begin_world(&w, 11 + i, losses[i], 1e9);
        for (int t = 0; t < 600; t++) {
            for (int side = 0; side < 2; side++)
                offer(&w, side, 40);
            turn(&w, false);
        }
        const uint64_t bytes = w.flow[DOWN].bytes, capacity = w.slot_bytes[DOWN];
        drain(&w, 400);
        for (int side = 0; side < 2; side++) {
            assert_int_equal(w.flow[side].delivered, w.flow[side].sent);
            assert_int_equal(counters(&w, side).packets_acked, w.flow[side].sent);
        }
        /* Of the slots that arrive, payload is at least nine tenths. */
        assert_true((double)bytes >= 0.9 * (1 - losses[i] - 0.05) * (double)capacity);
        end_world(&w);
    }
}

/* Without losses a slot of the fastest scheme is filled, and nothing is sent twice. */
static void full_slots_carry_packets(void **state)
{
    static struct world w;
    (void)state;
    begin_world(&w, 5, 0, 1e9);
    for (int t = 0; t < 200; t++) {
        offer(&w, DOWN, 40);
        turn(&w, false);
    }
    assert_true((double)w.flow[DOWN].bytes > 0.95 * (double)w.slot_bytes[DOWN]);
    assert_int_equal(counters(&w, DOWN).bytes_again, 0);
    assert_int_equal(data_link_mcs(w.side[DOWN]), MCS - 1);
    struct data_link_state told; /* as the other side hears it */
    data_link_read(w.side[DOWN], &told);
    assert_true(told.peer_snr_db == 25 && told.peer_evm_db == -25);
    assert_true(fabs(told.peer_ber - 1e-3) < 1e-9);
    assert_int_equal(told.queue, 128);
    end_world(&w);
}

static void old_packets_are_given_up_and_counted(void **state)
{
    static struct world w;
    (void)state;
    begin_world(&w, 21, 0.5, 1.0);
    for (int t = 0; t < 500; t++) {
        offer(&w, DOWN, 4);
        turn(&w, false);
    }
    w.loss[DOWN] = w.loss[UP] = 0;
    drain(&w, 20);
    const struct data_link_counters c = counters(&w, DOWN);
    assert_true(c.dropped_old > 10 && w.flow[DOWN].delivered > 100);
    /* Given up are also packets that had arrived, if no acknowledgement told so. */
    assert_true(w.flow[DOWN].delivered + c.dropped_old >= w.flow[DOWN].sent);
    assert_int_equal(c.packets_acked + c.dropped_old, w.flow[DOWN].sent);
    assert_true(counters(&w, UP).missed <= c.dropped_old);
    assert_int_equal(w.flow[DOWN].delivered, counters(&w, UP).packets_out);
    end_world(&w);
}

static void flood_is_bounded_and_counted(void **state)
{
    static struct world w;
    uint8_t packet[LINK_PACKET_MAX] = {1};
    (void)state;
    begin_world(&w, 51, 0, 1e9);
    size_t taken = 0, refused = 0;
    for (int i = 0; i < 100000; i++) {
        int rc = data_link_send(w.side[DOWN], packet, 1400);
        taken += rc == OK;
        refused += rc == ERR_NO_SPACE;
    }
    assert_int_equal(taken, 128);
    assert_int_equal(refused, 100000 - 128);
    assert_int_equal(data_link_send(w.side[DOWN], packet, 0), ERR_ARG);
    assert_int_equal(data_link_send(w.side[DOWN], packet, LINK_PACKET_MAX + 1), ERR_ARG);
    const struct data_link_counters c = counters(&w, DOWN);
    assert_int_equal(c.packets_in, 128);
    assert_int_equal(c.dropped_queue, 100000 - 128);
    assert_int_equal(c.dropped_size, 2);
    end_world(&w);
}

/* A port that does not fetch costs its packets, and nothing else. */
static void slow_port_loses_its_own(void **state)
{
    static struct world w;
    uint8_t packet[LINK_PACKET_MAX] = {1};
    (void)state;
    begin_world(&w, 55, 0, 1e9);
    for (uint64_t t = 1; t <= 400; t++) {
        const struct data_link_slot slot = {.cycle = 1000 + t, .time_s = PERIOD_S * (double)t};
        while (data_link_send(w.side[DOWN], packet, 64) == OK)
            ;
        for (int side = 0; side < 2; side++) {
            assert_int_equal(data_link_fill(w.side[side], &slot, w.air[side], 900), OK);
            assert_int_equal(data_link_take(w.side[1 - side], &slot, w.air[side], 900, &at_25_db),
                             OK);
        }
    }
    const struct data_link_counters c = counters(&w, UP);
    assert_int_equal(c.packets_out, 512);
    assert_true(c.dropped_port > 0);
    assert_int_equal(c.packets_out + c.dropped_port, counters(&w, DOWN).packets_acked);
    end_world(&w);
}

static void nothing_is_allocated_on_the_way(void **state)
{
    static struct world w;
    (void)state;
    begin_world(&w, 81, 0.2, 2);
    const size_t before = mallinfo2().uordblks;
    for (int t = 0; t < 100; t++) {
        offer(&w, DOWN, 10);
        turn(&w, false);
    }
    assert_int_equal(mallinfo2().uordblks, before);
    end_world(&w);
}

static void bad_configurations_are_refused(void **state)
{
    (void)state;
    const struct data_link_cfg wrong[] = {
        {.queue = 0, .lifetime_s = 1, .n_mcs = 1},
        {.queue = 5000, .lifetime_s = 1, .n_mcs = 1},
        {.queue = 1, .lifetime_s = NAN, .n_mcs = 1},
        {.queue = 1, .lifetime_s = 1, .n_mcs = 0},
        {.queue = 1, .lifetime_s = 1, .n_mcs = DATA_LINK_MCS_MAX + 1},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        struct status err = {0};
        assert_null(data_link_create(&wrong[i], &keys, &err));
        assert_int_equal(err.code, ERR_ARG);
    }
    struct data_link *none = NULL;
    data_link_destroy(&none);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(everything_arrives_in_order),
        cmocka_unit_test(full_slots_carry_packets),
        cmocka_unit_test(old_packets_are_given_up_and_counted),
        cmocka_unit_test(flood_is_bounded_and_counted),
        cmocka_unit_test(slow_port_loses_its_own),
        cmocka_unit_test(nothing_is_allocated_on_the_way),
        cmocka_unit_test(bad_configurations_are_refused),
    };
    return cmocka_run_group_tests(tests, setup, NULL);
}
