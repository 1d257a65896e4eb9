/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Both sides of the data link over a channel that loses slots, with everything that may happen to
 * them. Whatever does: what comes out went in, in this order, and not twice. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <malloc.h>
#include <math.h>
#include <pthread.h>
#include <sched.h>
#include <string.h>

#include "dsp/rng.h"
#include "frames/bits.h"
#include "host/data_link.h"
#include "host/link_adapt.h"
#include "host/packet_ring.h"

#define PERIOD_S 0.2
enum { USER = 7, MCS = 3, SLOT_MAX = 9000, DOWN = 0, UP = 1 };
static const size_t slot_bytes[MCS] = {900, 2400, 8000};

static const struct data_link_heard at_25_db = {25, -25, NAN};
static struct secure_keys keys;

static int setup(void **state)
{
    uint8_t master[SECURE_MASTER_BYTES];
    (void)state;
    if (secure_init())
        return -1;
    secure_master_from_seed(3, USER, master);
    secure_keys_derive(master, &keys);
    return 0;
}

struct flow {            /* packets one way, numbered by who sends them */
    uint32_t sent, next; /* next number that may still come */
    uint64_t delivered, bytes;
};

struct world {
    struct data_link *side[2]; /* that sends DOWN, UP */
    struct flow flow[2];
    struct rng rng;
    double loss[2], snr_db, lifetime_s, time_s;
    uint64_t cycle, slots[2], slot_bytes[2];
    uint8_t air[2][SLOT_MAX]; /* the last slot each way */
    size_t n_air[2];
};

static struct data_link *make_side(const struct world *w, int side)
{
    const struct data_link_cfg cfg = {
        .sends = side == DOWN ? SECURE_LINK_DOWN : SECURE_LINK_UP,
        .queue = 128,
        .lifetime_s = w->lifetime_s,
        .n_mcs = MCS,
        .snr_db = {0, 10, 18},
    };
    struct status err = {0};
    struct data_link *link = data_link_create(&cfg, &keys, &err);
    assert_non_null(link);
    return link;
}

static void begin(struct world *w, uint64_t seed, double loss, double lifetime_s)
{
    *w =
        (struct world){.loss = {loss, loss}, .snr_db = 25, .lifetime_s = lifetime_s, .cycle = 1000};
    w->rng = rng_seed(seed);
    for (int i = 0; i < 2; i++)
        w->side[i] = make_side(w, i);
}

static void end(struct world *w)
{
    for (int i = 0; i < 2; i++)
        data_link_destroy(&w->side[i]);
}

static double draw(struct world *w)
{
    return rng_u01(&w->rng);
}

static size_t packet_size(uint32_t number)
{
    return 4 + (size_t)(number * UINT32_C(2654435761) >> 16) % (LINK_PACKET_MAX - 3);
}

static void fill_packet(uint32_t number, uint8_t *packet, size_t n)
{
    for (size_t i = 0; i < n; i++)
        packet[i] = (uint8_t)(number + i * 7);
    le32_put(packet, number);
}

/* As many packets as the queue takes, n at most. */
static void offer(struct world *w, int side, size_t n)
{
    uint8_t packet[LINK_PACKET_MAX];
    for (size_t i = 0; i < n; i++) {
        const size_t size = packet_size(w->flow[side].sent);
        fill_packet(w->flow[side].sent, packet, size);
        if (data_link_send(w->side[side], packet, size))
            return;
        w->flow[side].sent++;
    }
}

static void collect(struct world *w, int side)
{
    uint8_t packet[LINK_PACKET_MAX], expected[LINK_PACKET_MAX];
    struct flow *flow = &w->flow[side];
    for (size_t n; (n = data_link_receive(w->side[1 - side], packet)) > 0;) {
        assert_true(n >= 4);
        const uint32_t number = le32_get(packet);
        assert_true(number >= flow->next); /* in order, and not twice */
        assert_true(number < flow->sent);
        assert_int_equal(n, packet_size(number));
        fill_packet(number, expected, n);
        assert_memory_equal(packet, expected, n);
        flow->next = number + 1;
        flow->delivered++;
        flow->bytes += n;
    }
}

/* The slot of one direction, as radio and port see it. */
static void pass(struct world *w, int side, bool lost)
{
    const struct data_link_slot slot = {.cycle = w->cycle, .time_s = w->time_s};
    const size_t n = slot_bytes[data_link_mcs(w->side[side])] + (size_t)(draw(w) * 100);
    const struct data_link_heard heard = {w->snr_db, -w->snr_db, 1e-3};
    uint8_t copy[SLOT_MAX];
    assert_int_equal(data_link_fill(w->side[side], &slot, w->air[side], n), OK);
    w->n_air[side] = n;
    w->slots[side]++;
    w->slot_bytes[side] += n;
    memcpy(copy, w->air[side], n);
    if (lost)
        data_link_lost(w->side[1 - side], &slot, &heard);
    else
        assert_int_equal(data_link_take(w->side[1 - side], &slot, copy, n, &heard), OK);
    collect(w, side);
}

static void turn(struct world *w, bool wall)
{
    w->cycle++;
    w->time_s += PERIOD_S;
    for (int side = 0; side < 2; side++)
        pass(w, side, draw(w) < w->loss[side] || wall);
}

static struct data_link_counters counters(const struct world *w, int side)
{
    struct data_link_state s;
    data_link_read(w->side[side], &s);
    return s.count;
}

/* Until nothing is under way. */
static void drain(struct world *w, int turns)
{
    for (int i = 0; i < turns; i++)
        turn(w, false);
}

/* --- tests */

static void everything_arrives_in_order(void **state)
{
    static struct world w;
    (void)state;
    const double losses[] = {0, 0.1, 0.3, 0.5};
    for (size_t i = 0; i < sizeof losses / sizeof losses[0]; i++) {
        begin(&w, 11 + i, losses[i], 1e9);
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
        end(&w);
    }
}

/* Without losses a slot of the fastest scheme is filled, and nothing is sent twice. */
static void full_slots_carry_packets(void **state)
{
    static struct world w;
    (void)state;
    begin(&w, 5, 0, 1e9);
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
    end(&w);
}

static void old_packets_are_given_up_and_counted(void **state)
{
    static struct world w;
    (void)state;
    begin(&w, 21, 0.5, 1.0);
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
    end(&w);
}

/* Side `who` starts anew every now and then, with slots lost before and after. */
static void restart_campaign(int who)
{
    static struct world w;
    begin(&w, 31 + (uint64_t)who, 0.2, 1e9);
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
    end(&w);
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
        begin(&w, 41, 0.05, 2.0);
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
        end(&w);
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
    begin(&w, 43, 0, 1e9);
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
    end(&w);
}

static void flood_is_bounded_and_counted(void **state)
{
    static struct world w;
    uint8_t packet[LINK_PACKET_MAX] = {1};
    (void)state;
    begin(&w, 51, 0, 1e9);
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
    end(&w);
}

/* A port that does not fetch costs its packets, and nothing else. */
static void slow_port_loses_its_own(void **state)
{
    static struct world w;
    uint8_t packet[LINK_PACKET_MAX] = {1};
    (void)state;
    begin(&w, 55, 0, 1e9);
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
    end(&w);
}

/* Someone sends to the user what the base station sent before, to another user, or with a bit
 * turned over. The true slot of that cycle is lost each time. */
static void forger_gets_nowhere(void **state)
{
    static struct world w;
    static uint8_t old[SLOT_MAX], forged[SLOT_MAX];
    struct secure_keys others;
    uint8_t master[SECURE_MASTER_BYTES];
    (void)state;
    secure_master_from_seed(3, USER + 1, master);
    secure_keys_derive(master, &others);
    begin(&w, 61, 0, 1e9);
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
    end(&w);
}

static void place_goes_to_another_user(void **state)
{
    static struct world w;
    struct secure_keys others;
    uint8_t master[SECURE_MASTER_BYTES];
    (void)state;
    secure_master_from_seed(3, USER + 1, master);
    secure_keys_derive(master, &others);
    begin(&w, 71, 0, 1e9);
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
    end(&w);
}

static void nothing_is_allocated_on_the_way(void **state)
{
    static struct world w;
    (void)state;
    begin(&w, 81, 0.2, 2);
    const size_t before = mallinfo2().uordblks;
    for (int t = 0; t < 100; t++) {
        offer(&w, DOWN, 10);
        turn(&w, false);
    }
    assert_int_equal(mallinfo2().uordblks, before);
    end(&w);
}

enum { RING_PACKETS = 20000 };

static void *put_all(void *ring)
{
    uint8_t packet[LINK_PACKET_MAX];
    for (uint32_t i = 0; i < RING_PACKETS; i++) {
        fill_packet(i, packet, packet_size(i));
        while (!packet_ring_put(ring, packet, packet_size(i), i))
            sched_yield();
    }
    return NULL;
}

static void ring_joins_two_threads(void **state)
{
    struct packet_ring *ring = packet_ring_create(5);
    uint8_t expected[LINK_PACKET_MAX];
    pthread_t thread;
    (void)state;
    assert_non_null(ring);
    assert_int_equal(pthread_create(&thread, NULL, put_all, ring), 0);
    for (uint32_t i = 0; i < RING_PACKETS; i++) {
        const struct packet *p;
        while (!(p = packet_ring_look(ring)))
            sched_yield();
        fill_packet(i, expected, packet_size(i));
        assert_int_equal(p->n, packet_size(i));
        assert_memory_equal(p->bytes, expected, p->n);
        assert_true(packet_ring_size(ring) <= 5);
        packet_ring_drop(ring);
    }
    pthread_join(thread, NULL);
    assert_null(packet_ring_look(ring));
    packet_ring_destroy(&ring);
}

static void adaptation_follows_the_other_side(void **state)
{
    struct link_adapt a = {.n_mcs = 3, .from_db = {0, 10, 18}};
    (void)state;
    link_adapt_report(&a, 1, 0, NAN);
    assert_int_equal(a.mcs, 0);
    link_adapt_report(&a, 1, 0, 10.4); /* not steadily above 10 */
    assert_int_equal(a.mcs, 0);
    link_adapt_report(&a, 1, 0, 10.6);
    assert_int_equal(a.mcs, 1);
    link_adapt_report(&a, 1, 0, 10.1); /* nor below it */
    assert_int_equal(a.mcs, 1);
    link_adapt_report(&a, 1, 0, 30);
    assert_int_equal(a.mcs, 2);
    link_adapt_report(&a, 0, 25, 18.5); /* a wall counts once */
    assert_true(fabs(a.margin_db - LINK_ADAPT_LOSS_DB) < 1e-9);
    assert_int_equal(a.mcs, 1);
    for (int i = 0; i < 100; i++)
        link_adapt_report(&a, 0, 1, 100);
    assert_true(a.margin_db == LINK_ADAPT_MARGIN_DB);
    for (int i = 0; i < 200; i++)
        link_adapt_report(&a, 1, 0, 18.6);
    assert_true(a.margin_db < 1e-9);
    assert_int_equal(a.mcs, 2);
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
        cmocka_unit_test(user_restarts),
        cmocka_unit_test(base_restarts),
        cmocka_unit_test(outage_ends),
        cmocka_unit_test(what_waits_ends_with_permission),
        cmocka_unit_test(flood_is_bounded_and_counted),
        cmocka_unit_test(slow_port_loses_its_own),
        cmocka_unit_test(forger_gets_nowhere),
        cmocka_unit_test(place_goes_to_another_user),
        cmocka_unit_test(nothing_is_allocated_on_the_way),
        cmocka_unit_test(ring_joins_two_threads),
        cmocka_unit_test(adaptation_follows_the_other_side),
        cmocka_unit_test(bad_configurations_are_refused),
    };
    return cmocka_run_group_tests(tests, setup, NULL);
}
