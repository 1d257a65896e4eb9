/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/host/link_rig.h"
#include "frames/bits.h"
#include "tests/frames/seed_keys.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static const size_t slot_bytes[MCS] = {900, 2400, 8000};

const struct data_link_heard at_25_db = {25, -25, NAN};
struct secure_keys keys;

int setup(void **state)
{
    (void)state;
    if (secure_init())
        return -1;
    seed_keys(3, USER, &keys);
    return 0;
}

struct data_link *make_side(const struct world *w, int side)
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

void begin_world(struct world *w, uint64_t seed, double loss, double lifetime_s)
{
    *w =
        (struct world){.loss = {loss, loss}, .snr_db = 25, .lifetime_s = lifetime_s, .cycle = 1000};
    w->rng = rng_seed(seed);
    for (int i = 0; i < 2; i++)
        w->side[i] = make_side(w, i);
}

void end_world(struct world *w)
{
    for (int i = 0; i < 2; i++)
        data_link_destroy(&w->side[i]);
}

double draw(struct world *w)
{
    return rng_u01(&w->rng);
}

size_t packet_size(uint32_t number)
{
    return 4 + (size_t)(number * UINT32_C(2654435761) >> 16) % (LINK_PACKET_MAX - 3);
}

void fill_packet(uint32_t number, uint8_t *packet, size_t n)
{
    for (size_t i = 0; i < n; i++)
        packet[i] = (uint8_t)(number + i * 7);
    le32_put(packet, number);
}

void offer(struct world *w, int side, size_t n)
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

void turn(struct world *w, bool wall)
{
    w->cycle++;
    w->time_s += PERIOD_S;
    for (int side = 0; side < 2; side++)
        pass(w, side, draw(w) < w->loss[side] || wall);
}

struct data_link_counters counters(const struct world *w, int side)
{
    struct data_link_state s;
    data_link_read(w->side[side], &s);
    return s.count;
}

void drain(struct world *w, int turns)
{
    for (int i = 0; i < turns; i++)
        turn(w, false);
}
