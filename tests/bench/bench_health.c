/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Live health of a surface's pixels, as the calibration thread keeps it: what one train costs, and
 * one judgement of all pixels. 16 x 16 elements, 28 profiles, walls on, a user who walks. */
#include <cblas.h>
#include <math.h>

#include "bench.h"
#include "calib/pixel_health.h"
#include "dsp/ris_model.h"
#include "dsp/rng.h"

enum { SIDE = 16, M = SIDE * SIDE, N = 28, TRAINS = 32 };
#define FIX_M      0.15 /* deviation of the fixes, per axis */
#define CARRIER_HZ 5.8e9
#define WAVE_M     (SPEED_OF_LIGHT / CARRIER_HZ)

struct stage {
    struct pixel_health *health;
    struct pixel_pilots train[TRAINS];
    size_t next, used;
    struct pixel_map map;
};

static void add(void *ctx)
{
    struct stage *s = ctx;
    struct pixel_pilots *train = &s->train[s->next++ % TRAINS];
    train->time_s = 0.2 * (double)s->next;
    s->used += pixel_health_add(s->health, train) == PIXEL_USED;
}

static void judge(void *ctx)
{
    struct stage *s = ctx;
    pixel_health_judge(s->health, &s->map);
}

static void make_train(struct pixel_pilots *out, const struct pixel_place_cfg *place,
                       struct vec3 user, struct rng *rng)
{
    double power = 0, off[2];
    *out = (struct pixel_pilots){.n = N};
    rng_normal2(rng, off);
    out->position = vec3_add(user, (struct vec3){FIX_M * off[0], FIX_M * off[1], 0});
    for (size_t m = 0; m < M; m++) {
        cplx through = 1e6 * ris_hop(&place->panel, m, user, WAVE_M) *
                       ris_hop(&place->panel, m, place->bs, WAVE_M);
        for (size_t t = 0; t < N; t++)
            out->y[t] += place->profiles[t * M + m] * through;
    }
    for (size_t t = 0; t < N; t++)
        power += cplx_norm(out->y[t]) / N;
    out->noise_var = 1e-3 * power;
    for (size_t t = 0; t < N; t++)
        out->y[t] += sqrt(out->noise_var) * rng_cn(rng);
    out->cov[0][0] = out->cov[1][1] = FIX_M * FIX_M;
    out->cov[2][2] = 0.03 * 0.03;
}

static void open_stage(struct stage *s)
{
    static cplx profiles[N * M];
    struct rng rng = rng_seed(1);
    struct status err;
    const struct vec3 at = {7, 1.5, 1.9}, bs = {0.5, 0.5, 2.2}, middle = {4, 4, 1.2};
    const struct panel_cfg panel = {.position = at,
                                    .normal = panel_bisector(at, bs, middle),
                                    .up = {0, 0, 1},
                                    .columns = SIDE,
                                    .rows = SIDE,
                                    .spacing_m = WAVE_M / 2};
    struct pixel_health_cfg cfg = {.place = {.bs = bs,
                                             .carrier_hz = CARRIER_HZ,
                                             .room = {{0, 0, 0}, {8, 8, 3}},
                                             .wall_factor = {0.3, 0.3, 0.3, 0.3, 0.3, 0.3},
                                             .model_error = 0.12,
                                             .n_profile = N,
                                             .profiles = profiles},
                                   .forget_s = 12,
                                   .alarm = 0.4,
                                   .p_fail = 0.02};
    for (int i = 0; i < N * M; i++)
        profiles[i] = rng_u01(&rng) < 0.5 ? -1 : 1;
    if (panel_init(&cfg.place.panel, &panel) || !(s->health = pixel_health_create(&cfg, &err)))
        abort();
    for (int i = 0; i < TRAINS; i++)
        make_train(&s->train[i], &cfg.place,
                   (struct vec3){4 + 1.8 * sin(0.4 * i), 4 + 1.8 * sin(0.55 * i + 1), 1.2}, &rng);
}

int main(void)
{
    static struct stage s;
    openblas_set_num_threads(1);
    open_stage(&s);
    int over =
        bench_report("pixel health, a train", 1e3 * bench_median_cpu_s(add, &s, 101), "ms", 20);
    over +=
        bench_report("pixel health, judgement", 1e3 * bench_median_cpu_s(judge, &s, 21), "ms", 20);
    printf("  (%zu of %zu trains used, %zu pixels unknown)\n", s.used, s.next, s.map.unknown);
    pixel_health_destroy(&s.health);
    return over > 0 || s.used < s.next / 2;
}
