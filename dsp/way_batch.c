/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "dsp/way_batch.h"
#include <assert.h>
#include <string.h>

enum {
    TX_USER = 0,
    RX_USER = WALL_HOPS,
    RIS_USER = 2 * WALL_HOPS, /* and the second surface's behind it */
    HIGH = 2,                 /* a tile of sums that stay in registers */
    WIDE = 4,
    PAIRS = 10, /* of antennas at a time */
};
_Static_assert((int)WAY_BATCH_BINS <= (int)DELAY_BINS_MAX, "the lookup holds all bins");
_Static_assert(WAY_BATCH_BINS % WIDE == 0 && WIDE % HIGH == 0, "tiles cover all bins");
_Static_assert(WAY_BATCH_PAIRS % PAIRS == 0, "whole tiles of pairs");

void way_batch_init(struct way_batch *w, const struct way_batch_cfg *cfg)
{
    assert(cfg->n_bin >= 1 && cfg->n_bin <= WAY_BATCH_BINS && cfg->n_ant * cfg->n_bin <= GAUSS_MAX);
    memset(w, 0, sizeof *w);
    w->cfg = *cfg;
    w->n_ant_pair = cfg->n_ant * (cfg->n_ant + 1) / 2;
}

/* --- list ------------------------------------------------------------------------------------- */

/* Of a way: first the user's, as it is and in the walls, then each surface's. */
static size_t direction_of(const struct wall_paths *paths, size_t stream, size_t i)
{
    const size_t arrival = wall_paths_arrival(paths, stream, i);
    return arrival < WALL_HOPS ? arrival : arrival + WALL_HOPS * (stream - 1);
}

static void take_way(struct way_batch *w, const struct wall_paths *p, size_t stream, size_t i,
                     double bias_m, size_t at)
{
    const struct anchors *a = &w->cfg.walls->anchors;
    const bool back = p->way[i].back;
    w->way[at].root = (float)sqrt(p->power[i]);
    w->way[at].power = (float)p->power[i];
    w->way[at].hop[0] = (unsigned char)((back ? RX_USER : TX_USER) + p->way[i].first);
    w->way[at].fixed_m = -w->first_m;
    if (stream == 0) {
        w->way[at].hop[1] = (unsigned char)(RX_USER + p->way[i].second);
        return;
    }
    w->way[at].hop[1] = (unsigned char)(RIS_USER + WALL_HOPS * (stream - 1) + p->way[i].second);
    w->way[at].fixed_m +=
        bias_m + vec3_dist(back ? a->tx : a->rx,
                           wall_map_image(w->cfg.walls, a->ris[stream - 1], p->way[i].third));
}

/* What a wave from each of eight directions is at the antennas, made real by folding. */
static void fold_waves(const struct way_batch *w, const double sine[GAUSS_LANES],
                       way_lanes wave[TOA_MAX_ANT])
{
    const size_t n = w->cfg.n_ant;
    for (size_t j = 0; j < n / 2; j++)
        for (size_t l = 0; l < GAUSS_LANES; l++) {
            const double phase = w->turn * w->cfg.element_m[j] * sine[l];
            wave[j][l] = (float)(M_SQRT2 * cos(phase));
            wave[n - 1 - j][l] = (float)(M_SQRT2 * sin(phase));
        }
    if (n % 2)
        wave[n / 2] = (way_lanes){1, 1, 1, 1, 1, 1, 1, 1};
}

static double sine_of(const struct way_batch *w, struct vec3 from)
{
    return vec3_sine(vec3_sub(from, w->cfg.walls->anchors.rx), w->cfg.axis, NULL);
}

static void look_at_surfaces(struct way_batch *w)
{
    for (size_t d = WALL_HOPS; d < WAY_BATCH_DIRECTIONS; d++) {
        const struct vec3 ris = w->cfg.walls->anchors.ris[d / WALL_HOPS - 1];
        double sine[GAUSS_LANES];
        sine[0] = sine_of(w, wall_map_image(w->cfg.walls, ris, d % WALL_HOPS));
        for (size_t l = 1; l < GAUSS_LANES; l++)
            sine[l] = sine[0];
        fold_waves(w, sine, w->surface[d]);
    }
}

void way_batch_list(struct way_batch *w, const struct wall_paths paths[WAY_BATCH_STREAMS],
                    const double bias_m[2], double first_m, double wavelength_m)
{
    size_t n = 0;
    w->first_m = first_m;
    w->turn = 2 * PI / wavelength_m;
    w->n_direction = 0;
    for (size_t d = 0; d < WAY_BATCH_DIRECTIONS; d++) {
        const size_t before = n;
        for (size_t s = 0; s < WAY_BATCH_STREAMS; s++)
            for (size_t i = 0; i < paths[s].n; i++)
                if (direction_of(&paths[s], s, i) == d)
                    take_way(w, &paths[s], s, i, s ? bias_m[s - 1] : 0, n++);
        if (n > before) {
            w->direction[w->n_direction] = d;
            w->end[w->n_direction++] = n;
        }
    }
    look_at_surfaces(w);
}

/* --- covariance ------------------------------------------------------------------------------- */

static void move_user(struct way_batch *w, size_t lane, struct vec3 u)
{
    const struct anchors *a = &w->cfg.walls->anchors;
    for (size_t i = 0; i < WALL_HOPS; i++) {
        const struct vec3 image = wall_map_image(w->cfg.walls, u, i);
        w->hop_m[TX_USER + i][lane] = vec3_dist(a->tx, image);
        w->hop_m[RX_USER + i][lane] = vec3_dist(a->rx, image);
        w->hop_m[RIS_USER + i][lane] = vec3_dist(a->ris[0], image);
        w->hop_m[RIS_USER + WALL_HOPS + i][lane] = vec3_dist(a->ris[1], image);
        w->sine[i][lane] = sine_of(w, image);
    }
}

/* What the bins see of a way. A place from which it is out of reach sees none of it. */
static void see_way(struct way_batch *w, size_t i, way_lanes *k)
{
    const double *first_m = w->hop_m[w->way[i].hop[0]], *second_m = w->hop_m[w->way[i].hop[1]];
    float row[GAUSS_LANES][WAY_BATCH_BINS];
    for (size_t l = 0; l < GAUSS_LANES; l++) {
        const double ahead_m = first_m[l] + second_m[l] + w->way[i].fixed_m;
        if (delay_bins_see(w->cfg.bins, ahead_m / w->cfg.bins->step_m, w->way[i].root,
                           WAY_BATCH_BINS, row[l]))
            w->power[l] += w->way[i].power;
        else
            memset(row[l], 0, sizeof row[l]);
    }
    for (size_t q = 0; q < WAY_BATCH_BINS; q++)
        for (size_t l = 0; l < GAUSS_LANES; l++)
            k[q][l] = row[l][q];
}

/* sum_i k_i k_i^T of n ways, lower triangle. */
static void add_products(way_lanes (*k)[WAY_BATCH_BINS], size_t n, size_t n_bin, way_lanes *cell)
{
    for (size_t a = 0; a < n_bin; a += HIGH)
        for (size_t b = 0; b < a + HIGH; b += WIDE) {
            way_lanes sum[HIGH][WIDE] = {{{0}}};
            for (size_t i = 0; i < n; i++)
                for (size_t r = 0; r < HIGH; r++)
                    for (size_t c = 0; c < WIDE; c++)
                        sum[r][c] += k[i][a + r] * k[i][b + c];
            for (size_t r = 0; r < HIGH && a + r < n_bin; r++)
                for (size_t c = 0; c < WIDE && b + c <= a + r; c++)
                    cell[gauss_cell(a + r, b + c)] = sum[r][c];
        }
}

static void pair_antennas(const struct way_batch *w, const way_lanes *wave, way_lanes *pair)
{
    for (size_t j = 0, p = 0; j < w->cfg.n_ant; j++)
        for (size_t i = 0; i <= j; i++)
            pair[p++] = wave[j] * wave[i];
}

/* What the map does not explain, e P R, and what ways leave beside their directions, d sum_i p_i
 * k_i k_i^T: antennas that are not quite what they are held for. */
static void keep_apart(struct way_batch *w, double error, double array_error)
{
    const way_lanes unexplained = (float)error * w->power;
    for (size_t a = 0; a < w->cfg.n_bin; a++)
        for (size_t b = 0; b <= a; b++) {
            const size_t cell = gauss_cell(a, b);
            way_lanes seen = {0};
            for (size_t d = 0; d < w->n_direction; d++)
                seen += w->sum[d][cell];
            w->apart[cell] = unexplained * w->cfg.bins->noise[a - b] + (float)array_error * seen;
        }
}

static inline __attribute__((always_inline)) void put(gauss_lanes *to, const way_lanes *x)
{
    for (size_t l = 0; l < GAUSS_LANES; l++)
        (*to)[l] = (double)(*x)[l];
}

/* Bins a, b of antennas p .. p + PAIRS - 1. */
static void spread(const struct way_batch *w, size_t a, size_t b, size_t p, way_lanes *sum)
{
    const size_t cell = gauss_cell(a, b);
    way_lanes x[PAIRS] = {{0}};
    for (size_t d = 0; d < w->n_direction; d++)
        for (size_t i = 0; i < PAIRS; i++)
            x[i] += w->sum[d][cell] * w->pair[d][p + i];
    memcpy(sum, x, sizeof x);
}

static void put_cells(const struct way_batch *w, size_t a, size_t b, struct gauss_batch *out)
{
    const size_t n = w->cfg.n_bin;
    way_lanes sum[WAY_BATCH_PAIRS];
    for (size_t p = 0; p < w->n_ant_pair; p += PAIRS)
        spread(w, a, b, p, sum + p);
    for (size_t j = 0, p = 0; j < w->cfg.n_ant; j++, p++) {
        for (size_t i = 0; i < j; i++, p++) {
            put(&out->c[gauss_cell(j * n + a, i * n + b)], &sum[p]);
            put(&out->c[gauss_cell(j * n + b, i * n + a)], &sum[p]);
        }
        const way_lanes own = sum[p] + w->apart[gauss_cell(a, b)];
        put(&out->c[gauss_cell(j * n + a, j * n + b)], &own);
    }
}

void way_batch_covariance(struct way_batch *w, const struct vec3 u[GAUSS_LANES], double error,
                          double array_error, struct gauss_batch *out)
{
    for (size_t l = 0; l < GAUSS_LANES; l++)
        move_user(w, l, u[l]);
    w->power = (way_lanes){0};
    for (size_t d = 0, i = 0; d < w->n_direction; d++) {
        way_lanes moving[TOA_MAX_ANT];
        const size_t first = i, from = w->direction[d];
        for (; i < w->end[d]; i++)
            see_way(w, i, w->seen[i - first]);
        add_products(w->seen, i - first, w->cfg.n_bin, w->sum[d]);
        if (from < WALL_HOPS)
            fold_waves(w, w->sine[from], moving);
        pair_antennas(w, from < WALL_HOPS ? moving : w->surface[from], w->pair[d]);
    }
    keep_apart(w, error, array_error);
    for (size_t a = 0; a < w->cfg.n_bin; a++)
        for (size_t b = 0; b <= a; b++)
            put_cells(w, a, b, out);
}
