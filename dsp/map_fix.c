/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "dsp/map_fix.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "dsp/delay_bins.h"
#include "dsp/fft.h"
#include "dsp/plan_grid.h"

enum { MAX_BIN = DELAY_BINS_MAX };

/* In steps between bins: what is kept of the profile about the strongest path, and the first grid
 * about the start, +-. Peaks, and the walls' pull on them, are as wide as the bandwidth makes them.
 */
static const double before = 3, after = 7, reach = 0.3;
enum { TRIES = 2 }; /* first grids, the second about the first one's best place */
static const double coarse_error = 1e-2; /* model error while searching: no narrow peak is missed */

/* One stream's delay profile and model. */
struct profile {
    bool used;
    size_t n_bin;
    double first_m; /* path length of bin 0 */
    cplx y[TOA_MAX_ANT][MAX_BIN];
    double error; /* e */
    struct wall_paths paths;
    float root[WALL_PATHS_MAX]; /* of their powers */
};

struct map_fix {
    struct map_fix_cfg cfg;
    struct delay_bins bins;
    struct profile profile[MAP_FIX_STREAMS];
    struct gauss_batch batch; /* covariances of eight cells */
};

void map_fix_cfg_defaults(struct map_fix_cfg *cfg)
{
    assert(cfg);
    cfg->model_error[0] = 1e-4;
    cfg->model_error[1] = cfg->model_error[2] = 3e-4;
    cfg->evidence = 1;
    cfg->reference_sigma_m = 0.03;
}

/* --- life ------------------------------------------------------------------------------------- */

static const char *fault_of(const struct map_fix_cfg *cfg)
{
    if (cfg->n_ant < 1 || cfg->n_ant > TOA_MAX_ANT)
        return "n_ant out of 1..8";
    if (cfg->n_carrier < 31 || cfg->n_carrier > DELAY_BINS_MAX_CARRIER)
        return "n_carrier out of 31..8191";
    if (!(cfg->spacing_hz > 0))
        return "spacing_hz must be positive";
    if (!(cfg->evidence > 0 && cfg->evidence <= 4))
        return "evidence out of (0, 4]";
    if (!(cfg->reference_sigma_m >= 0))
        return "reference_sigma_m must not be negative";
    for (size_t s = 0; s < MAP_FIX_STREAMS; s++)
        if (!(cfg->model_error[s] > 0))
            return "model_error must be positive";
    return wall_map_fault(&cfg->walls);
}

struct map_fix *map_fix_create(const struct map_fix_cfg *cfg, struct status *err)
{
    assert(cfg && err);
    const char *fault = fault_of(cfg);
    struct map_fix *map = fault ? NULL : fft_alloc(sizeof *map);
    if (!map) {
        err->code = fault ? ERR_ARG : ERR_NO_MEMORY;
        snprintf(err->text, sizeof err->text, "map-aided fix: %s", fault ? fault : "out of memory");
        return NULL;
    }
    map->cfg = *cfg;
    delay_bins_init(&map->bins, cfg->n_carrier, cfg->spacing_hz);
    return map;
}

void map_fix_destroy(struct map_fix **map)
{
    if (!map)
        return;
    fft_free(*map);
    *map = NULL;
}

/* --- data: bins of the windowed delay profile ---------------------------------------------------
 */

static void transform(const struct map_fix *map, const cplxf *h, struct profile *p, size_t q)
{
    cplx y[TOA_MAX_ANT];
    delay_bins_transform(&map->bins, h, map->cfg.n_ant, p->first_m + (double)q * map->bins.step_m,
                         y);
    for (size_t j = 0; j < map->cfg.n_ant; j++)
        p->y[j][q] = y[j];
}

static void load_profile(struct map_fix *map, size_t s, const struct map_fix_input *in,
                         const struct fix *fix)
{
    struct profile *p = &map->profile[s];
    p->used = in->h != NULL;
    if (!p->used)
        return;
    p->n_bin = (size_t)(before + after + 1);
    p->first_m = in->toa->length_m - before * map->bins.step_m;
    for (size_t q = 0; q < p->n_bin; q++)
        transform(map, in->h, p, q);
    double e_n0 = pow(10, in->toa->snr_db / 10) / (double)map->cfg.n_ant;
    p->error = map->cfg.model_error[s] + DELAY_BINS_NOISE / e_n0;
    wall_paths_list(&map->cfg.walls, s, fix->position, &p->paths);
    p->used = p->paths.n > 0;
    for (size_t i = 0; i < p->paths.n; i++)
        p->root[i] = (float)sqrt(p->paths.power[i]);
}

/* --- likelihood ---------------------------------------------------------------------------------
 */

typedef float bins8 __attribute__((vector_size(8 * sizeof(float))));
enum { BLOCKS = MAX_BIN / 8, TILE = 4 };

/* What each bin sees of a path, times the root of its power. */
struct seen {
    bins8 k[BLOCKS];
};

/* False if the path is out of reach. */
static bool path_response(const struct map_fix *map, const struct profile *p, size_t i,
                          struct seen *out)
{
    return delay_bins_see(&map->bins, (p->paths.length_m[i] - p->first_m) / map->bins.step_m,
                          p->root[i], MAX_BIN, (float *)out->k);
}

/* Rows a .. a + TILE - 1 of sum_i k_i k_i^T, the first `blocks` blocks of columns: the sums stay in
 * registers over all paths. */
static inline __attribute__((always_inline)) void
add_paths(const struct seen *seen, size_t n, size_t a, size_t blocks, float C[MAX_BIN][MAX_BIN])
{
    bins8 sum[TILE][BLOCKS] = {{{0}}};
    for (size_t i = 0; i < n; i++)
        for (size_t r = 0; r < TILE; r++)
            for (size_t b = 0; b < blocks; b++)
                sum[r][b] += ((const float *)seen[i].k)[a + r] * seen[i].k[b];
    for (size_t r = 0; r < TILE; r++)
        memcpy(C[a + r], sum[r], blocks * sizeof(bins8));
}

/* The lower triangle of C. */
static void model_covariance(const struct map_fix *map, const struct profile *p, double error,
                             float C[MAX_BIN][MAX_BIN])
{
    struct seen seen[WALL_PATHS_MAX];
    size_t n = 0;
    float power = 0;
    for (size_t i = 0; i < p->paths.n; i++)
        if (path_response(map, p, i, &seen[n])) {
            power += (float)p->paths.power[i];
            n++;
        }
    for (size_t a = 0; a < p->n_bin; a += TILE) {
        if (a < 8)
            add_paths(seen, n, a, 1, C);
        else if (a < 16)
            add_paths(seen, n, a, 2, C);
        else
            add_paths(seen, n, a, 3, C);
    }
    for (size_t a = 0; a < p->n_bin; a++)
        for (size_t b = 0; b <= a; b++)
            C[a][b] += (float)error * power * map->bins.noise[a - b];
}

/* Of stream s for users at u[0] .. u[GAUSS_LANES - 1]. Scale a profiled out; the antennas see
 * nearly the same interference, so they count as one look. */
static void log_likelihood(struct map_fix *map, size_t s, const struct vec3 *u, double error,
                           double *ll)
{
    struct profile *p = &map->profile[s];
    float C[MAX_BIN][MAX_BIN];
    for (size_t l = 0; l < GAUSS_LANES; l++) {
        wall_paths_move(&map->cfg.walls, s, u[l], &p->paths);
        model_covariance(map, p, error, C);
        for (size_t a = 0; a < p->n_bin; a++)
            for (size_t b = 0; b <= a; b++)
                map->batch.c[gauss_cell(a, b)][l] = (double)C[a][b];
    }
    gauss_log_likelihood(&map->batch, p->n_bin, p->y[0], MAX_BIN, map->cfg.n_ant, ll);
}

/* --- posterior in plan -------------------------------------------------------------------------
 */

/* What the plain fix knows of the plan: its position and inverse covariance. */
struct prior {
    double x, y, xx, xy, yy;
};

static struct prior prior_of(const struct fix *fix)
{
    const double a = fix->cov[0][0], b = fix->cov[0][1], c = fix->cov[1][1], det = a * c - b * b;
    return (struct prior){fix->position.x, fix->position.y, c / det, -b / det, a / det};
}

/* Half the weight of an independent fix: the echoes it stands on are the same. */
static double log_prior(const struct prior *p, struct vec3 u)
{
    const double x = u.x - p->x, y = u.y - p->y;
    return -0.25 * (p->xx * x * x + 2 * p->xy * x * y + p->yy * y * y);
}

struct question {
    struct map_fix *map;
    const struct prior *prior;
    bool coarse;
};

static void log_posterior(void *context, const struct vec3 *u, double *log_weight)
{
    const struct question *ask = context;
    struct map_fix *map = ask->map;
    double ll[GAUSS_LANES];
    for (size_t l = 0; l < GAUSS_LANES; l++)
        log_weight[l] = log_prior(ask->prior, u[l]);
    for (size_t s = 0; s < MAP_FIX_STREAMS; s++) {
        if (!map->profile[s].used)
            continue;
        double error = map->profile[s].error;
        log_likelihood(map, s, u, ask->coarse ? fmax(error, coarse_error) : error, ll);
        for (size_t l = 0; l < GAUSS_LANES; l++)
            log_weight[l] += ll[l] * map->cfg.evidence;
    }
}

/* What one metre of error common to all lengths does to the plan: least squares over the streams
 * used, (J^T J) v = J^T 1. */
static void reference_shift(const struct map_fix *map, struct vec3 u, double shift[2])
{
    double xx = 0, xy = 0, yy = 0, x = 0, y = 0;
    for (size_t s = 0; s < MAP_FIX_STREAMS; s++) {
        if (!map->profile[s].used)
            continue;
        struct vec3 g;
        fix_predict(&map->cfg.walls.anchors, (enum fix_row)(ROW_L1 + s), u, &g);
        xx += g.x * g.x, xy += g.x * g.y, yy += g.y * g.y;
        x += g.x, y += g.y;
    }
    double det = fmax(xx * yy - xy * xy, 1e-6);
    shift[0] = (yy * x - xy * y) / det;
    shift[1] = (xx * y - xy * x) / det;
}

/* Posterior, the grid's own rounding, the height (the plan moves with it as the plain fix says,
 * d(x,y)/dz = cov_xz / cov_zz) and the zero of path length. */
static void put_covariance(const struct map_fix *map, const struct plan_moments *m,
                           const double cell[2], double var_z, struct fix *fix)
{
    const double slope[2] = {fix->cov[0][2] / fix->cov[2][2], fix->cov[1][2] / fix->cov[2][2]};
    double shift[2], cov[3][3] = {{m->xx + cell[0] * cell[0] / 12, m->xy, slope[0] * var_z},
                                  {m->xy, m->yy + cell[1] * cell[1] / 12, slope[1] * var_z},
                                  {slope[0] * var_z, slope[1] * var_z, var_z}};
    reference_shift(map, fix->position, shift);
    plan_add_direction(cov, slope, var_z);
    plan_add_direction(cov, shift, map->cfg.reference_sigma_m * map->cfg.reference_sigma_m);
    memcpy(fix->cov, cov, sizeof cov);
}

int map_fix_refine(struct map_fix *map, const struct map_fix_input in[MAP_FIX_STREAMS],
                   const struct observation *height, struct fix *fix)
{
    assert(map && in && height && fix);
    size_t used = 0;
    for (size_t s = 0; s < MAP_FIX_STREAMS; s++) {
        load_profile(map, s, &in[s], fix);
        used += map->profile[s].used;
    }
    if (used < 2 || !height->valid)
        return ERR_ARG;

    const struct prior prior = prior_of(fix);
    const double reach_m = reach * map->bins.step_m;
    struct question ask = {map, &prior, true};
    struct plan_grid wide = {fix->position, reach_m, reach_m};
    struct plan_moments m = {.edge = 1};
    wide.centre.z = height->length_m;
    for (int i = 0; i < TRIES && m.edge > 0.1; i++) {
        wide.centre.x += m.x;
        wide.centre.y += m.y;
        plan_grid_moments(&wide, log_posterior, &ask, &m);
    }
    if (!(m.edge <= 0.1)) /* NaN too: a profile that is all zero */
        return ERR_NO_PEAK;
    double cell = 2 * reach_m / (PLAN_GRID - 1);
    struct plan_grid fine = {{wide.centre.x + m.x, wide.centre.y + m.y, wide.centre.z},
                             3 * sqrt(m.xx + cell * cell / 12),
                             3 * sqrt(m.yy + cell * cell / 12)};
    ask.coarse = false;
    plan_grid_moments(&fine, log_posterior, &ask, &m);
    fix->position = (struct vec3){fine.centre.x + m.x, fine.centre.y + m.y, fine.centre.z};
    const double step[2] = {2 * fine.half_x / (PLAN_GRID - 1), 2 * fine.half_y / (PLAN_GRID - 1)};
    put_covariance(map, &m, step, height->sigma_m * height->sigma_m, fix);
    fix->refined = true;
    return 0;
}
