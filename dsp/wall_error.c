/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "dsp/wall_error.h"

#include <assert.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dsp/cplx.h"
#include "dsp/rng.h"

enum {
    SIDE = 8, /* places along x and y */
    LEVELS = 2,
    STREAMS = 6, /* L1..L3, A1..A3 */
    DRAWS = 48,
    LENGTHS = 40,
};
/* Searched about the row's length, in resolution cells c / B. */
static const double before = 0.75, after = 1.75;

enum hop { TX_USER, RX_USER, USER_RIS, RIS_RX, RIS_TX, HOPS };

struct node {
    struct wall_shift shift;
    bool valid; /* the row exists there: not behind a surface */
};

struct wall_error {
    struct wall_error_cfg cfg;
    struct node node[STREAMS][LEVELS][SIDE][SIDE]; /* [height][x][y] */

    cplxf phase[DRAWS][HOPS][WALL_HOPS];
    struct wall_paths paths;                 /* of the present stream and place */
    cplxf turn[WALL_PATHS_MAX][TOA_MAX_ANT]; /* b */
    float lobe[WALL_PATHS_MAX][LENGTHS];     /* a sinc at each length searched */
};

static enum fix_row row_of(size_t stream)
{
    return stream < WALL_ANSWER ? (enum fix_row)stream
                                : (enum fix_row)(ROW_A1 + stream - WALL_ANSWER);
}

static size_t stream_of(enum fix_row row)
{
    return row < ROW_H ? (size_t)row : (size_t)(row - ROW_A1) + WALL_ANSWER;
}

/* --- paths of one stream at one place --------------------------------------------------------- */

static double searched_m(const struct wall_error *e, double q)
{
    return SPEED_OF_LIGHT / e->cfg.bandwidth_hz * (-before + (before + after) * q / (LENGTHS - 1));
}

static void lay_lobes(struct wall_error *e, double length_m)
{
    const double scale = PI * e->cfg.bandwidth_hz / SPEED_OF_LIGHT;
    for (size_t i = 0; i < e->paths.n; i++)
        for (size_t q = 0; q < LENGTHS; q++) {
            const double x = scale * (length_m + searched_m(e, (double)q) - e->paths.length_m[i]);
            e->lobe[i][q] = (float)(sqrt(e->paths.power[i]) * (fabs(x) < 1e-6 ? 1 : sin(x) / x));
        }
}

static void lay_turns(struct wall_error *e, size_t stream, struct vec3 u)
{
    const struct anchors *a = &e->cfg.walls.anchors;
    for (size_t i = 0; i < e->paths.n; i++) {
        const size_t last = wall_paths_arrival(&e->paths, stream, i);
        const struct vec3 from =
            wall_map_image(&e->cfg.walls, last < WALL_HOPS ? u : a->ris[stream % WALL_ANSWER - 1],
                           last % WALL_HOPS);
        const double turns =
            e->cfg.spacing * vec3_dot(vec3_unit(vec3_sub(from, a->rx)), e->cfg.axis);
        for (size_t j = 0; j < e->cfg.n_ant; j++)
            e->turn[i][j] = (cplxf)cexp(2 * PI * I * turns * (double)j);
    }
}

/* a b, without the library's care for infinities. */
static cplxf times(cplxf a, cplxf b)
{
    return CMPLXF(crealf(a) * crealf(b) - cimagf(a) * cimagf(b),
                  crealf(a) * cimagf(b) + cimagf(a) * crealf(b));
}

static cplxf phase_of(const struct wall_error *e, size_t draw, size_t stream, size_t i)
{
    const cplxf(*p)[WALL_HOPS] = e->phase[draw];
    const unsigned a = e->paths.way[i].first, b = e->paths.way[i].second, c = e->paths.way[i].third;
    if (stream == 0)
        return times(p[TX_USER][a], p[RX_USER][b]);
    if (stream == WALL_ANSWER)
        return p[RX_USER][a];
    if (stream > WALL_ANSWER)
        return times(p[USER_RIS][a], p[RIS_RX][b]);
    if (e->paths.way[i].back)
        return times(times(p[RX_USER][a], p[USER_RIS][b]), p[RIS_TX][c]);
    return times(times(p[TX_USER][a], p[USER_RIS][b]), p[RIS_RX][c]);
}

/* P of antenna j onto power. */
static void add_antenna(const struct wall_error *e, const cplxf *phase, size_t j, float *power)
{
    float re[LENGTHS] = {0}, im[LENGTHS] = {0};
    for (size_t i = 0; i < e->paths.n; i++) {
        const cplxf p = times(phase[i], e->turn[i][j]);
        for (size_t q = 0; q < LENGTHS; q++) {
            re[q] += crealf(p) * e->lobe[i][q];
            im[q] += cimagf(p) * e->lobe[i][q];
        }
    }
    for (size_t q = 0; q < LENGTHS; q++)
        power[q] += re[q] * re[q] + im[q] * im[q];
}

/* The highest peak's length about the row's. */
static double peak_m(const struct wall_error *e, size_t stream, size_t draw)
{
    float power[LENGTHS] = {0};
    cplxf phase[WALL_PATHS_MAX];
    size_t best = 1;
    for (size_t i = 0; i < e->paths.n; i++)
        phase[i] = phase_of(e, draw, stream, i);
    for (size_t j = 0; j < e->cfg.n_ant; j++)
        add_antenna(e, phase, j, power);
    for (size_t q = 1; q + 1 < LENGTHS; q++)
        best = power[q] > power[best] ? q : best;
    const float *p = &power[best];
    const double bend = (double)(p[-1] - 2 * p[0] + p[1]),
                 vertex = bend < 0 ? 0.5 * (double)(p[-1] - p[1]) / bend : 0;
    return searched_m(e, (double)best + fmax(-0.5, fmin(0.5, vertex)));
}

static int ascending(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static struct node node_at(struct wall_error *e, size_t stream, struct vec3 u)
{
    double error[DRAWS], mean = 0, square = 0;
    wall_paths_list(&e->cfg.walls, stream, u, &e->paths);
    if (e->paths.n == 0)
        return (struct node){.valid = false};
    lay_turns(e, stream, u);
    lay_lobes(e, fix_predict(&e->cfg.walls.anchors, row_of(stream), u, NULL));
    for (size_t d = 0; d < DRAWS; d++) {
        const double m = peak_m(e, stream, d);
        error[d] = fabs(m);
        mean += m / DRAWS;
        square += m * m / DRAWS;
    }
    qsort(error, DRAWS, sizeof *error, ascending);
    return (struct node){{mean, fmax(sqrt(square), error[DRAWS * 95 / 100] / 1.96)}, true};
}

/* --- the grid --------------------------------------------------------------------------------- */

static struct vec3 place(const struct wall_error *e, size_t z, size_t x, size_t y)
{
    const struct vec3 low = e->cfg.walls.room.min, high = e->cfg.walls.room.max;
    return (struct vec3){low.x + (high.x - low.x) * ((double)x + 0.5) / SIDE,
                         low.y + (high.y - low.y) * ((double)y + 0.5) / SIDE, e->cfg.height_m[z]};
}

static void fill(struct wall_error *e)
{
    struct rng rng = rng_seed(1);
    for (size_t d = 0; d < DRAWS; d++)
        for (size_t h = 0; h < HOPS; h++)
            for (size_t w = 0; w < WALL_HOPS; w++)
                e->phase[d][h][w] = (cplxf)cexp(2 * PI * I * rng_u01(&rng));
    for (size_t s = 0; s < STREAMS; s++)
        for (size_t z = 0; z < LEVELS; z++)
            for (size_t x = 0; x < SIDE; x++)
                for (size_t y = 0; y < SIDE; y++)
                    e->node[s][z][x][y] = node_at(e, s, place(e, z, x, y));
}

static const char *fault_of(const struct wall_error_cfg *cfg)
{
    if (!(cfg->height_m[0] < cfg->height_m[1]))
        return "heights must ascend";
    if (!(cfg->bandwidth_hz > 0) || !(cfg->spacing >= 0))
        return "bandwidth_hz must be positive, spacing not negative";
    if (cfg->n_ant < 1 || cfg->n_ant > TOA_MAX_ANT)
        return "n_ant out of 1..8";
    return wall_map_fault(&cfg->walls);
}

struct wall_error *wall_error_create(const struct wall_error_cfg *cfg, struct status *err)
{
    assert(cfg && err);
    const char *fault = fault_of(cfg);
    struct wall_error *e = fault ? NULL : calloc(1, sizeof *e);
    if (!e) {
        err->code = fault ? ERR_ARG : ERR_NO_MEMORY;
        snprintf(err->text, sizeof err->text, "errors by walls: %s",
                 fault ? fault : "out of memory");
        return NULL;
    }
    e->cfg = *cfg;
    fill(e);
    return e;
}

void wall_error_destroy(struct wall_error **error)
{
    if (!error)
        return;
    free(*error);
    *error = NULL;
}

/* Of n nodes the one below `at`, held to the grid; *t: the part of the next one. */
static size_t node_below(double at, size_t n, double *t)
{
    at = fmin(fmax(at, 0), (double)(n - 1));
    const size_t low = at < (double)(n - 2) ? (size_t)at : n - 2;
    *t = at - (double)low;
    return low;
}

void wall_error_at(const struct wall_error *e, enum fix_row row, struct vec3 u,
                   struct wall_shift *out)
{
    assert(e && out && row < ROW_COUNT);
    const struct vec3 low = e->cfg.walls.room.min, high = e->cfg.walls.room.max;
    const double *h = e->cfg.height_m;
    double t[3], sum = 0;
    *out = (struct wall_shift){0};
    if (row == ROW_H)
        return;
    const size_t x = node_below((u.x - low.x) / (high.x - low.x) * SIDE - 0.5, SIDE, &t[0]),
                 y = node_below((u.y - low.y) / (high.y - low.y) * SIDE - 0.5, SIDE, &t[1]),
                 z = node_below((u.z - h[0]) / (h[1] - h[0]), LEVELS, &t[2]);
    for (size_t i = 0; i < 8; i++) {
        const size_t dx = i & 1, dy = i >> 1 & 1, dz = i >> 2;
        const struct node *n = &e->node[stream_of(row)][z + dz][x + dx][y + dy];
        const double weight =
            (dx ? t[0] : 1 - t[0]) * (dy ? t[1] : 1 - t[1]) * (dz ? t[2] : 1 - t[2]) * n->valid;
        out->mean_m += weight * n->shift.mean_m;
        out->sigma_m += weight * n->shift.sigma_m;
        sum += weight;
    }
    if (sum > 0) {
        out->mean_m /= sum;
        out->sigma_m /= sum;
    }
}
