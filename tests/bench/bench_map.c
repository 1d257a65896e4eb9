/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Time of the map-aided fix, of what walls do to lengths, and of telling the leak from its clutter.
 */
#include "dsp/first_path.h"
#include "dsp/map_fix.h"
#include "tests/bench/bench.h"
#include "tests/dsp/lab_rays.h"
#include <stdlib.h>

struct bench {
    struct lab_rays lab;
    struct map_fix *map;
    struct first_path_est *first;
    struct wall_error_cfg walls;
    struct wall_light *light;
    cplx gamma[256];
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
    if (!b->light)
        abort();
    for (size_t m = 0; m < 256; m++)
        b->gamma[m] = b->lab.sign[0][m];
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
    struct toa_est *est = toa_est_create(&toa, &err);
    b->map = map_fix_create(&map, &err);
    b->first = first_path_create(&first, &err);
    b->h = calloc(LAB_STREAMS * LAB_ANT * LAB_K, sizeof *b->h);
    if (!est || !b->map || !b->first || !b->h)
        abort();
    lab_rays_streams(&b->lab, (struct vec3){3.1, 4.4, 1.2}, &rng, b->h);
    for (size_t s = 0; s < LAB_STREAMS; s++) {
        const struct toa_gate gate = {4, 30};
        b->in[s] = (struct map_fix_stream){&b->h[s * LAB_ANT * LAB_K], &b->toa[s], 0};
        if (toa_estimate(est, b->in[s].h, &gate, 0, &b->toa[s]))
            abort();
    }
    toa_est_destroy(&est);
    prepare_walls(b, &map);
    b->start = (struct fix){.position = {3.2, 4.3, 1.2}, .cov = {{0.04}, {0, 0.04}, {0, 0, 0.001}}};
}

static void run_map(void *arg)
{
    struct bench *b = arg;
    const struct observation height = {1.2, 0.03, true};
    struct fix fix = b->start;
    if (map_fix_refine(b->map, b->in, &height, &fix))
        abort();
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
    over |= bench_report("map-aided fix", bench_median_s(run_map, &b, 50) * 1e3, "ms", 2);
    over |=
        bench_report("walls' errors, per start", bench_median_s(run_walls, &b, 5) * 1e3, "ms", 100);
    over |= bench_report("light on walls", bench_median_s(run_light, &b, 100) * 1e6, "us", 60);
    over |= bench_report("leak among clutter, per lock", bench_median_s(run_first, &b, 3) * 1e3,
                         "ms", 1000);
    return over;
}
