/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The receive synthesis per sample and channel: what the simulated room takes from the daemon's
 * cores. A lab cycle is 3.6 M samples, so 10 ns a sample are 36 ms of 200. Budgets are twice what
 * an AVX-512 core needs. */
#include <math.h>
#include <string.h>

#include "bench.h"
#include "sim/air.h"
#include "sim/air_log.h"
#include "sim/air_rx.h"
#include "sim/noise.h"

enum { SLOT = 9216, PIECE = 65536, BURST = 8 * PIECE };

struct bench {
    struct air *air;
    struct air_rx *rx;
    int64_t start;
    int16_t *out[4];
    float gauss[2 * PIECE];
};

static int16_t burst[2 * BURST];

static void check(int rc)
{
    if (rc != OK)
        abort();
}

/* A full link: seven groups, those of odd number moving. */
static void fill_link(struct air_link *link)
{
    for (int g = 0; g < AIR_N_GROUP; g++) {
        link->groups |= 1u << g;
        link->rate_rad_s[g] = g % 2 ? 300.0 : 0.0;
        for (int i = 0; i < AIR_N_BIN; i++)
            link->h[g][i] = cosf(0.01f * (float)(g + 1) * (float)i);
    }
}

static struct air *make_air(void)
{
    struct air_cfg cfg;
    struct status err;
    air_cfg_default(&cfg);
    cfg.n_sets = 2;
    cfg.radios[0].n_tx = 1;
    struct air *air = air_create(&cfg, &err);
    struct air_set set;
    if (!air)
        abort();
    check(air_set_begin(air, 0, &set));
    for (unsigned c = 0; c < 4; c++)
        fill_link(air_set_link(air, &set, 0, 0, 0, c));
    fill_link(air_set_link(air, &set, 0, 0, 1, 0));
    air_set_commit(air, &set);
    for (int s = 0; s < 2 * BURST / SLOT; s++) {
        struct air_snap snap = {s * SLOT, set.id, s & 1 ? 1.0f : -1.0f, s & 2 ? 1.0f : -1.0f};
        check(air_snap_push(air, &snap, 1));
    }
    for (int i = 0; i < 2 * BURST; i++)
        burst[i] = (int16_t)(8000 * sin(0.3 * i * i));
    unsigned port = 0;
    float scale = 1e-6f, phase = 0;
    struct air_tx_chunk chunk = {.n_port = 1,
                                 .port = &port,
                                 .n = BURST,
                                 .scale = &scale,
                                 .phase_rad = &phase,
                                 .carrier_hz = cfg.carrier_hz};
    air_tx_put(air, 0, 0, burst, BURST);
    check(air_tx_commit(air, &chunk));
    return air;
}

static struct air_rx *make_rx(struct air *air, unsigned radio, unsigned n)
{
    static const unsigned channel[4] = {0, 1, 2, 3};
    struct status err;
    struct air_rx_cfg cfg = {air, radio, air_front_create(air, radio), n, channel};
    struct air_rx *rx = air_rx_create(&cfg, &err);
    if (!rx)
        abort();
    air_rx_start(rx, 0, AIR_NEVER);
    return rx;
}

static void receive(void *ctx)
{
    struct bench *b = ctx;
    air_rx_read(b->rx, b->start, PIECE, b->out);
    b->start += b->start < BURST ? PIECE : 3 * PIECE;
    if (b->start == 7 * PIECE) /* stay inside the burst */
        b->start = 0;
}

static void gauss(void *ctx)
{
    struct bench *b = ctx;
    noise_gauss(1, b->start, b->gauss, PIECE);
    b->start += PIECE;
}

static int measure(struct bench *b, const char *name, void (*stage)(void *), int channels,
                   double budget)
{
    double s = bench_median_s(stage, b, 60);
    return bench_report(name, s * 1e9 / PIECE / channels, "ns/sample", budget);
}

int main(void)
{
    static struct bench b;
    b.air = make_air();
    for (int c = 0; c < 4; c++)
        b.out[c] = malloc(PIECE * 4);
    int over = measure(&b, "noise", gauss, 1, 3.0);
    b.rx = make_rx(b.air, 0, 4);
    b.start = 0;
    over |= measure(&b, "own burst, 4 channels", receive, 4, 15.0);
    b.start = 4 * BURST;
    over |= measure(&b, "silence, 4 channels", receive, 4, 5.0);
    b.rx = make_rx(b.air, 1, 1);
    b.start = 0;
    over |= measure(&b, "other device's burst", receive, 1, 32.0);
    air_destroy(&b.air);
    return over;
}
