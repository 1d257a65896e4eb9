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
#define LAST_WIDTH  3000

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
    struct jlfd_path path;
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

const struct jlfd_path *jlfd_beam_path(const struct jlfd_beam *ws)
{
    return &ws->path;
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

/* Refines a leaf in the expansion. Returns whether the tangent plane misjudged it by more than the
 * noise. */
static bool refine_leaf(struct jlfd_beam *ws, const struct jlfd_data *data,
                        const struct beam_leaf *leaf, const struct varpro_fit *from)
{
    struct hypothesis *t = &ws->trial;
    t->fit = *from;
    t->n = leaf->n;
    memcpy(t->support, leaf->support, leaf->n * sizeof *leaf->support);
    if (varpro_refine(ws->vp, data->y, t->support, t->n, false, &t->fit))
        t->fit.cost = INFINITY;
    return fabs(t->fit.cost - leaf->cost) > data->noise_var;
}

/* Search in the tangent plane, refine the leaves in the second order. Returns whether the plane
 * misjudged the best of them. */
static bool pass(struct jlfd_beam *ws, const struct jlfd_data *data, size_t width)
{
    const struct pixel_model *mod = ws->model;
    const struct varpro_fit at = ws->best.fit;
    bool bent = false;
    size_t stride;
    const cplx *tangent = varpro_tangent(ws->vp, at.uvq, &stride);
    struct beam_task task = {.y = data->y,
                             .beta = at.beta,
                             .uvq = {at.uvq[0], at.uvq[1], at.uvq[2]},
                             .noise_var = data->noise_var,
                             .cost_per_pixel = jlfd_typical_price(mod, data->noise_var, at.beta),
                             .width = width,
                             .depth = max_depth(mod)};
    size_t max = 2 * width < N_LEAVES ? 2 * width : N_LEAVES;
    size_t n = beam_search(ws->beam, &task, tangent, stride, ws->leaves, max);
    for (size_t i = 0; i < n; i++) {
        bool misjudged = refine_leaf(ws, data, ws->leaves + i, &at);
        if (challenge(ws, data) || ws->best.n == 0)
            bent = misjudged;
    }
    return bent;
}

/* The expansion anew around the best hypothesis, and that in it. */
static void expand(struct jlfd_beam *ws, const struct jlfd_data *data)
{
    struct hypothesis *b = &ws->best;
    int spent = b->fit.iterations;
    varpro_expand(ws->vp, b->fit.uvq);
    if (varpro_refine(ws->vp, data->y, b->support, b->n, false, &b->fit))
        return;
    b->fit.iterations += spent;
    b->score = jlfd_score(ws->model, data, &b->fit, b->support, b->n);
}

/* Does the third order of the expansion show at the best hypothesis, against a third of sigma? */
static bool strayed(const struct jlfd_beam *ws, const struct jlfd_data *data)
{
    const struct varpro_fit *fit = &ws->best.fit;
    double drift = varpro_drift(ws->vp, fit->uvq);
    double size = cabs(fit->beta) * sqrt(ws->model->typical_norm * (double)ws->model->n_elements);
    return drift * drift * drift / 3 * size > 0.3 * sqrt(data->noise_var);
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
    const struct hypothesis *b = &ws->best;
    double misfit = jlfd_misfit(ws->model, data, &b->fit, b->support, b->n);
    return jlfd_explained(ws->model, misfit, b->n);
}

/* Many failures in few pilots fit by chance: asks for a wider beam to agree. */
static bool doubtful(const struct jlfd_beam *ws, size_t width)
{
    return width == ws->first && 4 * ws->best.n > ws->model->n_pilots;
}

static void search(struct jlfd_beam *ws, const struct jlfd_data *data)
{
    expand(ws, data);
    for (size_t width = ws->first;; width = width * 10 < ws->last ? width * 10 : ws->last) {
        for (int i = 0; i < N_PASSES; i++) {
            double before = ws->best.score;
            bool bent = pass(ws, data, width);
            jlfd_path_add(&ws->path, ws->best.fit.uvq);
            if (strayed(ws, data))
                expand(ws, data);
            if (!bent || (i > 0 && !(ws->best.score < before)))
                break;
        }
        if (width >= ws->last || (explained(ws, data) && !doubtful(ws, width)))
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
    varpro_exact(ws->vp);
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
    ws->best.n = ws->path.n = 0;
    jlfd_path_add(&ws->path, ws->best.fit.uvq);
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
    ws->best.fit.iterations = 0;
    return rc ? rc : run(ws, data, out);
}
