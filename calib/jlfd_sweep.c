/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "calib/jlfd_sweep.h"

#include <assert.h>
#include <cblas.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

struct jlfd_sweep {
    const struct pixel_model *model;
    size_t max_basis;
    cplx *user; /* [M] a(p) */
    cplx *corr; /* [(max_basis + 1) x M] */
    cplx *left; /* [(max_basis + 1) x T] conjugated */
    struct jlfd_hypothesis *all;
};

struct jlfd_sweep *jlfd_sweep_create(const struct pixel_model *model, size_t max_basis)
{
    struct jlfd_sweep *s = calloc(1, sizeof *s);
    if (!s)
        return NULL;
    s->model = model;
    s->max_basis = max_basis;
    s->user = calloc(model->n_elements, sizeof *s->user);
    s->corr = calloc((max_basis + 1) * model->n_elements, sizeof *s->corr);
    s->left = calloc((max_basis + 1) * model->n_pilots, sizeof *s->left);
    s->all = calloc(model->n_elements, sizeof *s->all);
    if (!s->user || !s->corr || !s->left || !s->all)
        jlfd_sweep_destroy(&s);
    return s;
}

void jlfd_sweep_destroy(struct jlfd_sweep **sweep)
{
    if (*sweep) {
        free((*sweep)->user);
        free((*sweep)->corr);
        free((*sweep)->left);
        free((*sweep)->all);
    }
    free(*sweep);
    *sweep = NULL;
}

/* corr = [res; basis]^H A. */
static void correlate(struct jlfd_sweep *s, const struct jlfd_sweep_task *task)
{
    static const double one[2] = {1, 0}, zero[2] = {0, 0};
    size_t t = s->model->n_pilots;
    int m = (int)s->model->n_elements, n = (int)task->n_basis + 1;
    for (size_t j = 0; j < t; j++)
        s->left[j] = conj(task->res[j]);
    for (size_t i = 0; i < task->n_basis; i++)
        for (size_t j = 0; j < t; j++)
            s->left[(i + 1) * t + j] = conj(task->basis[i * task->stride + j]);
    cblas_zgemm(CblasRowMajor, CblasNoTrans, CblasTrans, n, m, (int)t, one, s->left, (int)t,
                s->model->a, (int)t, zero, s->corr, m);
}

/* c: h_i^H r, e: |h_i'|^2. */
static void judge(const struct pixel_model *mod, const struct jlfd_sweep_task *task, cplx c,
                  double e, struct jlfd_hypothesis *out)
{
    double nv = task->noise_var, p = mod->p_fail;
    double floor = sqrt(nv / (cplx_norm(task->beta) * mod->norm[out->pixel]));
    cplx known = task->mask ? task->mask[out->pixel] : 1, gamma = c / e;
    out->f = known + gamma / task->beta;
    double size = cabs(out->f);
    if (task->disk_and_occam && size > 1) {
        out->f /= size;
        gamma = (out->f - known) * task->beta;
    }
    out->gain = (2 * creal(conj(c) * gamma) - e * cplx_norm(gamma)) / nv;
    out->delta = log((1 - p) / p) + log(2 * PI * fmin(fmax(size, floor), 1)) - out->gain;
    if (task->disk_and_occam)
        out->delta += log(cplx_norm(task->beta) * e / (PI * nv));
}

const struct jlfd_hypothesis *jlfd_sweep_run(struct jlfd_sweep *s,
                                             const struct jlfd_sweep_task *task)
{
    size_t m = s->model->n_elements;
    assert(task->n_basis <= s->max_basis);
    correlate(s, task);
    steer_user(&s->model->plane, task->uvq, s->user);
    for (size_t i = 0; i < m; i++) {
        double e = s->model->norm[i];
        for (size_t k = 1; k <= task->n_basis; k++)
            e -= cplx_norm(s->corr[k * m + i]);
        s->all[i] = (struct jlfd_hypothesis){.pixel = i, .delta = INFINITY};
        if (e > 1e-9 * s->model->norm[i])
            judge(s->model, task, conj(s->corr[i] * s->user[i]), e, s->all + i);
    }
    return s->all;
}
