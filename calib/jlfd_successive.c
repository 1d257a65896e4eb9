/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "calib/jlfd_successive.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "calib/jlfd_disk.h"
#include "calib/near_field.h"

#define N_TURNS  200
#define TURN_END 1e-9 /* [m] */

struct jlfd_successive {
    const struct pixel_model *model;
    enum jlfd_successive_kind kind;
    struct agnostic *agnostic;
    struct varpro *vp;
    struct jlfd_sweep *sweep;
    cplx *mask, *user, *scratch; /* [M] */
    struct varpro_fit fit;
    size_t n, support[PIXEL_MAX_FAILURES];
    cplx f[PIXEL_MAX_FAILURES];
    size_t n_steps;
    struct jlfd_path path;
    struct jlfd_step step[PIXEL_MAX_FAILURES + 1];
};

struct jlfd_successive *jlfd_successive_create(const struct pixel_model *model,
                                               enum jlfd_successive_kind kind)
{
    struct jlfd_successive *ws = calloc(1, sizeof *ws);
    if (!ws)
        return NULL;
    ws->model = model;
    ws->kind = kind;
    ws->agnostic = agnostic_create(model);
    ws->vp = varpro_create(model);
    ws->sweep = jlfd_sweep_create(model, PIXEL_MAX_FAILURES + 1);
    ws->mask = calloc(model->n_elements, sizeof *ws->mask);
    ws->user = calloc(model->n_elements, sizeof *ws->user);
    ws->scratch = calloc(model->n_elements, sizeof *ws->scratch);
    if (!ws->agnostic || !ws->vp || !ws->sweep || !ws->mask || !ws->user || !ws->scratch)
        jlfd_successive_destroy(&ws);
    return ws;
}

void jlfd_successive_destroy(struct jlfd_successive **ws)
{
    if (*ws) {
        agnostic_destroy(&(*ws)->agnostic);
        varpro_destroy(&(*ws)->vp);
        jlfd_sweep_destroy(&(*ws)->sweep);
        free((*ws)->mask);
        free((*ws)->user);
        free((*ws)->scratch);
    }
    free(*ws);
    *ws = NULL;
}

const struct jlfd_step *jlfd_successive_steps(const struct jlfd_successive *ws, size_t *n)
{
    *n = ws->n_steps;
    return ws->step;
}

const struct jlfd_path *jlfd_successive_path(const struct jlfd_successive *ws)
{
    return &ws->path;
}

static struct vec3 place(const double uvq[3])
{
    return near_field_point((struct vec3){uvq[0], uvq[1], uvq[2]});
}

/* The residual at position, gain and mask of the workspace. */
static void residual(struct jlfd_successive *ws, const cplx *y, cplx *res)
{
    pixel_model_mean(ws->model, ws->fit.uvq, ws->mask, ws->scratch, res);
    for (size_t t = 0; t < ws->model->n_pilots; t++)
        res[t] = y[t] - ws->fit.beta * res[t];
}

/* Coefficients given position and gain. radius: of the disc that holds them, or INFINITY. */
static void fit_mask(struct jlfd_successive *ws, const cplx *y, double radius)
{
    cplx res[PIXEL_MAX_PILOTS];
    residual(ws, y, res);
    steer_user(&ws->model->plane, ws->fit.uvq, ws->user);
    jlfd_disk(ws->model, ws->user, ws->fit.beta, ws->support, ws->n, radius, res, ws->f);
    for (size_t k = 0; k < ws->n; k++)
        ws->mask[ws->support[k]] = ws->f[k];
}

/* The mask given position and gain, then these given the mask. */
static int take_turn(struct jlfd_successive *ws, const cplx *y, double radius)
{
    int spent = ws->fit.iterations;
    varpro_assume(ws->vp, ws->mask);
    fit_mask(ws, y, radius);
    if (varpro_refine(ws->vp, y, NULL, 0, true, &ws->fit))
        return ERR_GEOMETRY;
    ws->fit.iterations += spent;
    return 0;
}

/* Turns until the position rests; the coefficients are free, as published. */
static int alternate(struct jlfd_successive *ws, const cplx *y)
{
    for (int turn = 0; turn < N_TURNS; turn++) {
        struct vec3 before = place(ws->fit.uvq);
        if (take_turn(ws, y, INFINITY))
            return ERR_GEOMETRY;
        if (vec3_dist(before, place(ws->fit.uvq)) < TURN_END)
            break;
    }
    return 0;
}

/* The two best hypotheses. */
static void choose(struct jlfd_successive *ws, const struct jlfd_hypothesis *all,
                   struct jlfd_step *step)
{
    step->delta = step->delta_second = INFINITY;
    for (size_t i = 0; i < ws->model->n_elements; i++) {
        bool declared = false;
        for (size_t k = 0; k < ws->n; k++)
            declared = declared || ws->support[k] == i;
        if (declared || all[i].delta >= step->delta_second)
            continue;
        step->second = i;
        step->delta_second = all[i].delta;
        if (all[i].delta < step->delta) {
            step->second = step->best;
            step->delta_second = step->delta;
            step->best = i;
            step->delta = all[i].delta;
        }
    }
}

static int update(struct jlfd_successive *ws, const struct jlfd_data *data)
{
    int spent = ws->fit.iterations;
    if (ws->kind != SUCCESSIVE_JOINT)
        return alternate(ws, data->y);
    int rc = varpro_refine(ws->vp, data->y, ws->support, ws->n, true, &ws->fit);
    ws->fit.iterations += spent;
    return rc;
}

/* One more pixel, if one wins. Returns 1 when it did, 0 at the end, negative on error. */
static int declare(struct jlfd_successive *ws, const struct jlfd_data *data)
{
    struct jlfd_step *step = ws->step + ws->n_steps++;
    cplx res[PIXEL_MAX_PILOTS];
    struct jlfd_sweep_task task = {.beta = ws->fit.beta,
                                   .noise_var = data->noise_var,
                                   .mask = ws->mask,
                                   .disk_and_occam = ws->kind != SUCCESSIVE_PUBLISHED};
    memcpy(task.uvq, ws->fit.uvq, sizeof task.uvq);
    if (ws->kind == SUCCESSIVE_JOINT) {
        task.basis = varpro_basis(ws->vp, &task.n_basis, &task.stride);
        task.res = varpro_residual(ws->vp);
    } else {
        residual(ws, data->y, res);
        task.res = res;
    }
    const struct jlfd_hypothesis *all = jlfd_sweep_run(ws->sweep, &task);
    choose(ws, all, step);
    if (!(step->delta < 0))
        return 0;
    ws->support[ws->n] = step->best;
    ws->f[ws->n++] = ws->kind == SUCCESSIVE_JOINT ? ws->mask[step->best] : all[step->best].f;
    ws->mask[step->best] = ws->f[ws->n - 1];
    int rc = update(ws, data);
    step->fit = ws->fit;
    jlfd_path_add(&ws->path, ws->fit.uvq);
    return rc ? rc : 1;
}

/* gamma of the fit from the coefficients, for the report; the fit of the support as a whole gives
 * the variances. */
static int describe(struct jlfd_successive *ws, const struct jlfd_data *data)
{
    struct varpro_fit joint = ws->fit;
    varpro_assume(ws->vp, data->mask);
    int rc = varpro_linear(ws->vp, data->y, ws->support, ws->n, &joint);
    if (rc)
        return rc;
    memcpy(ws->fit.variance, joint.variance, sizeof joint.variance);
    for (size_t k = 0; k < ws->n; k++) {
        cplx known = data->mask ? data->mask[ws->support[k]] : 1;
        cplx user = pixel_model_user(ws->model, ws->support[k], ws->fit.uvq);
        ws->fit.gamma[k] = (ws->f[k] - known) * ws->fit.beta * user;
    }
    return 0;
}

static void reset(struct jlfd_successive *ws, const struct jlfd_data *data)
{
    for (size_t m = 0; m < ws->model->n_elements; m++)
        ws->mask[m] = data->mask ? data->mask[m] : 1;
    ws->n = ws->n_steps = ws->path.n = 0;
    varpro_assume(ws->vp, data->mask);
}

static int finish(struct jlfd_successive *ws, const struct jlfd_data *data)
{
    if (ws->kind != SUCCESSIVE_JOINT) {
        int rc = take_turn(ws, data->y, 1);
        return rc ? rc : describe(ws, data);
    }
    for (size_t k = 0; k < ws->n; k++)
        ws->f[k] = jlfd_coefficient(ws->model, data, &ws->fit, ws->support[k], k);
    return 0;
}

int jlfd_successive_run(struct jlfd_successive *ws, const struct jlfd_data *data,
                        struct pixel_estimate *out)
{
    if (!(data->noise_var > 0))
        return ERR_ARG;
    reset(ws, data);
    int rc = agnostic_run(ws->agnostic, data->y, data->mask, &ws->fit);
    if (!rc)
        jlfd_path_add(&ws->path, ws->fit.uvq);
    if (!rc && ws->kind == SUCCESSIVE_JOINT)
        rc = varpro_linear(ws->vp, data->y, NULL, 0, &ws->fit);
    for (int more = 1; !rc && more && ws->n < ws->model->k_max;) {
        more = declare(ws, data);
        rc = more < 0 ? more : 0;
    }
    if (!rc)
        rc = finish(ws, data);
    if (!rc)
        jlfd_report(ws->model, data, &ws->fit, ws->support, ws->n, out);
    return rc;
}
