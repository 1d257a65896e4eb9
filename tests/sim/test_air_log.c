/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Packet logs, events, response sets and snapshots of one segment, and the noise sources. */
#include <stdio.h>
#include <stdlib.h>

#include "sim/air_layout.h"
#include "sim/noise.h"
#include "tests/sim/room_fixture.h"

static struct air *open_air(unsigned n_sets)
{
    struct air_cfg cfg = quiet_cfg(n_sets);
    cfg.tx_ring_samps = 1 << 16;
    struct status err;
    struct air *air = air_create(&cfg, &err);
    assert_non_null(air);
    return air;
}

/* Moves the gated clock of a room without participants' processes. */
static void set_now(struct air *air, int64_t tick)
{
    air->seg->now = tick;
}

static int16_t zeros[2 << 16];

static void test_packets(void **state)
{
    (void)state;
    struct air *air = open_air(2);
    struct air_packet p[4];
    send_burst(air, 0, 0, 1000000, zeros, 100, 0); /* far ahead */
    send_burst(air, 0, 0, 1000100, zeros, 50, 0);  /* contiguous: one entry */
    send_burst(air, 0, 0, 2000000, zeros, 10, 0);
    assert_int_equal(air_tx_spans(air, 0, 0, 0, 1000164, p, 4), 0);
    assert_int_equal(air_tx_spans(air, 0, 0, 1000313, 1000400, p, 4), 1);
    assert_int_equal(p[0].k0, 1000164); /* start-up latency included */
    assert_int_equal(p[0].n, 150);
    assert_int_equal(air_tx_spans(air, 0, 0, 0, 3000000, p, 4), 2);
    assert_int_equal(air_tx_spans(air, 0, 1, 0, 3000000, p, 4), 0);
    assert_int_equal(air_tx_space(air, 0, 0), (1 << 16) - 160);
    set_now(air, 1500000 + 8192);
    assert_int_equal(air_tx_space(air, 0, 0), (1 << 16) - 10); /* played samples are released */
    int reader = air_reader_open(air, 0);
    assert_true(reader >= 0);
    set_now(air, 2100000);
    air_reader_low(air, reader, 2000000);
    assert_int_equal(air_tx_space(air, 0, 0), (1 << 16) - 10); /* a reader still needs them */
    air_reader_low(air, reader, AIR_NEVER);
    assert_int_equal(air_tx_space(air, 0, 0), 1 << 16);
    air_reader_close(air, reader);
    air_destroy(&air);
}

static int commit_at(struct air *air, int64_t k0, size_t n, bool more)
{
    float scale = 1, phase = 0;
    unsigned port = 0;
    struct air_tx_chunk chunk = {.n_port = 1,
                                 .port = &port,
                                 .k0 = k0,
                                 .n = n,
                                 .scale = &scale,
                                 .phase_rad = &phase,
                                 .more = more,
                                 .start_rising = 1,
                                 .end_falling = 1};
    air_tx_put(air, 0, 0, zeros, n);
    return air_tx_commit(air, &chunk);
}

/* Late or overlapping bursts are refused whole; edges carry the latency. */
static void test_late_and_edges(void **state)
{
    (void)state;
    struct air *air = open_air(2);
    struct air_event ev[4];
    set_now(air, 5000);
    assert_int_equal(commit_at(air, 4999, 10, false), ERR_TIMEOUT);
    assert_int_equal(air_events_take(air, ev, 4), 0);
    assert_int_equal(commit_at(air, 5000, 10, false), OK);
    assert_int_equal(commit_at(air, 5009, 10, false), ERR_TIMEOUT);
    assert_int_equal(air_events_take(air, ev, 4), 2);
    assert_int_equal(ev[0].tick, 5164);
    assert_int_equal(ev[0].rising, 1);
    assert_int_equal(ev[1].tick, 5174);
    assert_int_equal(ev[1].falling, 1);
    air_destroy(&air);
}

/* The ring wraps; what is read back is what was put. */
static void test_ring_wrap(void **state)
{
    (void)state;
    struct air *air = open_air(2);
    static int16_t data[2 * 50000];
    for (int i = 0; i < 2 * 50000; i++)
        data[i] = (int16_t)(i * 7);
    send_burst(air, 0, 0, 0, data, 50000, 0);
    set_now(air, 200000);
    send_burst(air, 0, 0, 300000, data, 50000, 0);
    struct air_packet p;
    assert_int_equal(air_tx_spans(air, 0, 0, 300164, 400000, &p, 1), 1);
    const int16_t *ring = air_ring(air, 0, 0);
    for (size_t i = 0; i < 50000; i++)
        assert_int_equal(ring[2 * ((p.ring0 + i) % (1 << 16))], data[2 * i]);
    air_destroy(&air);
}

static void push(struct air *air, int64_t tick, uint64_t id, int want)
{
    struct air_snap s = {tick, id, 1, 1};
    assert_int_equal(air_snap_push(air, &s, 1), want);
}

static void test_snapshots(void **state)
{
    (void)state;
    struct air *air = open_air(2);
    struct air_set set;
    struct air_snap snap;
    assert_int_equal(air_snap_at(air, 0, &snap), ERR_NOT_FOUND);
    push(air, 0, 1, ERR_ARG); /* no such set yet */
    assert_int_equal(air_set_begin(air, 0, &set), OK);
    air_set_commit(air, &set);
    push(air, 100, 1, OK);
    push(air, 99, 1, ERR_ARG);
    push(air, 200, 1, OK);
    assert_int_equal(air_snap_at(air, 99, &snap), ERR_NOT_FOUND);
    assert_int_equal(air_snap_at(air, 199, &snap), OK);
    assert_int_equal(snap.tick, 100);

    /* two sets in storage: a third waits until the first is out of force for every reader */
    assert_int_equal(air_set_begin(air, 0, &set), OK);
    air_set_commit(air, &set);
    push(air, 300, 2, OK);
    assert_int_equal(air_set_begin(air, 0, &set), ERR_BUSY);
    set_now(air, 300 + 4096 + 1);
    assert_int_equal(air_set_begin(air, 0, &set), OK);
    air_set_commit(air, &set);
    int64_t ref;
    assert_int_equal(air_set_ref(air, 1, &ref), ERR_NOT_FOUND);
    assert_int_equal(air_set_ref(air, 3, &ref), OK);

    air_set_horizon(air, 20000);
    push(air, 10000, 3, OK);
    assert_int_equal(air_snap_rewind(air, 9000), 9000);
    assert_int_equal(air_horizon(air), 9000);
    assert_int_equal(air_snap_at(air, 15000, &snap), OK);
    assert_int_equal(snap.set_id, 2);

    set_now(air, 12000); /* the room is behind: what lies above its horizon nobody has read */
    assert_int_equal(air_snap_rewind(air, 8999), 9000);
    assert_int_equal(air_horizon(air), 9000);
    air_set_horizon(air, 20000);
    push(air, 13000, 3, OK); /* part has been read: the rest is dropped */
    assert_int_equal(air_snap_rewind(air, 100), 12001);
    assert_int_equal(air_horizon(air), 12001);
    assert_int_equal(air_snap_at(air, 15000, &snap), OK);
    assert_int_equal(snap.set_id, 2);
    air_destroy(&air);
}

static void test_snapshot_ring_full(void **state)
{
    (void)state;
    struct air *air = open_air(2);
    struct air_set set;
    assert_int_equal(air_set_begin(air, 0, &set), OK);
    air_set_commit(air, &set);
    for (int i = 0; i < AIR_N_SNAP; i++)
        push(air, 10 * i, 1, OK);
    push(air, 10 * AIR_N_SNAP, 1, ERR_NO_SPACE);
    set_now(air, 10000 + 4096);
    push(air, 10 * AIR_N_SNAP, 1, OK); /* what is in the past makes room */
    air_destroy(&air);
}

/* Moments to the fourth, tails, whiteness over lag 1..8, independence of keys, and purity. */
static void test_gauss(void **state)
{
    (void)state;
    enum { N = 1 << 20 };
    float *x = malloc(2 * N * sizeof *x), *y = malloc(2 * N * sizeof *y);
    assert_true(x && y);
    noise_gauss(hash_words(1, 2, 3), -5000, x, N);
    noise_gauss(hash_words(1, 2, 4), -5000, y, N);
    double m[5] = {0}, lag[9] = {0}, cross = 0, iq = 0;
    int tail = 0;
    for (int i = 0; i < 2 * N; i++) {
        double v = x[i] * sqrt(2.0);
        for (int k = 1; k <= 4; k++)
            m[k] += pow(v, k) / (2.0 * N);
        for (int k = 1; k <= 8 && i + 2 * k < 2 * N; k++)
            lag[k] += 2.0 * x[i] * x[i + 2 * k] / (2.0 * N);
        cross += 2.0 * x[i] * y[i] / (2.0 * N);
        tail += fabs(v) > 4.0;
        if (i % 2)
            iq += 2.0 * x[i] * x[i - 1] / N;
    }
    const double s = 1 / sqrt(2.0 * N);
    assert_true(fabs(m[1]) < 5 * s && fabs(m[2] - 1) < 5 * s * sqrt(2));
    assert_true(fabs(m[3]) < 5 * s * sqrt(15) && fabs(m[4] - 3) < 5 * s * sqrt(96));
    for (int k = 1; k <= 8; k++)
        assert_true(fabs(lag[k]) < 5 * s);
    assert_true(fabs(cross) < 5 * s && fabs(iq) < 7 * s);
    assert_in_range(tail, 80, 190); /* 6.334e-5 of 2^21: 133 */
    float part[2 * 777];
    noise_gauss(hash_words(1, 2, 3), -5000 + 4321, part, 777);
    assert_memory_equal(part, x + 2 * 4321, sizeof part);
    free(x);
    free(y);
}

/* Density in and out of band of the phase noise, from its autocorrelation's power at a few
 * frequencies. */
static void test_phase_noise(void **state)
{
    (void)state;
    enum { N = 1 << 21, SEG = 4096 };
    struct phase_noise pn;
    phase_noise_init(&pn, 9, 100e6, -88, 100e3);
    float *phi = malloc(N * sizeof *phi), check[100];
    assert_non_null(phi);
    double var = 0;
    for (int k = 0; k < N; k += SEG)
        phase_noise_run(&pn, 12345 + k, phi + k, SEG);
    phase_noise_run(&pn, 12345 + 77777, check, 100);
    assert_memory_equal(check, phi + 77777, sizeof check);
    for (int i = 0; i < N; i++)
        var += phi[i] * phi[i] / N;
    assert_float_equal(10 * log10(var), 10 * log10(2e5) - 88,
                       0.5); /* 20 ms hold some 4000 values */
    const double freq[3] = {50e3, 90e3, 200e3};
    for (int f = 0; f < 3; f++) {
        double sum = 0; /* Welch with a Hann window, 128 segments */
        enum { LEN = 1 << 14 };
        for (int s = 0; s < N / LEN; s++) {
            double complex z = 0;
            for (int i = 0; i < LEN; i++)
                z += phi[s * LEN + i] * (1 - cos(2 * M_PI * i / LEN)) * sqrt(2.0 / 3) *
                     cexp(-2 * M_PI * I * freq[f] * i / 100e6);
            sum += pow(cabs(z), 2) / LEN / (N / LEN);
        }
        double db = 10 * log10(sum / 100e6);
        if (f < 2)
            assert_float_equal(db, -88, 1.5);
        else
            assert_true(db < -110);
    }
    free(phi);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_packets),
        cmocka_unit_test(test_late_and_edges),
        cmocka_unit_test(test_ring_wrap),
        cmocka_unit_test(test_snapshots),
        cmocka_unit_test(test_snapshot_ring_full),
        cmocka_unit_test(test_gauss),
        cmocka_unit_test(test_phase_noise),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
