/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "calib/jlfd_beam.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define N_LEAVES    6
#define N_PASSES    4 /* tangent planes per width */
#define DISK_ROUNDS 20
#define MAX_BYTES   134217728.0
#define FIRST_WIDTH 5
#define LAST_WIDTH  5000

struct hypothesis {
    struct varpro_fit fit;
    size_t n, support[PIXEL_MAX_FAILURES];
    double score;
};

struct jlfd_beam {
    const struct pixel_model *model;
    size_t first, last;
    struct agnostic *agnostic;
    struct varpro *vp;
    struct beam *beam;
    struct hypothesis best, trial;
    struct beam_leaf leaves[N_LEAVES];
    cplx tangent[4][PIXEL_MAX_PILOTS];
    cplx *mask; /* [M] known coefficients and those held on the unit circle */
};

/* More than T/2 failures are not believed. */
static size_t max_depth(const struct pixel_model *model)
{
    size_t t = model->n_pilots, depth = t / 2 < t - 4 ? t / 2 : t - 4;
    return depth < PIXEL_MAX_FAILURES ? depth : PIXEL_MAX_FAILURES;
}

struct jlfd_beam *jlfd_beam_create(const struct pixel_model *model, const struct jlfd_beam_cfg *cfg)
{
    struct jlfd_beam *ws = calloc(1, sizeof *ws);
    if (!ws)
        return NULL;
    double room = MAX_BYTES / (48.0 * (double)model->n_elements);
    size_t depth = max_depth(model);
    ws->model = model;
    ws->first = cfg->first_width ? cfg->first_width : FIRST_WIDTH;
    ws->last = cfg->last_width ? cfg->last_width : (size_t)fmin(LAST_WIDTH, room);
    ws->last = ws->last > ws->first ? ws->last : ws->first;
    ws->agnostic = agnostic_create(model);
    ws->vp = varpro_create(model);
    ws->beam = beam_create(model, &(struct beam_cfg){ws->last, depth});
    ws->mask = calloc(model->n_elements, sizeof *ws->mask);
    if (!ws->agnostic || !ws->vp || !ws->beam || !ws->mask)
        jlfd_beam_destroy(&ws);
    return ws;
}

void jlfd_beam_destroy(struct jlfd_beam **ws)
{
    if (*ws) {
        agnostic_destroy(&(*ws)->agnostic);
        varpro_destroy(&(*ws)->vp);
        beam_destroy(&(*ws)->beam);
        free((*ws)->mask);
    }
    free(*ws);
    *ws = NULL;
}

/* Takes the trial over if it scores better. */
static bool challenge(struct jlfd_beam *ws, const struct jlfd_data *data)
{
    struct hypothesis *t = &ws->trial;
    int spent = ws->best.fit.iterations + t->fit.iterations;
    t->score = jlfd_score(ws->model, data, &t->fit, t->support, t->n);
    bool better = t->score < ws->best.score;
    if (better)
        ws->best = *t;
    ws->best.fit.iterations = spent;
    return better;
}

/* One tangent plane: search, refine the leaves. Returns whether another plane may give another
 * answer: something better was found and the plane bent away from it by more than the noise. */
static bool pass(struct jlfd_beam *ws, const struct jlfd_data *data, size_t width)
{
    const struct pixel_model *mod = ws->model;
    size_t depth = max_depth(mod);
    struct varpro_fit at = ws->best.fit;
    struct beam_task task = {.y = data->y,
                             .beta = at.beta,
                             .noise_var = data->noise_var,
                             .width = width,
                             .depth = depth};
    bool again = false;
    memcpy(task.uvq, at.uvq, sizeof task.uvq);
    task.cost_per_pixel = jlfd_typical_price(mod, data->noise_var, at.beta);
    varpro_tangent(ws->vp, at.uvq, ws->tangent[0], PIXEL_MAX_PILOTS);
    size_t n = beam_search(ws->beam, &task, ws->tangent[0], PIXEL_MAX_PILOTS, ws->leaves, N_LEAVES);
    for (size_t i = 0; i < n; i++) {
        const struct beam_leaf *leaf = ws->leaves + i;
        ws->trial.fit = at;
        ws->trial.n = leaf->n;
        memcpy(ws->trial.support, leaf->support, leaf->n * sizeof *leaf->support);
        if (varpro_refine(ws->vp, data->y, leaf->support, leaf->n, false, &ws->trial.fit))
            continue;
        bool better = challenge(ws, data);
        double bend = fabs(ws->trial.fit.cost - leaf->cost) / data->noise_var;
        again = again || bend > 1 || (better && leaf->n == depth);
    }
    return again;
}

/* Drops pixels that do not earn their price. */
static void thin_out(struct jlfd_beam *ws, const struct jlfd_data *data)
{
    for (size_t k = 0; k < ws->best.n;) {
        ws->trial = ws->best;
        ws->trial.n--;
        memmove(ws->trial.support + k, ws->trial.support + k + 1,
                (ws->trial.n - k) * sizeof *ws->trial.support);
        ws->trial.fit.iterations = 0;
        if (varpro_refine(ws->vp, data->y, ws->trial.support, ws->trial.n, false, &ws->trial.fit) ||
            !challenge(ws, data))
            k++;
        else
            k = 0;
    }
}

static bool explained(const struct jlfd_beam *ws, const struct jlfd_data *data)
{
    return jlfd_explained(ws->model, ws->best.fit.cost, data->noise_var, ws->best.n);
}

static void search(struct jlfd_beam *ws, const struct jlfd_data *data)
{
    for (size_t width = ws->first;; width = width * 10 < ws->last ? width * 10 : ws->last) {
        for (int i = 0; i < N_PASSES; i++) {
            double before = ws->best.score;
            bool bent = pass(ws, data, width);
            if (!bent || (i > 0 && !(ws->best.score < before)))
                break;
        }
        if (explained(ws, data) || width >= ws->last)
            return;
    }
}

/* Coefficients beyond the unit disc are held on it, all else refined again. */
static int hold_on_disk(struct jlfd_beam *ws, const struct jlfd_data *data, cplx *f)
{
    struct hypothesis *b = &ws->best;
    size_t n = 0, held[PIXEL_MAX_FAILURES], n_held = 0;
    for (size_t k = 0; k < b->n; k++)
        f[k] = jlfd_coefficient(ws->model, data, &b->fit, b->support[k], k);
    for (size_t k = 0; k < b->n; k++) {
        if (cabs(f[k]) > 1)
            held[n_held++] = k;
        else
            ws->trial.support[n++] = b->support[k];
    }
    if (n_held == 0)
        return 0;
    for (size_t m = 0; m < ws->model->n_elements; m++)
        ws->mask[m] = data->mask ? data->mask[m] : 1;
    for (size_t i = 0; i < n_held; i++)
        ws->mask[b->support[held[i]]] = f[held[i]] / cabs(f[held[i]]);
    varpro_assume(ws->vp, ws->mask);
    ws->trial.fit = b->fit;
    int rc = varpro_refine(ws->vp, data->y, ws->trial.support, n, true, &ws->trial.fit);
    varpro_assume(ws->vp, data->mask);
    if (rc)
        return rc;
    struct varpro_fit fit = ws->trial.fit;
    struct jlfd_data with = {data->y, data->noise_var, ws->mask};
    fit.iterations += b->fit.iterations;
    for (size_t k = 0, free_k = 0; k < b->n; k++) {
        bool is_held = cabs(f[k]) > 1;
        f[k] = is_held ? ws->mask[b->support[k]]
                       : jlfd_coefficient(ws->model, &with, &fit, b->support[k], free_k);
        ws->trial.fit.variance[k] = is_held ? b->fit.variance[k] : fit.variance[free_k];
        free_k += !is_held;
    }
    memcpy(fit.variance, ws->trial.fit.variance, sizeof fit.variance);
    for (size_t k = 0; k < b->n; k++) {
        cplx known = data->mask ? data->mask[b->support[k]] : 1;
        fit.gamma[k] =
            (f[k] - known) * fit.beta * pixel_model_user(ws->model, b->support[k], fit.uvq);
    }
    b->fit = fit;
    return 0;
}

static int finish(struct jlfd_beam *ws, const struct jlfd_data *data, struct pixel_estimate *out)
{
    struct hypothesis *b = &ws->best;
    cplx f[PIXEL_MAX_FAILURES];
    int spent = b->fit.iterations;
    thin_out(ws, data);
    int rc = varpro_refine(ws->vp, data->y, b->support, b->n, true, &b->fit);
    if (rc)
        return rc;
    b->fit.iterations += spent;
    rc = hold_on_disk(ws, data, f);
    jlfd_report(ws->model, data, &b->fit, b->support, b->n, out);
    return rc;
}

static int check(const struct jlfd_beam *ws, const struct jlfd_data *data)
{
    if (!(data->noise_var > 0) || !isfinite(data->noise_var))
        return ERR_ARG;
    for (size_t t = 0; t < ws->model->n_pilots; t++)
        if (!isfinite(creal(data->y[t])) || !isfinite(cimag(data->y[t])))
            return ERR_ARG;
    return 0;
}

static int run(struct jlfd_beam *ws, const struct jlfd_data *data, struct pixel_estimate *out)
{
    ws->best.n = 0;
    ws->best.score = ws->best.fit.cost / data->noise_var;
    search(ws, data);
    return finish(ws, data, out);
}

int jlfd_beam_run(struct jlfd_beam *ws, const struct jlfd_data *data, struct pixel_estimate *out)
{
    int rc = check(ws, data);
    varpro_assume(ws->vp, data->mask);
    if (!rc)
        rc = agnostic_run(ws->agnostic, data->y, data->mask, &ws->best.fit);
    return rc ? rc : run(ws, data, out);
}

int jlfd_beam_run_from(struct jlfd_beam *ws, const struct jlfd_data *data, const double uvq[3],
                       struct pixel_estimate *out)
{
    int rc = check(ws, data);
    varpro_assume(ws->vp, data->mask);
    memcpy(ws->best.fit.uvq, uvq, sizeof ws->best.fit.uvq);
    if (!rc)
        rc = varpro_refine(ws->vp, data->y, NULL, 0, false, &ws->best.fit);
    return rc ? rc : run(ws, data, out);
}
