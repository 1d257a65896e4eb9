/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Covariances by direction, eight places at once, against the sum over all ways one by one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "dsp/rng.h"
#include "dsp/way_batch.h"
#include "tests/dsp/lab_rays.h"

#define LAMBDA 0.0516884

struct bench {
    struct wall_map walls;
    struct delay_bins bins;
    struct way_batch_cfg cfg;
    struct wall_paths paths[WAY_BATCH_STREAMS];
    struct way_batch batch;
    struct gauss_batch c;
    double first_m, plain[GAUSS_MAX][GAUSS_MAX];
};

static const double bias_m[2] = {0.11, -0.07};
static const double error = 2e-3, array_error = 5e-3;

static void set_up(struct bench *b, size_t n_ant, size_t n_bin)
{
    struct lab_rays lab;
    lab_rays_init(&lab, TEST_DATA_DIR "/ris.json");
    b->walls = lab_rays_map(&lab, 0.3);
    delay_bins_init(&b->bins, LAB_K, LAB_SPACING_HZ);
    b->cfg = (struct way_batch_cfg){.walls = &b->walls,
                                    .bins = &b->bins,
                                    .n_ant = n_ant,
                                    .n_bin = n_bin,
                                    .axis = vec3_unit((struct vec3){-1, 1, 0})};
    for (size_t j = 0; j < n_ant; j++)
        b->cfg.element_m[j] = ((double)j - 0.5 * ((double)n_ant - 1)) * LAMBDA / 2;
    way_batch_init(&b->batch, &b->cfg);
    for (size_t s = 0; s < WAY_BATCH_STREAMS; s++)
        wall_paths_list(&b->walls, s, (struct vec3){4, 3.5, 1.2}, &b->paths[s]);
    b->first_m = b->paths[0].length_m[0] - 3 * b->bins.step_m;
    way_batch_list(&b->batch, b->paths, bias_m, b->first_m, LAMBDA);
}

static double sine_of(const struct bench *b, size_t s, size_t i, struct vec3 u)
{
    const size_t arrival = wall_paths_arrival(&b->paths[s], s, i);
    const struct vec3 from =
        arrival < WALL_HOPS
            ? wall_map_image(&b->walls, u, arrival)
            : wall_map_image(&b->walls, b->walls.anchors.ris[s - 1], arrival - WALL_HOPS);
    return vec3_dot(vec3_unit(vec3_sub(from, b->walls.anchors.rx)), b->cfg.axis);
}

static double length_of(const struct bench *b, size_t s, size_t i, struct vec3 u)
{
    const struct anchors *a = &b->walls.anchors;
    const bool back = b->paths[s].way[i].back;
    const struct vec3 first = wall_map_image(&b->walls, u, b->paths[s].way[i].first);
    const struct vec3 second = wall_map_image(&b->walls, u, b->paths[s].way[i].second);
    if (s == 0)
        return vec3_dist(a->tx, first) + vec3_dist(a->rx, second);
    const struct vec3 ris = wall_map_image(&b->walls, a->ris[s - 1], b->paths[s].way[i].third);
    return vec3_dist(back ? a->rx : a->tx, first) + vec3_dist(a->ris[s - 1], second) +
           vec3_dist(back ? a->tx : a->rx, ris) + bias_m[s - 1];
}

/* Antenna j of a wave, folded: even and odd about the middle. */
static double wave_at(const struct bench *b, size_t j, double sine)
{
    const size_t n = b->cfg.n_ant;
    const double turn = 2 * PI / LAMBDA * sine;
    if (2 * j + 1 == n)
        return 1;
    return j < n / 2 ? M_SQRT2 * cos(turn * b->cfg.element_m[j])
                     : M_SQRT2 * sin(turn * b->cfg.element_m[n - 1 - j]);
}

/* k x wave, or k at antenna `only` alone. */
static void add_way(struct bench *b, const float *k, double power, double sine, int only)
{
    const size_t n = b->cfg.n_bin, dim = n * b->cfg.n_ant;
    double v[GAUSS_MAX];
    for (size_t a = 0; a < dim; a++)
        v[a] = only < 0               ? k[a % n] * wave_at(b, a / n, sine)
               : (int)(a / n) == only ? (double)k[a % n]
                                      : 0;
    for (size_t x = 0; x < dim; x++)
        for (size_t y = 0; y < dim; y++)
            b->plain[x][y] += power * v[x] * v[y];
}

static void sum_plainly(struct bench *b, struct vec3 u)
{
    const size_t n = b->cfg.n_bin;
    double power = 0;
    float k[DELAY_BINS_MAX];
    memset(b->plain, 0, sizeof b->plain);
    for (size_t s = 0; s < WAY_BATCH_STREAMS; s++) {
        for (size_t i = 0; i < b->paths[s].n; i++) {
            if (!delay_bins_see(&b->bins, (length_of(b, s, i, u) - b->first_m) / b->bins.step_m,
                                (float)sqrt(b->paths[s].power[i]), (int)n, k))
                continue;
            add_way(b, k, 1, sine_of(b, s, i, u), -1);
            for (size_t j = 0; j < b->cfg.n_ant; j++)
                add_way(b, k, array_error, 0, (int)j);
            power += b->paths[s].power[i];
        }
    }
    for (size_t j = 0; j < b->cfg.n_ant; j++)
        for (size_t x = 0; x < n; x++)
            for (size_t y = 0; y < n; y++)
                b->plain[j * n + x][j * n + y] +=
                    error * power * b->bins.noise[x > y ? x - y : y - x];
}

/* One place lies so far off that ways are out of reach there. */
static void batch_is_the_plain_sum(void **state)
{
    (void)state;
    static struct bench b;
    static const size_t shape[][2] = {{4, 8}, {1, 8}, {2, 8}, {3, 8}, {5, 7}, {8, 6}};
    struct rng rng = rng_seed(3);
    for (size_t t = 0; t < sizeof shape / sizeof *shape; t++) {
        struct vec3 u[GAUSS_LANES];
        set_up(&b, shape[t][0], shape[t][1]);
        for (size_t l = 0; l < GAUSS_LANES; l++)
            u[l] = (struct vec3){1 + 6 * rng_u01(&rng), 1 + 6 * rng_u01(&rng), 1.2};
        u[5].x = 60;
        for (size_t i = 0; i < GAUSS_CELLS; i++)
            for (size_t l = 0; l < GAUSS_LANES; l++)
                b.c.c[i][l] = NAN; /* every cell is the batch's to fill */
        way_batch_covariance(&b.batch, u, error, array_error, &b.c);
        for (size_t l = 0; l < GAUSS_LANES; l++) {
            sum_plainly(&b, u[l]);
            for (size_t x = 0; x < shape[t][0] * shape[t][1]; x++)
                for (size_t y = 0; y <= x; y++)
                    /* the echo is 1: sums of floats */
                    assert_true(fabs(b.c.c[gauss_cell(x, y)][l] - b.plain[x][y]) < 5e-6);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(batch_is_the_plain_sum),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
