/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Live pixel health on pilots made here, element by element: a walking user, wall images of
 * unknown phase on both sides of the surface, fixes that are off. Against the room's own channel:
 * tests/calib/test_pixel_room.c. */
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <setjmp.h>

#include <cmocka.h>

#include "calib/jlfd_beam.h"
#include "calib/near_field.h"
#include "calib/pixel_method.h"
#include "calib/pixel_stack.h"
#include "dsp/ris_model.h"
#include "dsp/rng.h"

enum { M = 256, N = 28, CYCLES_PER_JUDGEMENT = 5 };
#define CYCLE_S     0.2
#define FIX_SIGMA_M 0.15
#define WAVE_M      (SPEED_OF_LIGHT / 5.8e9)

struct world {
    struct pixel_health_cfg cfg;
    struct panel panel;
    struct room_box room;
    struct vec3 bs;
    cplx profiles[N * M], mask[M];
    double wall; /* amplitude of images */
    cplx bs_wall[6];
    struct rng rng;
    uint64_t cycle;
    struct pixel_health *health;
    struct pixel_map map;
};

static struct vec3 mirrored(const struct room_box *room, struct vec3 p, int wall)
{
    double *axis = wall / 2 == 0 ? &p.x : wall / 2 == 1 ? &p.y : &p.z;
    const struct vec3 *edge = wall % 2 ? &room->max : &room->min;
    double at = wall / 2 == 0 ? edge->x : wall / 2 == 1 ? edge->y : edge->z;
    *axis = 2 * at - *axis;
    return p;
}

static cplx any_phase(struct rng *rng)
{
    return cexp(I * 2 * PI * rng_u01(rng));
}

static struct world *world_create(double wall)
{
    struct world *w = calloc(1, sizeof *w);
    struct status err = {0};
    assert_non_null(w);
    w->room = (struct room_box){{0, 0, 0}, {8, 8, 3}};
    w->bs = (struct vec3){0.5, 0.5, 2.2};
    w->wall = wall;
    w->rng = rng_seed(11);
    const struct vec3 at = {7, 1.5, 1.9}, to = {4, 4, 1.2};
    const struct panel_cfg panel = {.position = at,
                                    .normal = panel_bisector(at, w->bs, to),
                                    .up = {0, 0, 1},
                                    .columns = 16,
                                    .rows = 16,
                                    .spacing_m = WAVE_M / 2};
    assert_int_equal(panel_init(&w->panel, &panel), 0);
    for (int i = 0; i < N * M; i++)
        w->profiles[i] = rng_u01(&w->rng) < 0.5 ? -1 : 1;
    for (int m = 0; m < M; m++)
        w->mask[m] = 1;
    for (int q = 0; q < 6; q++)
        w->bs_wall[q] = any_phase(&w->rng);
    w->cfg = (struct pixel_health_cfg){
        .place = {.panel = w->panel,
                  .bs = w->bs,
                  .carrier_hz = 5.8e9,
                  .room = w->room,
                  .wall_factor = {wall, wall, wall, wall, wall, wall},
                  .model_error = 0.12,
                  .n_profile = N,
                  .profiles = w->profiles},
        .forget_s = 12,
        .alarm = 0.4,
        .p_fail = 0.02,
    };
    w->health = pixel_health_create(&w->cfg, &err);
    if (!w->health)
        fail_msg("%s", err.text);
    return w;
}

static void world_destroy(struct world *w)
{
    pixel_health_destroy(&w->health);
    pixel_health_destroy(&w->health);
    free(w);
}

/* Element to a point: direct and by the walls. */
static cplx way(const struct world *w, size_t m, struct vec3 p, const cplx *turn)
{
    cplx sum = ris_hop(&w->panel, m, p, WAVE_M);
    for (int q = 0; q < 6; q++)
        sum += w->wall * turn[q] * ris_hop(&w->panel, m, mirrored(&w->room, p, q), WAVE_M);
    return sum;
}

static struct pixel_pilots pilots_at(struct world *w, struct vec3 u)
{
    struct pixel_pilots out = {
        .cycle = w->cycle, .time_s = (double)w->cycle * CYCLE_S, .n = N, .position = u};
    cplx turn[6], gain = 1e6 * any_phase(&w->rng);
    double z[4], power = 0;
    for (int q = 0; q < 6; q++)
        turn[q] = any_phase(&w->rng);
    for (size_t m = 0; m < M; m++) {
        cplx through = gain * way(w, m, u, turn) * way(w, m, w->bs, w->bs_wall) * w->mask[m];
        for (size_t t = 0; t < N; t++)
            out.y[t] += w->profiles[t * M + m] * through;
    }
    for (size_t t = 0; t < N; t++)
        power += cplx_norm(out.y[t]) / N;
    out.noise_var = power * 1e-4;
    for (size_t t = 0; t < N; t++)
        out.y[t] += sqrt(out.noise_var) * rng_cn(&w->rng);
    rng_normal2(&w->rng, z);
    rng_normal2(&w->rng, z + 2);
    out.position = vec3_add(u, (struct vec3){FIX_SIGMA_M * z[0], FIX_SIGMA_M * z[1], 0.03 * z[2]});
    out.cov[0][0] = out.cov[1][1] = FIX_SIGMA_M * FIX_SIGMA_M;
    out.cov[2][2] = 0.03 * 0.03;
    return out;
}

/* A walk through the room at 1 m/s. */
static struct vec3 walker(const struct world *w)
{
    double t = (double)w->cycle * CYCLE_S;
    return (struct vec3){4 + 1.8 * sin(0.4 * t), 4 + 1.8 * sin(0.55 * t + 1), 1.2};
}

static void one_cycle(struct world *w)
{
    struct pixel_pilots pilots = pilots_at(w, walker(w));
    pixel_health_add(w->health, &pilots);
    if (++w->cycle % CYCLES_PER_JUDGEMENT == 0)
        pixel_health_judge(w->health, &w->map);
}

static void walk(struct world *w, int cycles)
{
    for (int i = 0; i < cycles; i++)
        one_cycle(w);
}

static double worst_error(const struct world *w)
{
    double worst = 0;
    for (int m = 0; m < M; m++)
        worst = fmax(worst, cabs((cplx)w->map.mask[m] - w->mask[m]));
    return worst;
}

/* The broken pixels are found, all of them and nothing else. */
static bool exact(const struct world *w)
{
    for (int m = 0; m < M; m++)
        if ((w->map.state[m] == PIXEL_FAILED) != (w->mask[m] != 1))
            return false;
    return true;
}

static void break_five(struct world *w)
{
    w->mask[17] = w->mask[100] = 0;
    w->mask[40] = 0.4 * cexp(I * 1.2);
    w->mask[136] = 0.9 * cexp(I * -2);
    w->mask[222] = cexp(I * PI);
}

static void failures_are_found_from_a_walking_user(void **state)
{
    (void)state;
    struct world *w = world_create(0.2); /* what the delay gate leaves of factor 0.3 */
    break_five(w);
    walk(w, 125);
    printf("25 s: worst coefficient %.3f, median sigma %.3f, %zu failed, %zu unknown\n",
           worst_error(w), w->map.sigma, w->map.failed, w->map.unknown);
    assert_int_equal(w->map.failed, 5);
    assert_true(exact(w));
    assert_true(worst_error(w) < 0.25);
    assert_int_equal(w->map.unexplained, 0);
    world_destroy(w);
}

/* A cluster breaks and heals; both are seen within 30 s, and a healthy surface raises no alarm. */
static void breaking_and_healing_show_within_30_s(void **state)
{
    (void)state;
    struct world *w = world_create(0.3);
    int breaking = 0, healing = 0;
    walk(w, 75);
    assert_int_equal(w->map.failed, 0);
    for (int k = 0; k < 4; k++)
        w->mask[70 + 16 * (k / 2) + k % 2] = 0;
    for (; !exact(w) && breaking < 150; breaking++)
        one_cycle(w);
    for (int k = 0; k < 4; k++)
        w->mask[70 + 16 * (k / 2) + k % 2] = 1;
    for (; !exact(w) && healing < 150; healing++)
        one_cycle(w);
    printf("2 x 2 pixels break: reported after %.1f s; heal: cleared after %.1f s\n",
           breaking * CYCLE_S, healing * CYCLE_S);
    assert_true(breaking < 150 && healing < 150);
    world_destroy(w);
}

static void a_user_who_stands_still_proves_nothing(void **state)
{
    (void)state;
    struct world *w = world_create(0.3);
    break_five(w);
    for (int i = 0; i < 60; i++) {
        struct pixel_pilots pilots = pilots_at(w, (struct vec3){4, 4, 1.2});
        pixel_health_add(w->health, &pilots);
        w->cycle++;
    }
    pixel_health_judge(w->health, &w->map);
    assert_true(w->map.repeated > 40);
    assert_true(w->map.unknown > 200);
    for (int m = 0; m < M; m++)
        assert_true(w->map.state[m] != PIXEL_FAILED || w->mask[m] != 1);
    world_destroy(w);
}

/* Pilots that came another way: nothing near the fix explains them. */
static void foreign_pilots_are_not_explained(void **state)
{
    (void)state;
    struct world *w = world_create(0.3);
    struct pixel_pilots pilots = pilots_at(w, (struct vec3){4, 4, 1.2});
    for (int t = 0; t < N; t++)
        pilots.y[t] = rng_cn(&w->rng);
    assert_int_equal(pixel_health_add(w->health, &pilots), PIXEL_UNEXPLAINED);
    pilots.position = vec3_sub(w->panel.position, w->panel.z); /* behind the face */
    assert_int_equal(pixel_health_add(w->health, &pilots), PIXEL_UNEXPLAINED);
    world_destroy(w);
}

static void the_surface_alone_locates_the_user(void **state)
{
    (void)state;
    struct world *w = world_create(0);
    double sum = 0, across = 0;
    const int n = 40;
    for (int i = 0; i < n; i++) {
        struct vec3 u = walker(w);
        one_cycle(w);
        pixel_health_judge(w->health, &w->map);
        const struct pixel_place_fit *fit = &w->map.alone;
        assert_true(w->map.alone_valid);
        struct vec3 e = vec3_sub(fit->position, u),
                    sight = vec3_unit(vec3_sub(u, w->panel.position));
        double along = vec3_dot(e, sight);
        sum += vec3_dot(e, e) / (fit->cov[0][0] + fit->cov[1][1] + fit->cov[2][2]) / n;
        across += (vec3_dot(e, e) - along * along) / n;
    }
    printf("alone: across the sight %.1f cm rms, error^2 / covariance %.2f\n", 100 * sqrt(across),
           sum);
    assert_true(sqrt(across) < 0.1);
    assert_true(sum < 2);
    world_destroy(w);
}

/* The offline estimator on one place and the live one on many agree about the same surface. */
static void the_offline_estimator_agrees(void **state)
{
    (void)state;
    struct world *w = world_create(0);
    struct status err = {0};
    w->mask[40] = 0.4 * cexp(I * 1.2);
    w->mask[136] = 0;
    walk(w, 100);
    const struct panel *p = &w->panel;
    struct pixel_pilots pilots = pilots_at(w, (struct vec3){4, 4, 1.2});
    struct vec3 d = vec3_sub(w->bs, p->position);
    struct pixel_problem problem = {
        .surface = {.columns = 16,
                    .rows = 16,
                    .spacing_m = {WAVE_M / 2, WAVE_M / 2},
                    .wavelength_m = WAVE_M,
                    .bs_m = {vec3_dot(d, p->x), vec3_dot(d, p->y), vec3_dot(d, p->z)}},
        .n_pilots = N,
        .profiles = w->profiles,
        .y = pilots.y,
        .power = 1,
        .p_fail = 0.02,
        .range_m = {1, 8},
    };
    double power = 0;
    for (int t = 0; t < N; t++)
        power += cplx_norm(pilots.y[t]) / N;
    problem.noise_var = power * 1e-3; /* noise, and amplitudes that the offline model leaves out */
    struct pixel_model *model = pixel_model_create(&problem, &err);
    assert_non_null(model);
    struct jlfd_beam *beam = jlfd_beam_create(model, &(struct jlfd_beam_cfg){0});
    struct pixel_estimate est;
    const struct jlfd_data data = {.y = pilots.y, .noise_var = problem.noise_var};
    assert_non_null(beam);
    assert_int_equal(jlfd_beam_run(beam, &data, &est), 0);
    printf("offline: %zu failures, explained %d; live: %zu\n", est.n_failures, est.explained,
           w->map.failed);
    assert_int_equal(est.n_failures, 2);
    assert_int_equal(w->map.failed, 2);
    for (size_t i = 0; i < est.n_failures; i++) {
        size_t m = est.failures[i].index;
        assert_int_equal(w->map.state[m], PIXEL_FAILED);
        assert_true(cabs(est.failures[i].coefficient - (cplx)w->map.mask[m]) < 0.25);
    }
    jlfd_beam_destroy(&beam);
    pixel_model_destroy(&model);
    world_destroy(w);
}

/* The trains of a whole walk in one dataset: the estimator of one place finds what is broken and
 * nothing else, walls or not. */
static void a_walk_is_one_dataset(void **state)
{
    (void)state;
    struct world *w = world_create(0.2);
    struct status err = {0};
    struct pixel_estimate est;
    struct pixel_stack *stack = pixel_stack_create(&w->cfg, &err);
    assert_non_null(stack);
    assert_null(pixel_stack_dataset(stack, &err));
    assert_int_equal(err.code, ERR_STATE);
    break_five(w);
    for (; w->cycle < 60; w->cycle++) {
        const struct pixel_pilots pilots = pilots_at(w, walker(w));
        (void)pixel_stack_add(stack, &pilots);
    }
    assert_true(pixel_stack_used(stack) > 50);
    struct dataset *ds = pixel_stack_dataset(stack, &err);
    if (!ds || dataset_check(ds, &err))
        fail_msg("%s", err.text);
    assert_true(ds->noise_var > 1); /* the model's error does not average */
    const struct pixel_problem problem = dataset_problem(ds);
    const struct jlfd_data data = {.y = ds->y, .noise_var = ds->noise_var};
    struct pixel_model *model = pixel_model_create(&problem, &err);
    assert_non_null(model);
    struct pixel_solver *solver = pixel_solver_create(model, PIXEL_METHOD_JOINT);
    assert_non_null(solver);
    assert_int_equal(pixel_solver_run(solver, &data, &est), 0);
    assert_int_equal(est.n_failures, 5);
    assert_true(est.explained && est.converged);
    for (size_t i = 0; i < est.n_failures; i++) {
        const cplx truth = w->mask[est.failures[i].index];
        assert_true(truth != 1 && cabs(est.failures[i].coefficient - truth) < 0.25);
    }
    pixel_solver_destroy(&solver);
    pixel_model_destroy(&model);
    dataset_destroy(&ds);
    pixel_stack_destroy(&stack);
    world_destroy(w);
}

static void what_an_earlier_run_knew_is_recalled(void **state)
{
    (void)state;
    struct world *w = world_create(0.3);
    struct pixel_map map = {.n_element = M};
    map.state[5] = PIXEL_FAILED;
    map.mask[5] = 0;
    pixel_health_recall(w->health, &map);
    pixel_health_judge(w->health, &w->map);
    assert_int_equal(w->map.failed, 1);
    assert_int_equal(w->map.state[5], PIXEL_FAILED);
    walk(w, 100); /* it is healthy: cleared */
    assert_int_equal(w->map.failed, 0);
    world_destroy(w);
}

static void bad_settings_are_refused(void **state)
{
    (void)state;
    struct world *w = world_create(0);
    struct pixel_health_cfg good = {
        .place = {.panel = w->panel,
                  .bs = w->bs,
                  .carrier_hz = 5.8e9,
                  .model_error = 0.12,
                  .n_profile = N,
                  .profiles = w->profiles},
        .forget_s = 12,
        .alarm = 0.4,
        .p_fail = 0.02,
    };
    struct pixel_health_cfg bad[5] = {good, good, good, good, good};
    bad[0].place.n_profile = 5;
    bad[1].forget_s = 0;
    bad[2].p_fail = 1;
    bad[3].place.model_error = 0;
    bad[4].place.bs = vec3_sub(w->panel.position, w->panel.z);
    for (size_t i = 0; i < 5; i++) {
        struct status err = {0};
        assert_null(pixel_health_create(&bad[i], &err));
        assert_int_equal(err.code, ERR_ARG);
        assert_true(err.text[0]);
    }
    world_destroy(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(failures_are_found_from_a_walking_user),
        cmocka_unit_test(breaking_and_healing_show_within_30_s),
        cmocka_unit_test(a_user_who_stands_still_proves_nothing),
        cmocka_unit_test(foreign_pilots_are_not_explained),
        cmocka_unit_test(the_surface_alone_locates_the_user),
        cmocka_unit_test(the_offline_estimator_agrees),
        cmocka_unit_test(a_walk_is_one_dataset),
        cmocka_unit_test(what_an_earlier_run_knew_is_recalled),
        cmocka_unit_test(bad_settings_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
