/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Time of the map-aided fix, usual and worst, against the plain fix of the same run; of what walls
 * do to lengths and how surfaces light them; and of telling the leak from its clutter. */
#include "dsp/first_path.h"
#include "dsp/map_fix.h"
#include "dsp/map_posterior.h"
#include "tests/bench/bench.h"
#include "tests/dsp/lab_rays.h"
#include <math.h>
#include <stdlib.h>

enum {
    SQUARES = 11, /* most that an answer can ask for: 3 wide ones, 3 and 2 fine, 3 for fading */
    USERS = 200,
    REPEATS = 3,
    LARGE = 64, /* elements each way */
};

/* The linker puts this in place of gauss_log_likelihood (--wrap), which counts squares. */
static size_t asked;
void __real_gauss_log_likelihood(struct gauss_batch *batch, size_t n, const cplx *y, size_t stride,
                                 size_t n_y, double *ll);
void __wrap_gauss_log_likelihood(struct gauss_batch *batch, size_t n, const cplx *y, size_t stride,
                                 size_t n_y, double *ll);
void __wrap_gauss_log_likelihood(struct gauss_batch *batch, size_t n, const cplx *y, size_t stride,
                                 size_t n_y, double *ll)
{
    asked++;
    __real_gauss_log_likelihood(batch, n, y, stride, n_y, ll);
}

struct bench {
    struct lab_rays lab;
    struct map_fix *map;
    struct first_path_est *first;
    struct wall_error_cfg walls;
    struct toa_est *est;
    struct fix_cfg plain;
    struct wall_light *light, *large;
    cplx gamma[LARGE * LARGE];
    cplxf *h;
    struct toa toa[LAB_STREAMS];
    struct map_fix_stream in[LAB_STREAMS];
    struct fix start;
};

static void prepare_walls(struct bench *b, const struct map_fix_cfg *map)
{
    struct status err = {0};
    const struct wall_light_cfg light = lab_rays_wall_light(&b->lab, &map->walls, 0);
    b->walls = lab_rays_wall_error(&map->walls);
    b->light = wall_light_create(&light, &err);
    struct wall_light_cfg large = light;
    large.panel.rows = large.panel.columns = LARGE;
    b->large = wall_light_create(&large, &err);
    if (!b->light || !b->large)
        abort();
    for (size_t m = 0; m < LARGE * LARGE; m++)
        b->gamma[m] = b->lab.sign[0][m % 256];
}

/* fading: amplitude, of each antenna of each stream by itself. */
static void receive(struct bench *b, struct vec3 user, double fading, struct rng *rng)
{
    lab_rays_streams(&b->lab, user, rng, b->h);
    for (size_t j = 0; j < LAB_STREAMS * LAB_ANT; j++) {
        const cplxf factor = (cplxf)(1 + fading * rng_cn(rng));
        for (size_t k = 0; k < LAB_K; k++)
            b->h[j * LAB_K + k] *= factor;
    }
    for (size_t s = 0; s < LAB_STREAMS; s++) {
        const struct toa_gate gate = {2, 30};
        b->in[s] = (struct map_fix_stream){&b->h[s * LAB_ANT * LAB_K], &b->toa[s], 0};
        if (toa_estimate(b->est, b->in[s].h, &gate, 0, &b->toa[s]))
            abort();
    }
}

static void prepare(struct bench *b)
{
    struct status err = {0};
    struct rng rng = rng_seed(1);
    lab_rays_init(&b->lab, TEST_DATA_DIR "/ris.json");
    struct toa_cfg toa = {.n_ant = LAB_ANT,
                          .n_carrier = LAB_K,
                          .spacing_hz = LAB_SPACING_HZ,
                          .n_fft = 8192,
                          .min_db = 12};
    const struct map_fix_cfg map = lab_rays_map_fix(&b->lab, 0.3);
    struct first_path_cfg first = {LAB_ANT, LAB_K, LAB_SPACING_HZ};
    b->est = toa_est_create(&toa, &err);
    b->map = map_fix_create(&map, &err);
    b->first = first_path_create(&first, &err);
    b->h = calloc(LAB_STREAMS * LAB_ANT * LAB_K, sizeof *b->h);
    if (!b->est || !b->map || !b->first || !b->h)
        abort();
    receive(b, (struct vec3){3.1, 4.4, 1.2}, 0, &rng);
    prepare_walls(b, &map);
    fix_cfg_defaults(&b->plain);
    b->plain.anchors = b->lab.anchors;
    b->plain.room = b->lab.room;
    b->start = (struct fix){.position = {3.2, 4.3, 1.2}, .cov = {{0.04}, {0, 0.04}, {0, 0, 0.001}}};
}

static void run_map(void *arg)
{
    struct bench *b = arg;
    const struct observation height = {1.2, 0.03, true};
    struct fix fix = b->start;
    if (map_fix_refine(b->map, b->in, &height, &fix) == ERR_ARG)
        abort();
}

static void run_plain(void *arg)
{
    const struct bench *b = arg;
    struct observation obs[ROW_COUNT] = {[ROW_H] = {1.2, 0.03, true}};
    struct fix fix;
    for (size_t s = 0; s < LAB_STREAMS; s++)
        obs[ROW_L1 + s] = (struct observation){b->toa[s].length_m, 0.25, true};
    if (fix_solve(&b->plain, obs, NULL, &fix) < 0)
        abort();
}

/* CPU time of the fastest of some runs, and the squares that each asks for. */
static double least_ms(struct bench *b, size_t *squares)
{
    double least = INFINITY;
    asked = 0;
    run_map(b);
    *squares = asked / (LAB_STREAMS * PLAN_GRID_BATCHES);
    for (int i = 0; i < REPEATS; i++)
        least = fmin(least, bench_median_cpu_s(run_map, b, 1) * 1e3);
    return least;
}

/* Users of whom half fade antenna by antenna, and plain fixes up to 1.3 m off: long searches. */
static double longest_ms(struct bench *b, size_t *most)
{
    struct rng rng = rng_seed(2);
    double longest = 0;
    *most = 0;
    for (size_t i = 0; i < USERS; i++) {
        const double x = 2 + 4 * rng_u01(&rng), y = 2 + 4 * rng_u01(&rng),
                     far = 1.3 * rng_u01(&rng), way = 2 * PI * rng_u01(&rng);
        size_t squares;
        receive(b, (struct vec3){x, y, 1.2}, i % 2 ? sqrt(1. / 3) : 0, &rng);
        b->start.position = (struct vec3){x + far * cos(way), y + far * sin(way), 1.2};
        const double ms = least_ms(b, &squares);
        if (squares > *most)
            *most = squares, longest = ms;
        else if (squares == *most)
            longest = fmin(longest, ms);
    }
    return longest;
}

static int report_map(struct bench *b)
{
    size_t usual, most;
    const double plain = bench_median_cpu_s(run_plain, b, 101) * 1e3, map = least_ms(b, &usual),
                 longest = longest_ms(b, &most), square = longest / (double)most;
    printf("plain fix %.4f ms; map-aided fix of %zu squares %.2f ms, of %zu %.2f ms, of %d would "
           "take %.2f ms\n",
           plain, usual, map, most, longest, SQUARES, SQUARES * square);
    int over = bench_report("map-aided fix", map, "ms", 2);
    over |= bench_report("over the plain fix", map / plain, "", 600);
    over |= bench_report("longest search over usual", longest / map, "", 4);
    return over |
           bench_report("its square over a usual one", square / map * (double)usual, "", 1.3);
}

static void run_walls(void *arg)
{
    struct bench *b = arg;
    struct status err = {0};
    struct wall_error *e = wall_error_create(&b->walls, &err);
    if (!e)
        abort();
    wall_error_destroy(&e);
}

static void run_light(void *arg)
{
    struct bench *b = arg;
    if (!(wall_light_at(b->light, b->gamma, b->start.position) > 0))
        abort();
}

static void run_large(void *arg)
{
    struct bench *b = arg;
    if (!(wall_light_at(b->large, b->gamma, b->start.position) > 0))
        abort();
}

static void run_first(void *arg)
{
    struct bench *b = arg;
    struct first_path path;
    if (first_path_estimate(b->first, b->h, &b->toa[0], &path))
        abort();
}

int main(void)
{
    static struct bench b;
    int over = 0;
    prepare(&b);
    over |=
        bench_report("walls' errors, per start", bench_median_s(run_walls, &b, 5) * 1e3, "ms", 100);
    const double light = bench_median_cpu_s(run_light, &b, 101) * 1e6,
                 large = bench_median_cpu_s(run_large, &b, 51) * 1e6;
    over |= bench_report("light on walls", light, "us", 60);
    printf("light on walls, %d x %d elements: %.1f us\n", LARGE, LARGE, large);
    over |=
        bench_report("large, per element over small", large / light * 256 / (LARGE * LARGE), "", 1);
    over |= bench_report("leak among clutter, per lock", bench_median_s(run_first, &b, 3) * 1e3,
                         "ms", 1000);
    return over | report_map(&b);
}
