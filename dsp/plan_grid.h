/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Moments of a posterior in plan over a square grid of points, which are asked for eight at a time
 * (dsp/gauss_batch.h). RT-safe, no state. */
#pragma once
#include "dsp/gauss_batch.h"
#include "dsp/geometry.h"

enum {
    PLAN_GRID = 9, /* points per axis */
    PLAN_GRID_BATCHES = (PLAN_GRID * PLAN_GRID + GAUSS_LANES - 1) / GAUSS_LANES,
};

struct plan_grid {
    struct vec3 centre;
    double half_x, half_y; /* > 0, from the centre to the rim */
};

struct plan_moments { /* of the offset from the centre */
    double x, y, xx, xy, yy;
    double edge; /* share of the posterior on the grid's rim; NaN: there is none */
};

/* Log posterior at u[0] .. u[GAUSS_LANES - 1], up to a constant. Of one grid PLAN_GRID_BATCHES in
 * order; places beyond the last are the last again. */
typedef void plan_log_posterior(void *context, const struct vec3 *u, double *log_weight);

void plan_grid_moments(const struct plan_grid *grid, plan_log_posterior *at, void *context,
                       struct plan_moments *m);

/* One grid after the other until one holds the posterior: the next lies about the last one's mean
 * and reaches `sides` of the deviations found from there, if that is more than the last one did; 0:
 * as far as the first. grid and *m are those of the last. False: more than a tenth of the posterior
 * lies on the rim of the last of `tries`, or there is none. */
bool plan_grid_settle(struct plan_grid *grid, int tries, double sides, plan_log_posterior *at,
                      void *context, struct plan_moments *m) MUST_CHECK;

/* About the mean, `sides` deviations from there to the rim, that of a cell's rounding included. */
void plan_grid_follow(struct plan_grid *grid, const struct plan_moments *m, double sides);

struct vec3 plan_grid_mean(const struct plan_grid *grid, const struct plan_moments *m);

/* cov += variance v v^T in the plan. */
void plan_add_direction(double cov[3][3], const double v[2], double variance);
