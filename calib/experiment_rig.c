/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "calib/experiment_rig.h"

#include <assert.h>
#include <cblas.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define N_SETUPS 4 /* points of a sweep that are visited in turn and differ in more than noise */

/* What only a change of surface, light or profiles makes anew. */
struct setup {
    struct scenario built; /* what the parts below were made for */
    struct dataset *plan;  /* its profiles; the bounds read them */
    struct pixel_problem problem;
    struct pixel_model *model; /* NULL: nothing is built */
    struct pixel_solver *solver[PIXEL_METHODS];
    struct bounds_engine *bounds;
    size_t used; /* load at which it was last used */
};

struct rig {
    struct experiment_cfg cfg;
    struct setup setups[N_SETUPS], *now;
    size_t n_loads;
    struct dataset *ds; /* of the trial */
    double k_factor;
};

struct rig *rig_create(const struct experiment_cfg *cfg)
{
    struct rig *rig = calloc(1, sizeof *rig);
    openblas_set_num_threads(1); /* one trial, one thread */
    if (rig)
        rig->cfg = *cfg;
    return rig;
}

static void drop_parts(struct setup *setup)
{
    for (int i = 0; i < PIXEL_METHODS; i++)
        pixel_solver_destroy(&setup->solver[i]);
    bounds_destroy(&setup->bounds);
    pixel_model_destroy(&setup->model);
    dataset_destroy(&setup->plan);
}

void rig_destroy(struct rig **rig)
{
    if (*rig) {
        for (int i = 0; i < N_SETUPS; i++)
            drop_parts(&(*rig)->setups[i]);
        dataset_destroy(&(*rig)->ds);
    }
    free(*rig);
    *rig = NULL;
}

const struct experiment_cfg *rig_cfg(const struct rig *rig)
{
    return &rig->cfg;
}

static bool same_numbers(const double *a, const double *b, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (a[i] != b[i] && !(isnan(a[i]) && isnan(b[i])))
            return false;
    return true;
}

/* Are surface, light, profiles, prior and search range the same? */
static bool same_setup(const struct scenario *a, const struct scenario *b)
{
    const double x[] = {a->carrier_hz, a->power, a->prior, vec3_dist(a->ris_m, b->ris_m),
                        vec3_dist(a->bs_m, b->bs_m)},
                 y[] = {b->carrier_hz, b->power, b->prior, 0, 0};
    return a->columns == b->columns && a->rows == b->rows && a->n_pilots == b->n_pilots &&
           a->profiles == b->profiles && a->profile_seed == b->profile_seed &&
           same_numbers(x, y, 5) && same_numbers(a->spacing_m, b->spacing_m, 2) &&
           same_numbers(a->range_m, b->range_m, 2) &&
           same_numbers(a->rotation[0], b->rotation[0], 9);
}

/* Takes the trial's dataset over. */
static int build(struct rig *rig, struct setup *setup, const struct scenario *scenario,
                 struct status *err)
{
    setup->built = *scenario;
    setup->plan = rig->ds;
    rig->ds = NULL;
    setup->problem = dataset_problem(setup->plan);
    setup->model = pixel_model_create(&setup->problem, err);
    bool whole = setup->model != NULL;
    for (int i = 0; whole && i < PIXEL_METHODS; i++)
        if (rig->cfg.methods & 1u << i)
            whole = (setup->solver[i] = pixel_solver_create(setup->model, i)) != NULL;
    if (setup->model && !whole) {
        err->code = ERR_NO_MEMORY;
        snprintf(err->text, sizeof err->text, "no memory for the estimators");
    }
    if (whole && rig->cfg.bounds)
        whole = (setup->bounds = bounds_create(&setup->problem, PSEUDO_TRUE_BOX, err)) != NULL;
    if (!whole)
        drop_parts(setup);
    return whole ? 0 : err->code;
}

/* The setup that was made for this scenario, else the one that rested longest, emptied. */
static struct setup *choose(struct rig *rig, const struct scenario *scenario)
{
    struct setup *oldest = rig->setups;
    for (int i = 0; i < N_SETUPS; i++) {
        struct setup *s = &rig->setups[i];
        if (s->model && same_setup(&s->built, scenario))
            return s;
        if (s->used < oldest->used)
            oldest = s;
    }
    drop_parts(oldest);
    return oldest;
}

int rig_load(struct rig *rig, const struct scenario *scenario, struct status *err)
{
    struct setup *setup = choose(rig, scenario);
    dataset_destroy(&rig->ds);
    rig->now = setup;
    rig->k_factor = scenario->k_factor;
    rig->ds = scenario_generate(scenario, err);
    if (!rig->ds)
        return err->code;
    setup->used = ++rig->n_loads;
    if (setup->model)
        return 0;
    int rc = build(rig, setup, scenario, err);
    if (rc == 0)
        rig->ds = scenario_generate(scenario, err);
    return rc ? rc : rig->ds ? 0 : err->code;
}

const struct dataset *rig_data(const struct rig *rig)
{
    return rig->ds;
}

struct vec3 rig_truth(const struct rig *rig)
{
    return dataset_to_ris(rig->ds, rig->ds->true_position_m);
}

struct bounds rig_bounds(struct rig *rig)
{
    const struct pixel_truth truth = {rig_truth(rig), rig->ds->true_gain, rig->ds->true_mask};
    const struct bounds_channel channel = {rig->ds->noise_var, rig->k_factor};
    struct bounds b;
    assert(rig->now->bounds);
    if (bounds_at(rig->now->bounds, &truth, &channel, &b, NULL))
        b = (struct bounds){
            .crb_perfect_m = NAN, .crb_knownloc_m = NAN, .mcrb_m = NAN, .bias_m = NAN, .lb_m = NAN};
    return b;
}

bool rig_solve(struct rig *rig, enum pixel_method method, struct pixel_estimate *out)
{
    const struct jlfd_data data = {rig->ds->y, rig->ds->noise_var, NULL};
    assert(rig->now->solver[method]);
    return pixel_solver_run(rig->now->solver[method], &data, out) == 0;
}

size_t rig_path(const struct rig *rig, enum pixel_method method, struct vec3 *place, size_t max)
{
    return pixel_solver_path(rig->now->solver[method], place, max);
}
