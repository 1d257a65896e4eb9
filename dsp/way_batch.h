/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Covariances that the ways of the map (dsp/wall_paths.h) give the bins of a delay profile at a
 * line of antennas, for users at eight places at once:
 *
 *     C(u) = sum_i p_i v_i v_i^T + e P (R x I) + d sum_i p_i (k_i k_i^T x I),   v_i = k_i x b_i
 *
 * Ways are many, directions few: those from one direction share b, hence
 *
 *     sum_i p_i v_i v_i^T = sum over directions of (b b^T) x (sum over its ways of p_i k_i k_i^T),
 *
 * a tenth of the products. Symbols: dsp/map_fix.h. RT-safe. */
#pragma once
#include "dsp/delay_bins.h"
#include "dsp/gauss_batch.h"
#include "dsp/wall_paths.h"

enum {
    WAY_BATCH_STREAMS = 3,
    WAY_BATCH_BINS = 8,
    WAY_BATCH_WAYS = WAY_BATCH_STREAMS * WALL_PATHS_MAX,
    WAY_BATCH_DIRECTIONS = WAY_BATCH_STREAMS * WALL_HOPS, /* user, RIS1, RIS2 and their images */
    WAY_BATCH_HOPS = 4 * WALL_HOPS,                       /* TX, RX, RIS1, RIS2 to the user */
    WAY_BATCH_CELLS = WAY_BATCH_BINS * (WAY_BATCH_BINS + 1) / 2,
    WAY_BATCH_PAIRS = 40, /* of antennas, 36 rounded up to whole tiles */
};

/* One number for each of the eight places. */
typedef float way_lanes __attribute__((vector_size(GAUSS_LANES * sizeof(float))));

struct way_batch_cfg {
    const struct wall_map *walls; /* these two stay where they are while the batch is used */
    const struct delay_bins *bins;
    size_t n_ant, n_bin;           /* n_ant n_bin <= GAUSS_MAX, n_bin <= WAY_BATCH_BINS */
    struct vec3 axis;              /* unit vector along the line of antennas */
    double element_m[TOA_MAX_ANT]; /* places on it; mirror images about 0 */
};

struct way_batch {
    struct way_batch_cfg cfg;
    double first_m; /* path length of bin 0 */
    size_t n_ant_pair;
    struct {
        double fixed_m; /* of its length, ahead of bin 0; the rest are two hops to the user */
        float root, power;
        unsigned char hop[2];
    } way[WAY_BATCH_WAYS];
    size_t n_direction, direction[WAY_BATCH_DIRECTIONS], end[WAY_BATCH_DIRECTIONS]; /* in way[] */
    way_lanes surface[WAY_BATCH_DIRECTIONS][TOA_MAX_ANT]; /* waves of what does not move */
    double turn;                                          /* 2 pi / wavelength */

    double hop_m[WAY_BATCH_HOPS][GAUSS_LANES], sine[WALL_HOPS][GAUSS_LANES];
    way_lanes seen[WAY_BATCH_WAYS][WAY_BATCH_BINS]; /* k of one direction's ways */
    way_lanes pair[WAY_BATCH_DIRECTIONS][WAY_BATCH_PAIRS];
    way_lanes sum[WAY_BATCH_DIRECTIONS][WAY_BATCH_CELLS];
    way_lanes power, apart[WAY_BATCH_CELLS]; /* P; what antennas do not share */
};

/* Setup only. */
void way_batch_init(struct way_batch *batch, const struct way_batch_cfg *cfg);

/* The ways of all streams, echo first, with their powers; a list may be empty. bias_m: of both
 * surfaces' ways. */
void way_batch_list(struct way_batch *batch, const struct wall_paths paths[WAY_BATCH_STREAMS],
                    const double bias_m[2], double first_m, double wavelength_m);

/* error: e; array_error: d. The lower triangles of out, n_ant n_bin wide,
 * antenna by antenna. */
void way_batch_covariance(struct way_batch *batch, const struct vec3 u[GAUSS_LANES], double error,
                          double array_error, struct gauss_batch *out);
