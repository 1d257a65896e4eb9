/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "dsp/track.h"

#include <assert.h>
#include <limits.h>
#include <string.h>

#include "dsp/chi2.h"

enum { N = 6, M = ROW_COUNT };

void track_cfg_defaults(struct track_cfg *cfg)
{
    assert(cfg);
    static const double accel_q[3] = {0.5, 0.5, 0.05};
    static const double velocity_var[3] = {1.5 * 1.5, 1.5 * 1.5, 0.3 * 0.3};
    memcpy(cfg->accel_q, accel_q, sizeof accel_q);
    memcpy(cfg->velocity_var, velocity_var, sizeof velocity_var);
    cfg->false_alarm = 0.001;
    cfg->max_rejections = 3;
    cfg->iterations = 3;
    cfg->max_gap_s = 2;
}

void track_reset(struct track *track)
{
    assert(track);
    *track = (struct track){.alive = false};
}

static struct vec3 position_of(const double x[N])
{
    return (struct vec3){x[0], x[1], x[2]};
}

bool track_predict(const struct track *track, double time_s, struct vec3 *position)
{
    assert(track && position);
    if (!track->alive)
        return false;
    struct vec3 v = {track->x[3], track->x[4], track->x[5]};
    *position = vec3_add(position_of(track->x), vec3_scale(v, time_s - track->time_s));
    return true;
}

/* x <- F x, P <- F P F^T + Q, per axis F = [1 T; 0 1], Q = q^2 [T^3/3 T^2/2; T^2/2 T]. */
static void predict(const struct track_cfg *cfg, struct track *t, double time_s)
{
    const double T = time_s - t->time_s;
    for (int i = 0; i < 3; i++) {
        t->x[i] += T * t->x[i + 3];
        for (int j = 0; j < N; j++)
            t->P[i][j] += T * t->P[i + 3][j];
    }
    for (int i = 0; i < N; i++)
        for (int j = 0; j < 3; j++)
            t->P[i][j] += T * t->P[i][j + 3];
    for (int i = 0; i < 3; i++) {
        const double q = cfg->accel_q[i] * cfg->accel_q[i];
        t->P[i][i] += q * T * T * T / 3;
        t->P[i][i + 3] += q * T * T / 2;
        t->P[i + 3][i] += q * T * T / 2;
        t->P[i + 3][i + 3] += q * T;
    }
    t->time_s = time_s;
}

/* Innovations at p with their gradients and covariance. The arrivals A1..A3 share an unknown clock:
 * all but the first are taken against the first. */
struct rows {
    int n;
    double y[M], H[M][3], R[M][M];
};

static void put_row(struct rows *r, double y, struct vec3 g)
{
    r->y[r->n] = y;
    r->H[r->n][0] = g.x;
    r->H[r->n][1] = g.y;
    r->H[r->n][2] = g.z;
    r->n++;
}

static void linearise(const struct anchors *anchors, const struct observation *obs, unsigned mask,
                      struct vec3 p, struct rows *r)
{
    struct vec3 g, g0 = {0, 0, 0};
    double y0 = 0, var0 = 0;
    int first_arrival = -1;
    *r = (struct rows){.n = 0};
    for (int i = 0; i < ROW_COUNT; i++) {
        if (!obs[i].valid || !(mask & ROW_BIT(i)))
            continue;
        double y = obs[i].length_m - fix_predict(anchors, (enum fix_row)i, p, &g);
        double var = obs[i].sigma_m * obs[i].sigma_m;
        if (i >= ROW_A1 && first_arrival < 0) {
            y0 = y;
            var0 = var;
            g0 = g;
            first_arrival = r->n;
            continue;
        }
        bool arrival = i >= ROW_A1;
        put_row(r, arrival ? y - y0 : y, arrival ? vec3_sub(g, g0) : g);
        r->R[r->n - 1][r->n - 1] = var;
    }
    for (int i = first_arrival < 0 ? r->n : first_arrival; i < r->n; i++)
        for (int j = first_arrival; j < r->n; j++)
            r->R[i][j] += var0;
}

/* A map-aided position is a measurement of its own: y = u - p, H = I, R = cov. */
static void measure_position(const struct fix *fix, struct vec3 p, struct rows *r)
{
    *r = (struct rows){.n = 0};
    put_row(r, fix->position.x - p.x, (struct vec3){1, 0, 0});
    put_row(r, fix->position.y - p.y, (struct vec3){0, 1, 0});
    put_row(r, fix->position.z - p.z, (struct vec3){0, 0, 1});
    for (int i = 0; i < 3; i++)
        memcpy(r->R[i], fix->cov[i], sizeof fix->cov[i]);
}

/* Lower Cholesky factor in place; false if not positive definite. */
static bool cholesky(double a[M][M], int n)
{
    for (int j = 0; j < n; j++) {
        for (int k = 0; k < j; k++)
            a[j][j] -= a[j][k] * a[j][k];
        if (!(a[j][j] > 0))
            return false;
        a[j][j] = sqrt(a[j][j]);
        for (int i = j + 1; i < n; i++) {
            for (int k = 0; k < j; k++)
                a[i][j] -= a[i][k] * a[j][k];
            a[i][j] /= a[j][j];
        }
    }
    return true;
}

/* b <- L^-1 b. */
static void forward(double L[M][M], int n, double *b)
{
    for (int i = 0; i < n; i++) {
        for (int k = 0; k < i; k++)
            b[i] -= L[i][k] * b[k];
        b[i] /= L[i][i];
    }
}

/* S = H P H^T + R = L L^T and W = L^-1 H P, so that the gain is K = W^T L^-1. */
static bool whiten(const struct rows *r, double P[N][N], double L[M][M], double W[N][M])
{
    for (int a = 0; a < N; a++)
        for (int i = 0; i < r->n; i++)
            W[a][i] = r->H[i][0] * P[0][a] + r->H[i][1] * P[1][a] + r->H[i][2] * P[2][a];
    for (int i = 0; i < r->n; i++)
        for (int j = 0; j < r->n; j++)
            L[i][j] =
                r->R[i][j] + r->H[i][0] * W[0][j] + r->H[i][1] * W[1][j] + r->H[i][2] * W[2][j];
    if (!cholesky(L, r->n))
        return false;
    for (int a = 0; a < N; a++)
        forward(L, r->n, W[a]);
    return true;
}

/* Iterated update: x_(i+1) = x0 + K_i (y(x_i) - H_i (x0 - x_i)); P <- P - W^T W with the last gain.
 * The gate looks at the innovation of the prediction itself. Returns a track_event. */
static int correct(const struct track_cfg *cfg, struct track *t, const struct observation *obs,
                   unsigned mask, const struct fix *position)
{
    struct rows r = {.n = 0};
    double L[M][M], W[N][M], x[N], e[M];
    memcpy(x, t->x, sizeof x);
    for (int it = 0; it < cfg->iterations; it++) {
        if (position)
            measure_position(position, position_of(x), &r);
        else
            linearise(&cfg->anchors, obs, mask, position_of(x), &r);
        if (r.n == 0)
            return TRACK_COASTED;
        if (!whiten(&r, t->P, L, W))
            return TRACK_REJECTED;
        for (int i = 0; i < r.n; i++) {
            e[i] = r.y[i];
            for (int a = 0; a < 3; a++)
                e[i] -= r.H[i][a] * (t->x[a] - x[a]);
        }
        forward(L, r.n, e);
        if (it == 0) {
            t->nis = 0;
            t->nis_rows = r.n;
            for (int i = 0; i < r.n; i++)
                t->nis += e[i] * e[i];
            if (t->nis > chi2_quantile(r.n, cfg->false_alarm))
                return TRACK_REJECTED;
        }
        for (int a = 0; a < N; a++) {
            x[a] = t->x[a];
            for (int i = 0; i < r.n; i++)
                x[a] += W[a][i] * e[i];
        }
    }
    memcpy(t->x, x, sizeof x);
    for (int a = 0; a < N; a++)
        for (int b = 0; b < N; b++)
            for (int i = 0; i < r.n; i++)
                t->P[a][b] -= W[a][i] * W[b][i];
    return TRACK_UPDATED;
}

static void start(const struct track_cfg *cfg, struct track *t, double time_s,
                  const struct fix *fix)
{
    *t = (struct track){.alive = true, .time_s = time_s, .accepted_s = time_s, .used = fix->used};
    t->x[0] = fix->position.x;
    t->x[1] = fix->position.y;
    t->x[2] = fix->position.z;
    for (int i = 0; i < 3; i++) {
        memcpy(t->P[i], fix->cov[i], sizeof fix->cov[i]);
        t->P[i + 3][i + 3] = cfg->velocity_var[i];
    }
}

int track_update(const struct track_cfg *cfg, struct track *track, double time_s,
                 const struct observation obs[ROW_COUNT], unsigned mask, const struct fix *fix)
{
    assert(cfg && track && obs && cfg->iterations >= 1);
    const bool good = fix && fix->verdict == FIX_OK;
    if (track->alive && !(time_s >= track->time_s))
        return ERR_ARG;
    if (track->alive && time_s - track->accepted_s > cfg->max_gap_s)
        track->alive = false;
    if (!track->alive) {
        if (!good)
            return TRACK_NONE;
        start(cfg, track, time_s, fix);
        return TRACK_STARTED;
    }
    predict(cfg, track, time_s);
    int event = correct(cfg, track, obs, mask, good && fix->map == FIX_MAP_USED ? fix : NULL);
    if (event == TRACK_UPDATED) {
        track->accepted_s = time_s;
        track->rejections = 0;
        track->used = mask;
    } else if (event == TRACK_REJECTED) {
        track->rejections++;
        if (track->rejections >= cfg->max_rejections && good) {
            start(cfg, track, time_s, fix);
            return TRACK_RESTARTED;
        }
    }
    return event;
}

void track_state(struct track *track, struct state_io *io)
{
    size_t rows = (size_t)track->nis_rows, rejections = (size_t)track->rejections;
    size_t used = track->used;
    state_flag(io, &track->alive);
    state_f64(io, &track->time_s);
    state_f64(io, &track->accepted_s);
    for (size_t i = 0; i < 6; i++)
        state_f64(io, &track->x[i]);
    for (size_t i = 0; i < 36; i++)
        state_f64(io, &track->P[i / 6][i % 6]);
    state_f64(io, &track->nis);
    state_count(io, &rows, ROW_COUNT);
    state_count(io, &rejections, INT_MAX);
    state_count(io, &used, ROW_ALL);
    track->nis_rows = (int)rows;
    track->rejections = (int)rejections;
    track->used = (unsigned)used;
}
