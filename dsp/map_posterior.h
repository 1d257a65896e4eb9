/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Posterior of a place in plan, given what streams' antennas received of the ways that the map
 * allows (dsp/way_batch.h), and a prior:
 *
 *     log p(u) = prior(u) - weight sum over streams of [ n log(y^H C(u)^-1 y) + log |C(u)| ]
 *
 * The weight is less than one for errors that streams have in common, and as they agree. Symbols
 * and figures: docs/signal-model.md, section "Map-aided fix". RT-safe. */
#pragma once
#include "dsp/fix.h"
#include "dsp/plan_grid.h"
#include "dsp/way_batch.h"

/* One stream: its data and the ways in it. */
struct map_stream {
    bool used;
    double first_m;    /* path length of bin 0 */
    double error;      /* e, of the ways' power */
    cplx y[GAUSS_MAX]; /* [antenna][bin], [n] */
    struct way_batch ways;
};

/* What is known of the plan beside the data: a place and inverse covariance. */
struct map_prior {
    double x, y, xx, xy, yy;
};

/* d, and what counts: the log likelihood, of the posterior's evidence, and the prior, of an
 * independent fix. */
struct map_trust {
    double array_error, evidence, prior;
};

/* Log likelihoods of the streams at eight places, and the prior. */
struct map_seen {
    double stream[WAY_BATCH_STREAMS][GAUSS_LANES], prior[GAUSS_LANES];
};

/* Several hundred kilobytes: not for the stack. The first four are set by who owns it, the streams
 * before each search. */
struct map_posterior {
    size_t n_ant, n;    /* antennas; entries of y, antennas times bins, at most GAUSS_MAX */
    double array_error; /* d */
    double evidence;    /* weight of the log likelihood */
    struct map_stream stream[WAY_BATCH_STREAMS];

    struct map_prior prior;
    struct map_trust trust;
    bool coarse;
    double agreement; /* weight of the log likelihood, as streams agree */
    struct gauss_batch batch;
    struct map_seen seen[PLAN_GRID_BATCHES]; /* of the last grid */
    size_t asked;                            /* batches of it */
    bool again;                              /* the grid is the last one: seen holds */
};

/* The prior: an independent fix, or NULL for none. */
void map_posterior_expect(struct map_posterior *posterior, const struct fix *fix);

/* Wide squares of half a side half_m about start first, then one that spans what they found, or as
 * many as it takes; grid and moments are those of the last. ERR_NO_PEAK: none within reach, or it
 * fits no grid. */
int map_posterior_search(struct map_posterior *posterior, struct vec3 start, double half_m,
                         struct plan_grid *grid, struct plan_moments *at) MUST_CHECK;

/* After a search: where a user's hops fade antenna by antenna angles tell little, and the grid is
 * asked again with that in mind; else nothing changes. ERR_NO_PEAK as above. */
int map_posterior_let_fade(struct map_posterior *posterior, struct plan_grid *grid,
                           struct plan_moments *at) MUST_CHECK;
