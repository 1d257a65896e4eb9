/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "dsp/plan_grid.h"
#include <math.h>

enum { CELLS = PLAN_GRID * PLAN_GRID };
static const double crowded = 0.1; /* share on the rim from which on moments are none */

static double node(double half, size_t i)
{
    return half * (2 * (double)i / (PLAN_GRID - 1) - 1);
}

static struct vec3 place(const struct plan_grid *g, size_t cell)
{
    return (struct vec3){g->centre.x + node(g->half_x, cell / PLAN_GRID),
                         g->centre.y + node(g->half_y, cell % PLAN_GRID), g->centre.z};
}

/* Beyond the last cell it is computed again. */
static void evaluate(const struct plan_grid *g, plan_log_posterior *at, void *context,
                     double weight[CELLS])
{
    double best = -INFINITY;
    for (size_t first = 0; first < CELLS; first += GAUSS_LANES) {
        struct vec3 u[GAUSS_LANES];
        double log_weight[GAUSS_LANES];
        for (size_t l = 0; l < GAUSS_LANES; l++)
            u[l] = place(g, first + l < CELLS ? first + l : CELLS - 1);
        at(context, u, log_weight);
        for (size_t l = 0; l < GAUSS_LANES && first + l < CELLS; l++)
            weight[first + l] = log_weight[l];
    }
    for (size_t i = 0; i < CELLS; i++)
        best = fmax(best, weight[i]);
    for (size_t i = 0; i < CELLS; i++)
        weight[i] = exp(weight[i] - best);
}

void plan_grid_moments(const struct plan_grid *g, plan_log_posterior *at, void *context,
                       struct plan_moments *m)
{
    double weight[CELLS], total = 0;
    *m = (struct plan_moments){0};
    evaluate(g, at, context, weight);
    for (size_t i = 0; i < PLAN_GRID; i++)
        for (size_t j = 0; j < PLAN_GRID; j++) {
            double w = weight[i * PLAN_GRID + j], x = node(g->half_x, i), y = node(g->half_y, j);
            total += w;
            m->x += w * x;
            m->y += w * y;
            m->xx += w * x * x;
            m->xy += w * x * y;
            m->yy += w * y * y;
            m->edge += i == 0 || j == 0 || i == PLAN_GRID - 1 || j == PLAN_GRID - 1 ? w : 0;
        }
    m->x /= total, m->y /= total, m->edge /= total;
    m->xx = m->xx / total - m->x * m->x;
    m->xy = m->xy / total - m->x * m->y;
    m->yy = m->yy / total - m->y * m->y;
}

static double reach_of(double variance, double half, double sides)
{
    const double cell = 2 * half / (PLAN_GRID - 1);
    return sides * sqrt(variance + cell * cell / 12);
}

struct vec3 plan_grid_mean(const struct plan_grid *g, const struct plan_moments *m)
{
    return (struct vec3){g->centre.x + m->x, g->centre.y + m->y, g->centre.z};
}

void plan_grid_follow(struct plan_grid *g, const struct plan_moments *m, double sides)
{
    g->centre = plan_grid_mean(g, m);
    g->half_x = reach_of(m->xx, g->half_x, sides);
    g->half_y = reach_of(m->yy, g->half_y, sides);
}

bool plan_grid_settle(struct plan_grid *g, int tries, double sides, plan_log_posterior *at,
                      void *context, struct plan_moments *m)
{
    for (int i = 0; i < tries; i++) {
        const struct plan_grid last = *g;
        if (i > 0) {
            plan_grid_follow(g, m, sides);
            g->half_x = fmax(g->half_x, last.half_x);
            g->half_y = fmax(g->half_y, last.half_y);
        }
        plan_grid_moments(g, at, context, m);
        if (!(m->edge > crowded)) /* NaN: data that are all zero */
            return isfinite(m->edge);
    }
    return false;
}

void plan_add_direction(double cov[3][3], const double v[2], double variance)
{
    for (int a = 0; a < 2; a++)
        for (int b = 0; b < 2; b++)
            cov[a][b] += variance * v[a] * v[b];
}
