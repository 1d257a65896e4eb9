/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A private room with a quiet, exact receiver, and exact channels to put into it. */
#pragma once
#include <complex.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "sim/air.h"
#include "sim/air_clock.h"
#include "sim/air_log.h"
#include "sim/air_rx.h"

/* Two radios (bs 2 TX, 4 RX; ue 1, 1), ideal clocks and converters, ungated far in the future so
 * that every sample may be read at once. */
static inline struct air_cfg quiet_cfg(unsigned n_sets)
{
    struct air_cfg cfg;
    air_cfg_default(&cfg);
    cfg.n_sets = n_sets;
    cfg.gated = true;
    cfg.speed = 0;
    for (unsigned r = 0; r < 2; r++) {
        cfg.radios[r].ppm = 0;
        cfg.radios[r].phase_noise_hz = 0;
        cfg.radios[r].adc_bits = 0;
        cfg.radios[r].noise_figure_db = -60;
        cfg.radios[r].gain_spread_db = 0;
        cfg.radios[r].random_phase = false;
    }
    cfg.radios[0].n_tx = 2;
    return cfg;
}

struct ray {
    double delay; /* samples */
    float complex amp;
};

/* Unity to 0.42, then a raised cosine to 0 at 0.5 of the rate. */
static inline double band_edge(double f)
{
    f = fabs(f);
    return f <= 0.42 ? 1.0 : 0.5 + 0.5 * cos(M_PI * (f - 0.42) / 0.08);
}

static inline void put_rays(struct air_link *link, unsigned group, const struct ray *ray, int n_ray,
                            double rate_rad_s)
{
    link->groups |= 1u << group;
    link->rate_rad_s[group] = rate_rad_s;
    for (int i = 0; i < AIR_N_BIN; i++) {
        double f = (double)(i < AIR_N_BIN / 2 ? i : i - AIR_N_BIN) / AIR_N_BIN;
        double complex h = 0;
        for (int r = 0; r < n_ray; r++)
            h += ray[r].amp * cexp(-2 * M_PI * I * f * ray[r].delay);
        link->h[group][i] = (float complex)(h * band_edge(f));
    }
}

/* Sends n samples from device sample k0 on one port; amplitude 1.0 is sqrt(1 mW) 10^(gain/20). */
static inline void send_burst(struct air *air, unsigned radio, unsigned port, int64_t k0,
                              const int16_t *iq, size_t n, double gain_db)
{
    float scale = (float)(pow(10.0, (gain_db - 30.0) / 20.0) / 32767.0), phase = 0;
    struct air_tx_chunk chunk = {.radio = radio,
                                 .n_port = 1,
                                 .port = &port,
                                 .k0 = k0,
                                 .n = n,
                                 .scale = &scale,
                                 .phase_rad = &phase,
                                 .carrier_hz = air_config(air)->carrier_hz};
    assert_true(air_tx_space(air, radio, port) >= n);
    air_tx_put(air, radio, port, iq, n);
    assert_int_equal(air_tx_commit(air, &chunk), OK);
}

static inline void push_snap(struct air *air, int64_t tick, uint64_t set_id, float s1, float s2)
{
    struct air_snap snap = {.tick = tick, .set_id = set_id, .sign1 = s1, .sign2 = s2};
    assert_int_equal(air_snap_push(air, &snap, 1), OK);
}
