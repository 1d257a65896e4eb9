/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "dsp/wall_error.h"

#include <assert.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dsp/fft.h"
#include "dsp/rng.h"

enum {
    SIDE = 8, /* places along x and y */
    LEVELS = 2,
    STREAMS = 6, /* L1..L3, A1..A3 */
    DRAWS = 48,
    BLOCKS = DRAWS / 8,
    EVERY = 3, /* of the lengths searched, the sum of the paths is laid out; */
    COARSE = 14,
    LENGTHS = (COARSE - 1) * EVERY + 1,
    TAPS = 8, /* between them its power is interpolated */
    ARRIVALS = 2 * WALL_HOPS,
    LIGHTS = 5, /* 1/4, 1/2, 1, 2, 4 */
};
/* Searched about the row's length, in resolution cells c / B. */
static const double before = 0.75, after = 1.75;

enum hop { TX_USER, RX_USER, USER_RIS, RIS_RX, RIS_TX, HOPS };
enum part { FACED, IMAGED, PARTS }; /* the surface sees user and BS, or an image of either */

struct node {
    struct wall_shift shift[LIGHTS];
    bool valid; /* the row exists there: not behind a surface */
};

struct wall_error {
    struct wall_error_cfg cfg;
    struct node node[STREAMS][LEVELS][SIDE][SIDE]; /* [height][x][y] */
};

/* One number for each draw. */
typedef float lanes __attribute__((vector_size(8 * sizeof(float))));
typedef int masks __attribute__((vector_size(8 * sizeof(int))));
struct draws {
    lanes re[BLOCKS], im[BLOCKS];
};

/* Paths that arrive from one direction differ in nothing from antenna to antenna. */
struct group {
    size_t n;
    unsigned char path[WALL_PATHS_MAX];
};

/* What the making takes; from paths on of the present stream and place. */
struct sketch {
    struct draws hop[HOPS][WALL_HOPS];                   /* exp(j phi) */
    struct draws echo[WALL_HOPS][WALL_HOPS];             /* of two hops, TX-user-RX; */
    struct draws answer[WALL_HOPS][WALL_HOPS];           /* user-RIS-RX; */
    struct draws by[2][WALL_HOPS][WALL_HOPS][WALL_HOPS]; /* of three, forth and back */
    float blend[LENGTHS][TAPS];
    double cosine[COARSE], sine[COARSE]; /* of pi times the lengths searched, in cells */
    struct wall_paths paths;
    struct group group[ARRIVALS][PARTS];
    float lobe[WALL_PATHS_MAX][COARSE];             /* a sinc */
    cplxf turn[ARRIVALS][TOA_MAX_ANT];              /* b */
    struct draws field[PARTS][TOA_MAX_ANT][COARSE]; /* sum over paths */
    lanes power[COARSE][BLOCKS];                    /* P, of all antennas */
    double peak[DRAWS];                             /* about the row's length, in cells */
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

static bool by_surface(size_t stream)
{
    return stream % WALL_ANSWER != 0;
}

/* In cells, about the row's length. */
static double searched(double q)
{
    return -before + (before + after) * q / (LENGTHS - 1);
}

/* --- paths of one stream at one place --------------------------------------------------------- */

/* sin(pi (x + s_q)) from the sines of both. */
static void lay_lobes(const struct wall_error *e, double length_m, struct sketch *s)
{
    const double per_m = PI * e->cfg.bandwidth_hz / SPEED_OF_LIGHT;
    for (size_t i = 0; i < s->paths.n; i++) {
        const double x = per_m * (length_m - s->paths.length_m[i]),
                     amplitude = sqrt(s->paths.power[i]), sine = amplitude * sin(x),
                     cosine = amplitude * cos(x);
        for (size_t q = 0; q < COARSE; q++) {
            const double at = x + PI * searched((double)(q * EVERY));
            const double lobe = (sine * s->cosine[q] + cosine * s->sine[q]) / at;
            s->lobe[i][q] = (float)(fabs(at) < 1e-6 ? amplitude : lobe);
        }
    }
}

static void lay_turns(const struct wall_error *e, size_t stream, struct vec3 u, struct sketch *s)
{
    const struct anchors *a = &e->cfg.walls.anchors;
    for (size_t d = 0; d < (by_surface(stream) ? ARRIVALS : WALL_HOPS); d++) {
        const struct vec3 last = d < WALL_HOPS ? u : a->ris[stream % WALL_ANSWER - 1];
        const struct vec3 from = wall_map_image(&e->cfg.walls, last, d % WALL_HOPS);
        const double turns = e->cfg.spacing * vec3_sine(vec3_sub(from, a->rx), e->cfg.axis, NULL);
        const cplx step = cexp(2 * PI * I * turns);
        cplx turned = 1;
        for (size_t j = 0; j < e->cfg.n_ant; j++, turned *= step)
            s->turn[d][j] = (cplxf)turned;
    }
}

static const struct draws *phase_of(const struct sketch *s, size_t stream, size_t i)
{
    const unsigned a = s->paths.way[i].first, b = s->paths.way[i].second, c = s->paths.way[i].third;
    if (stream == 0)
        return &s->echo[a][b];
    if (stream == WALL_ANSWER)
        return &s->hop[RX_USER][a];
    if (stream > WALL_ANSWER)
        return &s->answer[a][b];
    return &s->by[s->paths.way[i].back][a][b][c];
}

static enum part part_of(const struct sketch *s, size_t stream, size_t i)
{
    const unsigned a = s->paths.way[i].first, b = s->paths.way[i].second, c = s->paths.way[i].third;
    if (!by_surface(stream))
        return FACED;
    return (stream > WALL_ANSWER ? a || b : b || c) ? IMAGED : FACED;
}

static void sort_paths(size_t stream, struct sketch *s)
{
    for (size_t d = 0; d < ARRIVALS; d++)
        s->group[d][FACED].n = s->group[d][IMAGED].n = 0;
    for (size_t i = 0; i < s->paths.n; i++) {
        struct group *g =
            &s->group[wall_paths_arrival(&s->paths, stream, i)][part_of(s, stream, i)];
        g->path[g->n++] = (unsigned char)i;
    }
}

/* --- their sum -------------------------------------------------------------------------------- */

/* At coarse length q. */
static inline struct draws sum_of(const struct sketch *s, size_t stream, const struct group *g,
                                  size_t q)
{
    struct draws sum = {0};
    for (size_t i = 0; i < g->n; i++) {
        const struct draws *p = phase_of(s, stream, g->path[i]);
        const float lobe = s->lobe[g->path[i]][q];
        for (size_t v = 0; v < BLOCKS; v++) {
            sum.re[v] += lobe * p->re[v];
            sum.im[v] += lobe * p->im[v];
        }
    }
    return sum;
}

static inline void add_turned(const struct draws *from, cplxf by, struct draws *to)
{
    const float re = crealf(by), im = cimagf(by);
    for (size_t v = 0; v < BLOCKS; v++) {
        to->re[v] += re * from->re[v] - im * from->im[v];
        to->im[v] += re * from->im[v] + im * from->re[v];
    }
}

static void lay_fields(const struct wall_error *e, size_t stream, struct sketch *s)
{
    memset(s->field, 0, sizeof s->field);
    for (size_t d = 0; d < ARRIVALS; d++)
        for (enum part part = FACED; part < PARTS; part++) {
            const struct group *g = &s->group[d][part];
            for (size_t q = 0; g->n > 0 && q < COARSE; q++) {
                const struct draws sum = sum_of(s, stream, g, q);
                for (size_t j = 0; j < e->cfg.n_ant; j++)
                    add_turned(&sum, s->turn[d][j], &s->field[part][j][q]);
            }
        }
}

/* P, with what comes by images so much stronger. */
static void lay_power(const struct wall_error *e, float light, struct sketch *s)
{
    for (size_t q = 0; q < COARSE; q++)
        for (size_t v = 0; v < BLOCKS; v++) {
            lanes power = {0};
            for (size_t j = 0; j < e->cfg.n_ant; j++) {
                const struct draws *f = &s->field[FACED][j][q], *g = &s->field[IMAGED][j][q];
                const lanes re = f->re[v] + light * g->re[v], im = f->im[v] + light * g->im[v];
                power += re * re + im * im;
            }
            s->power[q][v] = power;
        }
}

/* Of the coarse lengths about fine length q the first that takes part in it. */
static size_t first_tap(size_t q)
{
    const size_t below = q / EVERY, half = TAPS / 2 - 1;
    const size_t first = below > half ? below - half : 0;
    return first < COARSE - TAPS ? first : COARSE - TAPS;
}

static inline lanes fine_power(const struct sketch *s, size_t q, size_t v)
{
    const lanes(*power)[BLOCKS] = &s->power[first_tap(q)];
    lanes sum = {0};
    for (size_t t = 0; t < TAPS; t++)
        sum += s->blend[q][t] * power[t][v];
    return sum;
}

/* --- what it does to the peak ----------------------------------------------------------------- */

static inline lanes either(masks first, lanes a, lanes b)
{
    return (lanes)((first & (masks)a) | (~first & (masks)b));
}

/* The highest P of eight draws, what lies beside it, and where. */
struct top {
    lanes before, at, after, q;
};

static struct top highest(const struct sketch *s, size_t v)
{
    struct top best = {fine_power(s, 0, v), fine_power(s, 1, v), fine_power(s, 2, v), {0}};
    lanes left = best.at, at = best.after;
    best.q += 1;
    for (size_t q = 2; q + 1 < LENGTHS; q++) {
        const lanes right = fine_power(s, q + 1, v);
        const masks higher = (masks)(at > best.at);
        const lanes here = (lanes){0} + (float)q;
        best = (struct top){either(higher, left, best.before), either(higher, at, best.at),
                            either(higher, right, best.after), either(higher, here, best.q)};
        left = at;
        at = right;
    }
    return best;
}

static void find_peaks(struct sketch *s)
{
    for (size_t d = 0; d < DRAWS; d += 8) {
        const struct top top = highest(s, d / 8);
        const lanes slope = 0.5f * (top.before - top.after),
                    bend = top.before - 2 * top.at + top.after;
        for (size_t l = 0; l < 8; l++) {
            const float vertex = bend[l] < 0 ? slope[l] / bend[l] : 0;
            s->peak[d + l] = searched((double)(top.q[l] + (vertex > 0.5f    ? 0.5f
                                                           : vertex < -0.5f ? -0.5f
                                                                            : vertex)));
        }
    }
}

static struct wall_shift shift_of(const struct sketch *s, double cell_m)
{
    enum { TOP = DRAWS - DRAWS * 95 / 100 };
    double top[TOP] = {0}, mean = 0, square = 0; /* the largest, descending */
    for (size_t d = 0; d < DRAWS; d++) {
        const double m = cell_m * s->peak[d];
        double next = fabs(m);
        mean += m / DRAWS;
        square += m * m / DRAWS;
        for (size_t k = 0; k < TOP && next > top[TOP - 1]; k++) {
            const double was = top[k];
            top[k] = next > was ? next : was;
            next = next > was ? was : next;
        }
    }
    return (struct wall_shift){mean, fmax(sqrt(square), top[TOP - 1] / 1.96)};
}

static struct node node_at(const struct wall_error *e, size_t stream, struct vec3 u,
                           struct sketch *s)
{
    struct node node = {0};
    wall_paths_list(&e->cfg.walls, stream, u, &s->paths);
    if (s->paths.n == 0)
        return node;
    node.valid = true;
    sort_paths(stream, s);
    lay_turns(e, stream, u, s);
    lay_lobes(e, fix_predict(&e->cfg.walls.anchors, row_of(stream), u, NULL), s);
    lay_fields(e, stream, s);
    for (size_t l = 0; l < LIGHTS; l++) {
        if (l > 0 && !by_surface(stream)) {
            node.shift[l] = node.shift[0];
            continue;
        }
        lay_power(e, ldexpf(1, (int)l - LIGHTS / 2), s);
        find_peaks(s);
        node.shift[l] = shift_of(s, SPEED_OF_LIGHT / e->cfg.bandwidth_hz);
    }
    return node;
}

/* --- the grid --------------------------------------------------------------------------------- */

static struct vec3 place(const struct wall_error *e, size_t z, size_t x, size_t y)
{
    const struct vec3 low = e->cfg.walls.room.min, high = e->cfg.walls.room.max;
    return (struct vec3){low.x + (high.x - low.x) * ((double)x + 0.5) / SIDE,
                         low.y + (high.y - low.y) * ((double)y + 0.5) / SIDE, e->cfg.height_m[z]};
}

/* Lagrange's. */
static void lay_blend(struct sketch *s)
{
    for (size_t q = 0; q < LENGTHS; q++)
        for (size_t t = 0; t < TAPS; t++) {
            const double at = (double)q / EVERY - (double)first_tap(q);
            double weight = 1;
            for (size_t k = 0; k < TAPS; k++)
                weight *= k == t ? 1 : (at - (double)k) / ((double)t - (double)k);
            s->blend[q][t] = (float)weight;
        }
}

static struct draws times(const struct draws *a, const struct draws *b)
{
    struct draws all;
    for (size_t v = 0; v < BLOCKS; v++) {
        all.re[v] = a->re[v] * b->re[v] - a->im[v] * b->im[v];
        all.im[v] = a->re[v] * b->im[v] + a->im[v] * b->re[v];
    }
    return all;
}

static void draw_phases(struct sketch *s)
{
    struct rng rng = rng_seed(1);
    for (size_t d = 0; d < DRAWS; d++)
        for (size_t h = 0; h < HOPS; h++)
            for (size_t w = 0; w < WALL_HOPS; w++) {
                const double phase = 2 * PI * rng_u01(&rng);
                s->hop[h][w].re[d / 8][d % 8] = (float)cos(phase);
                s->hop[h][w].im[d / 8][d % 8] = (float)sin(phase);
            }
}

static void lay_phases(struct sketch *s)
{
    for (size_t a = 0; a < WALL_HOPS; a++)
        for (size_t b = 0; b < WALL_HOPS; b++) {
            const struct draws forth = times(&s->hop[TX_USER][a], &s->hop[USER_RIS][b]),
                               back = times(&s->hop[RX_USER][a], &s->hop[USER_RIS][b]);
            s->echo[a][b] = times(&s->hop[TX_USER][a], &s->hop[RX_USER][b]);
            s->answer[a][b] = times(&s->hop[USER_RIS][a], &s->hop[RIS_RX][b]);
            for (size_t c = 0; c < WALL_HOPS; c++) {
                s->by[0][a][b][c] = times(&forth, &s->hop[RIS_RX][c]);
                s->by[1][a][b][c] = times(&back, &s->hop[RIS_TX][c]);
            }
        }
}

static void prepare(struct sketch *s)
{
    draw_phases(s);
    lay_phases(s);
    lay_blend(s);
    for (size_t q = 0; q < COARSE; q++) {
        s->cosine[q] = cos(PI * searched((double)(q * EVERY)));
        s->sine[q] = sin(PI * searched((double)(q * EVERY)));
    }
}

static bool fill(struct wall_error *e)
{
    struct sketch *s = fft_alloc(sizeof *s);
    if (!s)
        return false;
    prepare(s);
    for (size_t stream = 0; stream < STREAMS; stream++)
        for (size_t z = 0; z < LEVELS; z++)
            for (size_t x = 0; x < SIDE; x++)
                for (size_t y = 0; y < SIDE; y++)
                    e->node[stream][z][x][y] = node_at(e, stream, place(e, z, x, y), s);
    fft_free(s);
    return true;
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
    if (e) {
        e->cfg = *cfg;
        if (!fill(e))
            wall_error_destroy(&e);
    }
    if (!e) {
        err->code = fault ? ERR_ARG : ERR_NO_MEMORY;
        snprintf(err->text, sizeof err->text, "errors by walls: %s",
                 fault ? fault : "out of memory");
    }
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

bool wall_error_at(const struct wall_error *e, enum fix_row row, struct vec3 u, double light,
                   struct wall_shift *out)
{
    assert(e && out && row < ROW_COUNT);
    const struct vec3 low = e->cfg.walls.room.min, high = e->cfg.walls.room.max;
    const double *h = e->cfg.height_m;
    double t[4], sum = 0;
    *out = (struct wall_shift){0};
    if (row == ROW_H)
        return false;
    const size_t x = node_below((u.x - low.x) / (high.x - low.x) * SIDE - 0.5, SIDE, &t[0]),
                 y = node_below((u.y - low.y) / (high.y - low.y) * SIDE - 0.5, SIDE, &t[1]),
                 z = node_below((u.z - h[0]) / (h[1] - h[0]), LEVELS, &t[2]),
                 l = node_below(log2(fmax(light, 1e-3)) + LIGHTS / 2, LIGHTS, &t[3]);
    for (size_t i = 0; i < 8; i++) {
        const size_t dx = i & 1, dy = i >> 1 & 1, dz = i >> 2;
        const struct node *n = &e->node[stream_of(row)][z + dz][x + dx][y + dy];
        const double weight =
            (dx ? t[0] : 1 - t[0]) * (dy ? t[1] : 1 - t[1]) * (dz ? t[2] : 1 - t[2]) * n->valid;
        const struct wall_shift *dim = &n->shift[l], *bright = &n->shift[l + 1];
        out->mean_m += weight * ((1 - t[3]) * dim->mean_m + t[3] * bright->mean_m);
        out->sigma_m += weight * ((1 - t[3]) * dim->sigma_m + t[3] * bright->sigma_m);
        sum += weight;
    }
    if (!(sum > 0))
        return false;
    out->mean_m /= sum;
    out->sigma_m /= sum;
    return true;
}
