/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The room's publisher on a private air: bursts and trigger edges in, sets and snapshots out. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "sim/air_clock.h"
#include "sim/air_layout.h"
#include "sim/air_log.h"
#include "sim/publisher.h"

enum { SLOT = 9216, BURST = 64 * SLOT, DELAY = 500, BYTES = 32, LATENCY = 164 };

struct rig {
    struct scene scene;
    struct air *air;
    struct channel *channel;
    struct publisher *publisher;
    uint8_t patterns[8 * BYTES], base[2][BYTES];
};

static const char *const codes[2] = {"++----++", "+-+--+-+"};

static int setup(void **state)
{
    struct rig *rig = calloc(1, sizeof *rig);
    struct status err = {0};
    struct air_cfg cfg;
    if (scene_load("lab", NULL, &rig->scene, &err))
        fail_msg("%s", err.text);
    rig->scene.users[0].enter_s = 0;
    rig->scene.radio.clock_spread_ppm = 0;
    publisher_air_cfg(&rig->scene, &cfg);
    cfg.gate_mask = 1; /* time stands: nobody joins */
    rig->air = air_create(&cfg, &err);
    rig->channel = channel_create(&rig->scene, AIR_N_BIN, &err);
    if (!rig->air || !rig->channel)
        fail_msg("%s", err.text);
    struct publisher_cfg parts = {rig->air, &rig->scene, rig->channel};
    rig->publisher = publisher_create(&parts, &err);
    assert_non_null(rig->publisher);
    *state = rig;
    return 0;
}

static int teardown(void **state)
{
    struct rig *rig = *state;
    publisher_destroy(&rig->publisher);
    publisher_destroy(&rig->publisher);
    channel_destroy(&rig->channel);
    air_destroy(&rig->air);
    free(rig);
    return 0;
}

/* Both boards: 8 slots by their code, 8 times at edge 1, once at edge 2. */
static void arm(struct rig *rig)
{
    for (int k = 0; k < 2; k++) {
        struct ris_report r = {.kind = RIS_REPORT_ARM,
                               .trigger = RIS_TRIGGER_RISING,
                               .shape = {16, 16, 1},
                               .n_edges = 2,
                               .n_steps = 8,
                               .reps = {8, 1},
                               .delay_ns = DELAY * 10,
                               .period_ns = SLOT * 10,
                               .patterns = rig->patterns,
                               .idle = rig->base[k]};
        struct status err;
        snprintf(r.board, sizeof r.board, "ris%d", k + 1);
        for (int i = 0; i < BYTES; i++)
            rig->base[k][i] = (uint8_t)(i * 37 + k * 11 + 5);
        for (int step = 0; step < 8; step++)
            for (int i = 0; i < BYTES; i++)
                rig->patterns[step * BYTES + i] =
                    rig->base[k][i] ^ (codes[k][step] == '-' ? 0xff : 0);
        if (publisher_report(rig->publisher, &r, &err))
            fail_msg("%s", err.text);
    }
}

static void send(struct rig *rig, unsigned radio, int64_t k0, size_t n, uint32_t pin)
{
    static int16_t iq[2 * BURST];
    const unsigned port = 0;
    const float scale = 1, phase = 0;
    struct air_tx_chunk chunk = {.radio = radio,
                                 .n_port = 1,
                                 .port = &port,
                                 .k0 = k0,
                                 .n = n,
                                 .scale = &scale,
                                 .phase_rad = &phase,
                                 .carrier_hz = 5.8e9,
                                 .start_rising = pin,
                                 .end_falling = pin};
    air_tx_put(rig->air, radio, 0, iq, n);
    assert_int_equal(air_tx_commit(rig->air, &chunk), 0);
}

static float sign_at(struct rig *rig, int k, int64_t tick)
{
    struct air_snap snap;
    assert_int_equal(air_snap_at(rig->air, tick, &snap), 0);
    return k ? snap.sign2 : snap.sign1;
}

static void a_burst_switches_both_surfaces_at_every_slot(void **state)
{
    struct rig *rig = *state;
    const int64_t k0 = 2000000, edge = k0 + LATENCY;
    arm(rig);
    send(rig, 0, k0, BURST, 1);
    assert_int_equal(publisher_run(rig->publisher, 4000000), 4000000);
    assert_int_equal(air_horizon(rig->air), 4000000);
    for (int slot = 0; slot < 64; slot++)
        for (int k = 0; k < 2; k++) {
            float want = codes[k][slot % 8] == '+' ? 1 : -1;
            int64_t latch = edge + DELAY + slot * SLOT;
            assert_true(sign_at(rig, k, latch) == want);
            assert_true(sign_at(rig, k, latch + SLOT - 1) == want);
        }
    assert_true(sign_at(rig, 0, edge + DELAY + 64 * SLOT) == 1);
    struct publisher_counts n = publisher_counts(rig->publisher);
    assert_in_range(n.sets, 4, 7); /* one for each 1.5 ms of the burst */
    assert_int_equal(n.reports, 2);
    assert_int_equal(n.rewinds, 0);
}

static const struct air_link *link_at(struct rig *rig, int64_t tick, unsigned tx, unsigned rx,
                                      struct air_set *set)
{
    struct air_snap snap;
    assert_int_equal(air_snap_at(rig->air, tick, &snap), 0);
    set->id = snap.set_id;
    assert_int_equal(air_set_ref(rig->air, snap.set_id, &set->ref_tick), 0);
    return air_set_link(rig->air, set, tx, 0, rx, 0);
}

static void only_ports_that_send_have_links(void **state)
{
    struct rig *rig = *state;
    struct air_set set;
    arm(rig);
    send(rig, 0, 2000000, BURST, 1);
    send(rig, 1, 4000000, 8 * SLOT, 0);
    publisher_run(rig->publisher, 6000000);
    assert_int_equal(link_at(rig, 1000000, 0, 0, &set)->groups, 0);
    assert_int_equal(link_at(rig, 2100000, 0, 0, &set)->groups, 0x7f);
    assert_true(llabs(set.ref_tick - 2100000) <= 75000);
    assert_int_equal(link_at(rig, 2100000, 0, 1, &set)->groups, 0x2a);
    assert_int_equal(link_at(rig, 2100000, 1, 0, &set)->groups, 0);
    assert_int_equal(link_at(rig, 4050000, 1, 0, &set)->groups, 0x2a);
    assert_int_equal(link_at(rig, 4050000, 1, 1, &set)->groups, 0x01);
    assert_int_equal(link_at(rig, 4050000, 0, 0, &set)->groups, 0);
}

/* H at tick and bin from what is on the air, of BS port 0 to BS port 0. */
static double complex response(struct rig *rig, int64_t tick, size_t bin)
{
    struct air_set set;
    struct air_snap snap;
    const struct air_link *link = link_at(rig, tick, 0, 0, &set);
    double complex g[AIR_N_GROUP];
    assert_int_equal(air_snap_at(rig->air, tick, &snap), 0);
    for (int i = 0; i < AIR_N_GROUP; i++)
        g[i] =
            link->h[i][bin] * cexp(I * link->rate_rad_s[i] * (double)(tick - set.ref_tick) / 100e6);
    return g[1] + snap.sign1 * g[3] + snap.sign2 * g[5] + snap.sign1 * snap.sign2 * g[6];
}

/* Where one set gives way to the next, the moving paths go on without a step: what remains is the
 * Doppler spread of the wall images. */
static void sets_follow_each_other_smoothly(void **state)
{
    struct rig *rig = *state;
    arm(rig);
    send(rig, 0, 2000000, BURST, 1);
    publisher_run(rig->publisher, 4000000);
    double worst = 0;
    for (int64_t boundary = 2100000; boundary < 2550000; boundary += 150000)
        for (size_t bin = 0; bin < 800; bin += 50) {
            double complex a = response(rig, boundary - 1, bin), b = response(rig, boundary, bin);
            worst = fmax(worst, cabs(a - b) / cabs(b));
        }
    printf("largest step between sets: %.1f dB\n", 20 * log10(worst));
    assert_true(worst < 0.1);
}

static void another_profile_makes_another_set(void **state)
{
    struct rig *rig = *state;
    struct status err;
    struct air_set a, b;
    arm(rig);
    send(rig, 0, 2000000, BURST, 1);
    publisher_run(rig->publisher, 2050000);
    uint8_t other[BYTES] = {1, 2, 3};
    struct ris_report r = {.kind = RIS_REPORT_APPLY,
                           .board = "ris1",
                           .shape = {16, 16, 1},
                           .idle = other,
                           .patterns = other};
    assert_int_equal(publisher_report(rig->publisher, &r, &err), 0);
    publisher_run(rig->publisher, 2060000);
    float complex before = link_at(rig, 1000001, 0, 0, &a)->h[3][5]; /* time stands at 0 */
    float complex after = link_at(rig, 2050000, 0, 0, &b)->h[3][5];
    assert_true(a.id != b.id && before != after);
    assert_true(sign_at(rig, 0, 2050000 + DELAY) == 1);
    strcpy(r.board, "ris9");
    assert_int_equal(publisher_report(rig->publisher, &r, &err), ERR_NOT_FOUND);
}

/* An edge or a packet for ticks already published: those are published anew. */
static void late_news_rewind_the_air(void **state)
{
    struct rig *rig = *state;
    struct air_set set;
    arm(rig);
    publisher_run(rig->publisher, 4000000);
    assert_int_equal(publisher_counts(rig->publisher).sets, 0);
    send(rig, 0, 2000000, BURST, 1);
    publisher_run(rig->publisher, 4000000);
    assert_true(publisher_counts(rig->publisher).rewinds >= 1);
    assert_int_equal(link_at(rig, 2100000, 0, 0, &set)->groups, 0x7f);
    assert_true(sign_at(rig, 0, 2000000 + LATENCY + DELAY + 2 * SLOT) == -1);
    send(rig, 1, 3000000, SLOT, 0);
    publisher_run(rig->publisher, 4000000);
    assert_int_equal(link_at(rig, 3005000, 1, 0, &set)->groups, 0x2a);
    assert_int_equal(publisher_run(rig->publisher, 4000000), 4000000);
}

/* The clock runs on while the room works: what nobody could read yet is published whole. */
static void a_room_behind_the_clock_loses_nothing(void **state)
{
    struct rig *rig = *state;
    struct air_set set;
    const int64_t k0 = 2000000, edge = k0 + LATENCY;
    int reader = air_reader_open(rig->air, 0);
    arm(rig);
    publisher_run(rig->publisher, 1000000);
    air_reader_low(rig->air, reader, 1000000);
    send(rig, 0, k0, BURST, 1);
    rig->air->seg->now = 3000000;
    publisher_run(rig->publisher, 4000000);
    for (int slot = 0; slot < 64; slot++)
        assert_true(sign_at(rig, 0, edge + DELAY + slot * SLOT) ==
                    (codes[0][slot % 8] == '+' ? 1 : -1));
    assert_int_equal(link_at(rig, k0 + BURST / 2, 0, 0, &set)->groups, 0x7f);
    assert_int_equal(publisher_counts(rig->publisher).late, 0);

    air_event_post(rig->air, 0, 2900000, 1, 0); /* this has been read */
    publisher_run(rig->publisher, 4000000);
    assert_int_equal(publisher_counts(rig->publisher).late, 1);
}

/* Short bursts that lie wholly in what was read before the room looked again: each is counted,
 * once.
 */
static void a_burst_known_after_it_was_read_is_counted(void **state)
{
    struct rig *rig = *state;
    arm(rig);
    publisher_run(rig->publisher, 4000000);
    send(rig, 1, 2000000, SLOT, 0);
    send(rig, 1, 3000000, SLOT, 0);
    rig->air->seg->now = 3900000;
    publisher_run(rig->publisher, 4000000);
    assert_int_equal(publisher_counts(rig->publisher).late, 2);
    publisher_run(rig->publisher, 5000000);
    assert_int_equal(publisher_counts(rig->publisher).late, 2);

    send(rig, 1, 4500000, SLOT, 0);
    rig->air->seg->now = 6000000; /* past all that was published */
    publisher_run(rig->publisher, 6100000);
    assert_int_equal(publisher_counts(rig->publisher).late, 3);
}

static struct rig *meanwhile; /* what comes in while the room works, not yet sent */

size_t __real_air_events_take(struct air *air, struct air_event *out, size_t max);
size_t __wrap_air_events_take(struct air *air, struct air_event *out, size_t max);

/* The room asks for events once a round: a burst comes in before the second time. */
size_t __wrap_air_events_take(struct air *air, struct air_event *out, size_t max)
{
    static int asked;
    size_t n = __real_air_events_take(air, out, max);
    if (meanwhile && n == 0 && ++asked == 2) {
        send(meanwhile, 1, 4850000, SLOT, 0);
        air->seg->now = 5100000; /* past all that was published: nothing can be taken back */
        meanwhile = NULL;
    }
    return n;
}

static void a_burst_that_comes_in_meanwhile_is_counted_once(void **state)
{
    struct rig *rig = *state;
    arm(rig);
    publisher_run(rig->publisher, 5000000);
    rig->air->seg->now = 4800000;
    meanwhile = rig;
    publisher_run(rig->publisher, 5000000);
    assert_null(meanwhile);
    assert_int_equal(publisher_counts(rig->publisher).late, 1);
    publisher_run(rig->publisher, 5000000);
    publisher_run(rig->publisher, 5300000);
    assert_int_equal(publisher_counts(rig->publisher).late, 1);
}

/* However often the horizon is moved, the same comes out. */
static void pieces_give_the_same_air(void **state)
{
    struct rig *one = *state, *two;
    setup((void **)&two);
    struct rig *rigs[2] = {one, two};
    for (int i = 0; i < 2; i++) {
        arm(rigs[i]);
        send(rigs[i], 0, 2000000, BURST, 1);
        send(rigs[i], 1, 2100000, 8 * SLOT, 0);
    }
    publisher_run(one->publisher, 3000000);
    for (int64_t t = 1990000; t <= 3000000; t += 1777)
        publisher_run(two->publisher, t);
    publisher_run(two->publisher, 3000000);
    for (int64_t t = 1999900; t < 2700000; t += 501) {
        struct air_snap a, b;
        struct air_set sa, sb;
        assert_int_equal(air_snap_at(one->air, t, &a), 0);
        assert_int_equal(air_snap_at(two->air, t, &b), 0);
        assert_true(a.tick == b.tick && a.sign1 == b.sign1 && a.sign2 == b.sign2);
        const struct air_link *x = link_at(one, t, 0, 0, &sa), *y = link_at(two, t, 0, 0, &sb);
        assert_int_equal(sa.ref_tick, sb.ref_tick);
        assert_int_equal(x->groups, y->groups);
        if (x->groups)
            assert_memory_equal(x, y, sizeof *x);
    }
    teardown((void **)&two);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_burst_switches_both_surfaces_at_every_slot, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(only_ports_that_send_have_links, setup, teardown),
        cmocka_unit_test_setup_teardown(sets_follow_each_other_smoothly, setup, teardown),
        cmocka_unit_test_setup_teardown(another_profile_makes_another_set, setup, teardown),
        cmocka_unit_test_setup_teardown(late_news_rewind_the_air, setup, teardown),
        cmocka_unit_test_setup_teardown(a_room_behind_the_clock_loses_nothing, setup, teardown),
        cmocka_unit_test_setup_teardown(a_burst_known_after_it_was_read_is_counted, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_burst_that_comes_in_meanwhile_is_counted_once, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(pieces_give_the_same_air, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
