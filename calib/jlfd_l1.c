/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "calib/jlfd_l1.h"

#include <cblas.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define N_TURNS     60
#define TURN_STEPS  300 /* of FISTA per turn */
#define TURN_TOL    1e-4
#define CHECK_EVERY 10

static const double ONE[2] = {1, 0}, ZERO[2] = {0, 0};

struct jlfd_l1 {
    const struct pixel_model *model;
    struct agnostic *agnostic;
    struct varpro *vp;
    double top;                    /* largest eigenvalue of A^H A */
    cplx *nu, *look, *grad, *mask; /* [M] */
    cplx *user, *scratch;          /* [M] */
    cplx b[PIXEL_MAX_PILOTS], res[PIXEL_MAX_PILOTS];
    struct jlfd_path path;
};

/* out[T] = A x. */
static void forward(const struct pixel_model *mod, const cplx *x, cplx *out)
{
    cblas_zgemv(CblasRowMajor, CblasTrans, (int)mod->n_elements, (int)mod->n_pilots, ONE, mod->a,
                (int)mod->n_pilots, x, 1, ZERO, out, 1);
}

/* out[M] = conj(A^H r); r is conjugated in place and back. */
static void backward_conj(const struct pixel_model *mod, cplx *r, cplx *out)
{
    size_t t = mod->n_pilots;
    for (size_t i = 0; i < t; i++)
        r[i] = conj(r[i]);
    cblas_zgemv(CblasRowMajor, CblasNoTrans, (int)mod->n_elements, (int)t, ONE, mod->a, (int)t, r,
                1, ZERO, out, 1);
    for (size_t i = 0; i < t; i++)
        r[i] = conj(r[i]);
}

/* Power iteration on A A^H; a few per cent of margin make up for its end. */
static double top_eigenvalue(const struct pixel_model *mod, cplx *scratch)
{
    cplx v[PIXEL_MAX_PILOTS];
    double norm = 1;
    for (size_t i = 0; i < mod->n_pilots; i++)
        v[i] = CMPLX(1, 0.1 * (double)i);
    for (int i = 0; i < 200; i++) {
        double sum = 0;
        backward_conj(mod, v, scratch);
        for (size_t m = 0; m < mod->n_elements; m++)
            scratch[m] = conj(scratch[m]);
        forward(mod, scratch, v);
        for (size_t t = 0; t < mod->n_pilots; t++)
            sum += cplx_norm(v[t]);
        norm = sqrt(sum);
        for (size_t t = 0; t < mod->n_pilots; t++)
            v[t] /= norm;
    }
    return 1.02 * norm;
}

struct jlfd_l1 *jlfd_l1_create(const struct pixel_model *model)
{
    struct jlfd_l1 *ws = calloc(1, sizeof *ws);
    if (!ws)
        return NULL;
    ws->model = model;
    ws->agnostic = agnostic_create(model);
    ws->vp = varpro_create(model);
    ws->nu = calloc(6 * model->n_elements, sizeof *ws->nu);
    if (!ws->agnostic || !ws->vp || !ws->nu) {
        jlfd_l1_destroy(&ws);
        return NULL;
    }
    ws->look = ws->nu + model->n_elements;
    ws->grad = ws->look + model->n_elements;
    ws->mask = ws->grad + model->n_elements;
    ws->user = ws->mask + model->n_elements;
    ws->scratch = ws->user + model->n_elements;
    ws->top = top_eigenvalue(model, ws->scratch);
    return ws;
}

void jlfd_l1_destroy(struct jlfd_l1 **ws)
{
    if (*ws) {
        agnostic_destroy(&(*ws)->agnostic);
        varpro_destroy(&(*ws)->vp);
        free((*ws)->nu);
    }
    free(*ws);
    *ws = NULL;
}

const struct jlfd_path *jlfd_l1_path(const struct jlfd_l1 *ws)
{
    return &ws->path;
}

double jlfd_l1_lambda(const struct pixel_model *model, double noise_var, cplx beta)
{
    return sqrt(noise_var * cplx_norm(beta) * model->typical_norm * log((double)model->n_elements));
}

/* res = b + beta A (a . x); grad = its gradient in x: A = -beta H. */
static void gradient(struct jlfd_l1 *ws, cplx beta, const cplx *x)
{
    size_t m = ws->model->n_elements, t = ws->model->n_pilots;
    for (size_t i = 0; i < m; i++)
        ws->scratch[i] = ws->user[i] * x[i];
    forward(ws->model, ws->scratch, ws->res);
    for (size_t i = 0; i < t; i++)
        ws->res[i] = ws->b[i] + beta * ws->res[i];
    backward_conj(ws->model, ws->res, ws->grad);
    for (size_t i = 0; i < m; i++)
        ws->grad[i] = conj(beta * ws->user[i] * ws->grad[i]);
}

/* How far x is from the KKT conditions, with the gradient at x. */
static double violation(const struct jlfd_l1 *ws, double lambda, const cplx *x)
{
    double worst = 0;
    for (size_t i = 0; i < ws->model->n_elements; i++) {
        double size = cabs(x[i]);
        double v = size > 0 ? cabs(ws->grad[i] + lambda * x[i] / size)
                            : fmax(0, cabs(ws->grad[i]) - lambda);
        worst = fmax(worst, v);
    }
    return worst;
}

static double objective(const struct jlfd_l1 *ws, double lambda, const cplx *x)
{
    double sum = 0, l1 = 0;
    for (size_t i = 0; i < ws->model->n_pilots; i++)
        sum += cplx_norm(ws->res[i]);
    for (size_t i = 0; i < ws->model->n_elements; i++)
        l1 += cabs(x[i]);
    return 0.5 * sum + lambda * l1;
}

/* One proximal step from look; returns whether the momentum points uphill. */
static bool step(struct jlfd_l1 *ws, double rate, double lambda, double push, cplx *nu)
{
    double uphill = 0;
    for (size_t i = 0; i < ws->model->n_elements; i++) {
        cplx v = ws->look[i] - rate * ws->grad[i], old = nu[i];
        double size = sqrt(cplx_norm(v));
        nu[i] = size > rate * lambda ? v * (1 - rate * lambda / size) : 0;
        uphill += creal(conj(ws->look[i] - nu[i]) * (nu[i] - old));
        ws->look[i] = nu[i] + push * (nu[i] - old);
    }
    return uphill > 0;
}

static double lasso(struct jlfd_l1 *ws, cplx beta, double lambda, double tol, int max_iterations,
                    cplx *nu)
{
    double rate = 1 / (cplx_norm(beta) * ws->top), speed = 1;
    size_t bytes = ws->model->n_elements * sizeof *nu;
    memcpy(ws->look, nu, bytes);
    for (int i = 0; i < max_iterations; i++) {
        double next = 0.5 * (1 + sqrt(1 + 4 * speed * speed));
        gradient(ws, beta, ws->look);
        if (step(ws, rate, lambda, (speed - 1) / next, nu)) {
            memcpy(ws->look, nu, bytes); /* restart */
            next = 1;
        }
        speed = next;
        if (i % CHECK_EVERY == 0) {
            gradient(ws, beta, nu);
            if (violation(ws, lambda, nu) <= tol * lambda)
                break;
        }
    }
    gradient(ws, beta, nu);
    return objective(ws, lambda, nu);
}

/* b = y - beta H 1 and a(p) at a fit. */
static void target(struct jlfd_l1 *ws, const cplx *y, const struct varpro_fit *at)
{
    steer_user(&ws->model->plane, at->uvq, ws->user);
    forward(ws->model, ws->user, ws->b);
    for (size_t i = 0; i < ws->model->n_pilots; i++)
        ws->b[i] = y[i] - at->beta * ws->b[i];
}

double jlfd_l1_lasso(struct jlfd_l1 *ws, const cplx *y, const struct varpro_fit *at, double lambda,
                     double tol, int max_iterations, cplx *nu)
{
    target(ws, y, at);
    return lasso(ws, at->beta, lambda, tol, max_iterations, nu);
}

static double largest_correlation(struct jlfd_l1 *ws, cplx beta)
{
    double worst = 0;
    gradient(ws, beta, ws->nu);
    for (size_t i = 0; i < ws->model->n_elements; i++)
        worst = fmax(worst, cabs(ws->grad[i]));
    return worst;
}

/* The turns: lambda falls from half of the largest correlation to the noise. */
static int alternate(struct jlfd_l1 *ws, const struct jlfd_data *data, struct varpro_fit *fit)
{
    double lambda = INFINITY;
    for (int turn = 0; turn < N_TURNS; turn++) {
        double floor = jlfd_l1_lambda(ws->model, data->noise_var, fit->beta), before = lambda;
        int spent = fit->iterations;
        double u[3] = {fit->uvq[0], fit->uvq[1], fit->uvq[2]};
        target(ws, data->y, fit);
        if (turn == 0)
            lambda = largest_correlation(ws, fit->beta);
        lambda = fmax(0.5 * lambda, floor);
        lasso(ws, fit->beta, lambda, TURN_TOL, TURN_STEPS, ws->nu);
        for (size_t m = 0; m < ws->model->n_elements; m++)
            ws->mask[m] = 1 - ws->nu[m];
        varpro_assume(ws->vp, ws->mask);
        if (varpro_refine(ws->vp, data->y, NULL, 0, false, fit))
            return ERR_GEOMETRY;
        fit->iterations += spent;
        jlfd_path_add(&ws->path, fit->uvq);
        double moved = hypot(hypot(u[0] - fit->uvq[0], u[1] - fit->uvq[1]), u[2] - fit->uvq[2]);
        if (lambda >= before && moved < 1e-7)
            break;
    }
    return 0;
}

/* The pixels that deviate most, at most `most`, largest first. */
static size_t declare(const struct jlfd_l1 *ws, double least, size_t most, size_t *support)
{
    size_t n = 0;
    for (size_t i = 0; i < ws->model->n_elements; i++) {
        double size = cabs(ws->nu[i]);
        if (size < least || (n == most && size <= cabs(ws->nu[support[n - 1]])))
            continue;
        size_t k = n < most ? n++ : n - 1;
        for (; k > 0 && cabs(ws->nu[support[k - 1]]) < size; k--)
            support[k] = support[k - 1];
        support[k] = i;
    }
    return n;
}

int jlfd_l1_run(struct jlfd_l1 *ws, const struct jlfd_data *data, struct pixel_estimate *out)
{
    const struct pixel_model *mod = ws->model;
    size_t support[PIXEL_MAX_FAILURES], most = mod->n_pilots - 4;
    struct varpro_fit fit;
    if (!(data->noise_var > 0))
        return ERR_ARG;
    int rc = agnostic_run(ws->agnostic, data->y, data->mask, &fit);
    if (rc)
        return rc;
    ws->path.n = 0;
    jlfd_path_add(&ws->path, fit.uvq);
    for (size_t m = 0; m < mod->n_elements; m++)
        ws->nu[m] = data->mask ? 1 - data->mask[m] : 0;
    rc = alternate(ws, data, &fit);
    if (rc)
        return rc;
    most = most < PIXEL_MAX_FAILURES ? most : PIXEL_MAX_FAILURES;
    double least = 5 * sqrt(data->noise_var / (cplx_norm(fit.beta) * mod->typical_norm));
    size_t n = declare(ws, least, most, support);
    int spent = fit.iterations;
    varpro_assume(ws->vp, data->mask);
    rc = varpro_refine(ws->vp, data->y, support, n, true, &fit);
    if (rc)
        return rc;
    fit.iterations += spent;
    jlfd_report(mod, data, &fit, support, n, out);
    return 0;
}
