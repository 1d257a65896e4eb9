/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The numeric core of fix.h: closed forms and the least-squares iteration, without any policy. */
#include <assert.h>
#include <string.h>

#include "dsp/fix.h"

/* |u - p|, and its gradient (u - p) / |u - p| scaled by `weight` added to *grad. */
static double range_to(struct vec3 u, struct vec3 p, double weight, struct vec3 *grad)
{
    struct vec3 d = vec3_sub(u, p);
    double r = vec3_norm(d);
    if (grad && r > 0)
        *grad = vec3_add(*grad, vec3_scale(d, weight / r));
    return weight * r;
}

double fix_predict(const struct anchors *anchors, enum fix_row row, struct vec3 u,
                   struct vec3 *grad)
{
    assert(anchors && row < ROW_COUNT);
    const struct anchors *a = anchors;
    if (grad)
        *grad = (struct vec3){0, 0, row == ROW_H};
    switch (row) {
    case ROW_L1:
        return range_to(u, a->tx, 1, grad) + range_to(u, a->rx, 1, grad);
    case ROW_L2:
    case ROW_L3: {
        struct vec3 ris = a->ris[row - ROW_L2];
        double fixed = 0.5 * (vec3_dist(ris, a->tx) + vec3_dist(ris, a->rx));
        return fixed + range_to(u, ris, 1, grad) + range_to(u, a->tx, 0.5, grad) +
               range_to(u, a->rx, 0.5, grad);
    }
    case ROW_A1:
        return range_to(u, a->rx, 1, grad);
    case ROW_A2:
    case ROW_A3: {
        struct vec3 ris = a->ris[row - ROW_A2];
        return vec3_dist(ris, a->rx) + range_to(u, ris, 1, grad);
    }
    default:
        return u.z;
    }
}

/* a_i = x_i - x_1, b_i = y_i - y_1, c_i = (d1^2 - d_i^2 + |p_i|^2 - |p_1|^2) / 2 - (z_i - z_1) z,
 * x = (c2 b3 - c3 b2) / D, y = (a2 c3 - a3 c2) / D, D = a2 b3 - a3 b2. The third pairwise
 * difference of [S1] (49) is the difference of the other two and adds nothing. */
int fix_cramer(const struct vec3 p[3], const double d[3], double z, struct vec3 *out)
{
    assert(p && d && out);
    double a[3], b[3], c[3];
    for (int i = 1; i < 3; i++) {
        a[i] = p[i].x - p[0].x;
        b[i] = p[i].y - p[0].y;
        c[i] = 0.5 * (d[0] * d[0] - d[i] * d[i] + vec3_dot(p[i], p[i]) - vec3_dot(p[0], p[0])) -
               (p[i].z - p[0].z) * z;
    }
    double det = a[1] * b[2] - a[2] * b[1];
    if (fabs(det) <= 1e-9 * hypot(a[1], b[1]) * hypot(a[2], b[2]))
        return ERR_GEOMETRY;
    *out = (struct vec3){(c[1] * b[2] - c[2] * b[1]) / det, (a[1] * c[2] - a[2] * c[1]) / det, z};
    return OK;
}

/* Frame on p1: ex towards p2, ey towards p3 in their plane, ez = ex x ey.
 * u = (d1^2 - d2^2 + U^2) / 2U, v = (d1^2 - d3^2 + V^2) / 2V_y - u V_x / V_y, w^2 = d1^2 - u^2 -
 * v^2. */
int fix_spheres(const struct vec3 p[3], const double d[3], struct vec3 out[2], double *w2)
{
    assert(p && d && out && w2);
    struct vec3 p12 = vec3_sub(p[1], p[0]), p13 = vec3_sub(p[2], p[0]);
    struct vec3 ex = vec3_unit(p12), ez = vec3_unit(vec3_cross(p12, p13));
    struct vec3 ey = vec3_cross(ez, ex);
    double U = vec3_norm(p12), Vx = vec3_dot(p13, ex), Vy = vec3_dot(p13, ey);
    if (!(U > 0) || Vy <= 1e-9 * vec3_norm(p13))
        return ERR_GEOMETRY;
    double u = (d[0] * d[0] - d[1] * d[1] + U * U) / (2 * U);
    double v = (d[0] * d[0] - d[2] * d[2] + Vx * Vx + Vy * Vy - 2 * u * Vx) / (2 * Vy);
    *w2 = d[0] * d[0] - u * u - v * v;
    struct vec3 foot = vec3_add(p[0], vec3_add(vec3_scale(ex, u), vec3_scale(ey, v)));
    double w = sqrt(fmax(0, *w2));
    out[0] = vec3_add(foot, vec3_scale(ez, w));
    out[1] = vec3_sub(foot, vec3_scale(ez, w));
    return OK;
}

/* Inverse of a symmetric positive definite 3x3. Jacobi scaling first, so that the test for
 * singularity does not depend on units. */
static int invert_spd(double m[3][3], double inv[3][3])
{
    double s[3], a[3][3];
    for (int i = 0; i < 3; i++) {
        if (!(m[i][i] > 0))
            return ERR_GEOMETRY;
        s[i] = 1 / sqrt(m[i][i]);
    }
    for (int i = 0; i < 3; i++)
        for (int j = 0; j < 3; j++)
            a[i][j] = m[i][j] * s[i] * s[j];
    double c0 = a[1][1] * a[2][2] - a[1][2] * a[1][2];
    double c1 = a[0][2] * a[1][2] - a[0][1] * a[2][2];
    double c2 = a[0][1] * a[1][2] - a[0][2] * a[1][1];
    double det = a[0][0] * c0 + a[0][1] * c1 + a[0][2] * c2;
    if (!(det > 1e-13))
        return ERR_GEOMETRY;
    double c11 = a[0][0] * a[2][2] - a[0][2] * a[0][2];
    double c12 = a[0][1] * a[0][2] - a[0][0] * a[1][2];
    double c22 = a[0][0] * a[1][1] - a[0][1] * a[0][1];
    double adj[3][3] = {{c0, c1, c2}, {c1, c11, c12}, {c2, c12, c22}};
    for (int i = 0; i < 3; i++)
        for (int j = 0; j < 3; j++)
            inv[i][j] = adj[i][j] / det * s[i] * s[j];
    return OK;
}

/* The rows in play, linearised at u. */
struct system {
    unsigned rows;              /* ROW_BIT mask */
    double r[ROW_COUNT];        /* measured - predicted */
    struct vec3 J[ROW_COUNT];   /* d predicted / d u */
    double weight[ROW_COUNT];   /* 1 / sigma^2 */
    double N[3][3], g[3], cost; /* J^T W J, J^T W r, r^T W r */
};

#define CLOCK_ROWS (ROW_BIT(ROW_A1) | ROW_BIT(ROW_A2) | ROW_BIT(ROW_A3))

/* The arrivals share an unknown clock offset. Minimising over it subtracts the weighted mean from
 * their residuals and gradients. */
static void eliminate_clock(struct system *s)
{
    double sum = 0, r = 0;
    struct vec3 J = {0, 0, 0};
    for (int i = ROW_A1; i < ROW_COUNT; i++) {
        if (!(s->rows & ROW_BIT(i)))
            continue;
        sum += s->weight[i];
        r += s->weight[i] * s->r[i];
        J = vec3_add(J, vec3_scale(s->J[i], s->weight[i]));
    }
    if (!(sum > 0))
        return;
    for (int i = ROW_A1; i < ROW_COUNT; i++) {
        s->r[i] -= r / sum;
        s->J[i] = vec3_sub(s->J[i], vec3_scale(J, 1 / sum));
    }
}

static void linearise(struct system *s, const struct anchors *anchors,
                      const struct observation *obs, struct vec3 u)
{
    for (int i = 0; i < ROW_COUNT; i++) {
        double predicted = fix_predict(anchors, (enum fix_row)i, u, &s->J[i]);
        s->r[i] = obs[i].valid ? obs[i].length_m - predicted : 0;
        s->weight[i] = s->rows & ROW_BIT(i) ? 1 / (obs[i].sigma_m * obs[i].sigma_m) : 0;
    }
    eliminate_clock(s);
    memset(s->N, 0, sizeof s->N);
    memset(s->g, 0, sizeof s->g);
    s->cost = 0;
    for (int k = 0; k < ROW_COUNT; k++) {
        const double J[3] = {s->J[k].x, s->J[k].y, s->J[k].z}, w = s->weight[k];
        for (int i = 0; i < 3; i++) {
            for (int j = 0; j < 3; j++)
                s->N[i][j] += w * J[i] * J[j];
            s->g[i] += w * J[i] * s->r[k];
        }
        s->cost += w * s->r[k] * s->r[k];
    }
}

/* Step of Levenberg-Marquardt: (N + lambda diag N) step = g. */
static int damped_step(const struct system *s, double lambda, struct vec3 *step)
{
    double m[3][3], inv[3][3];
    memcpy(m, s->N, sizeof m);
    for (int i = 0; i < 3; i++)
        m[i][i] *= 1 + lambda;
    if (invert_spd(m, inv))
        return ERR_GEOMETRY;
    const double *g = s->g;
    step->x = inv[0][0] * g[0] + inv[0][1] * g[1] + inv[0][2] * g[2];
    step->y = inv[1][0] * g[0] + inv[1][1] * g[1] + inv[1][2] * g[2];
    step->z = inv[2][0] * g[0] + inv[2][1] * g[1] + inv[2][2] * g[2];
    return OK;
}

#define MAX_ITERATIONS 40
#define STEP_DONE_M    1e-10
#define STEP_ENOUGH_M  1e-4 /* a flat minimum may crawl: good enough when the iterations run out */

/* Gauss-Newton, damped only where it would climb. Leaves s linearised at *u. */
static int iterate(struct system *s, const struct anchors *anchors, const struct observation *obs,
                   struct vec3 *u, int *iterations)
{
    double lambda = 0, moved = INFINITY;
    linearise(s, anchors, obs, *u);
    for (int it = 1; it <= MAX_ITERATIONS; it++) {
        struct vec3 step;
        struct system trial = {.rows = s->rows};
        *iterations = it;
        if (damped_step(s, lambda, &step))
            return ERR_GEOMETRY;
        struct vec3 next = vec3_add(*u, step);
        linearise(&trial, anchors, obs, next);
        bool climbs = !(trial.cost <= s->cost * (1 + 1e-12) + 1e-18);
        if (!climbs) {
            *s = trial;
            *u = next;
        }
        moved = vec3_norm(step);
        if (moved < STEP_DONE_M)
            return OK;
        lambda = climbs ? fmax(1e-3, 10 * lambda) : (lambda < 1e-6 ? 0 : 0.1 * lambda);
    }
    return moved < STEP_ENOUGH_M ? OK : ERR_GEOMETRY;
}

/* Dilution of precision in plan with the height known: sqrt(tr (J^T J)^-1) over the path rows. */
static double plan_gdop(const struct system *s)
{
    double xx = 0, xy = 0, yy = 0;
    for (int i = 0; i < ROW_COUNT; i++) {
        if (i == ROW_H || !(s->rows & ROW_BIT(i)))
            continue;
        xx += s->J[i].x * s->J[i].x;
        xy += s->J[i].x * s->J[i].y;
        yy += s->J[i].y * s->J[i].y;
    }
    double det = xx * yy - xy * xy;
    return det > 0 ? sqrt((xx + yy) / det) : INFINITY;
}

static int count_rows(unsigned rows)
{
    int arrivals = __builtin_popcount(rows & CLOCK_ROWS);
    return __builtin_popcount(rows & ~CLOCK_ROWS) + (arrivals > 0 ? arrivals - 1 : 0);
}

int fix_wnls(const struct anchors *anchors, const struct observation obs[ROW_COUNT], unsigned mask,
             struct vec3 start, struct fix *out)
{
    assert(anchors && obs && out);
    struct system s = {.rows = 0};
    for (int i = 0; i < ROW_COUNT; i++)
        if (obs[i].valid && obs[i].sigma_m > 0 && (mask & ROW_BIT(i)))
            s.rows |= ROW_BIT(i);
    *out = (struct fix){.verdict = FIX_NO_SOLUTION, .used = s.rows};
    out->dof = count_rows(s.rows) - 3;
    out->ungated = out->dof == 0;
    if (out->dof < 0 || iterate(&s, anchors, obs, &start, &out->iterations))
        return ERR_GEOMETRY;
    double inv[3][3];
    if (invert_spd(s.N, inv))
        return ERR_GEOMETRY;
    memcpy(out->cov, inv, sizeof out->cov);
    memcpy(out->residual_m, s.r, sizeof out->residual_m);
    out->position = start;
    out->chi2 = s.cost;
    out->gdop = plan_gdop(&s);
    out->verdict = FIX_OK;
    return OK;
}
