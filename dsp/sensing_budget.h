/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What a cycle of sensing costs, and what it can give at a place: energy, power budget of the three
 * paths ([S1] (17), (18) over two hops and a scatterer), bound of their lengths. Free space,
 * spherical waves, surfaces focused on the place; no walls, no fading. RT-safe. */
#pragma once
#include "dsp/geometry.h"

struct sensing_budget_cfg {
    double tx_w;                /* at the antenna of the channel that senses, while it sends */
    double burst_s, period_s;   /* sent so long in every period */
    double useful_s;            /* part of the burst that lengths are measured by */
    double carrier_hz, band_hz; /* K carriers' */
    double antenna_gain;        /* of the base station at its peak, linear; cos^2 about */
    struct vec3 boresight;      /* not null; all 0: the same everywhere */
    double rcs_m2;              /* of the user */
    double element_loss;        /* power factor of a surface's element, 0..1 */
    double noise_figure;        /* linear */
    size_t n_rx;                /* antennas that listen */
    struct anchors anchors;
    const struct panel *panel[2]; /* borrowed */
};

struct sensing_path {
    double rx_w;    /* in one antenna */
    double e_n0;    /* of all antennas together; 0: nothing arrives */
    double sigma_m; /* c / (2 pi (B / sqrt 12) sqrt(2 E/N0)); infinite when nothing arrives */
};

struct sensing_budget {
    double energy_j;             /* of a burst */
    double power_w;              /* the same over the period: joules per second */
    struct sensing_path path[3]; /* echo; user -> RIS1 -> BS; user -> RIS2 -> BS */
};

struct sensing_budget sensing_budget(const struct sensing_budget_cfg *cfg, struct vec3 user);
