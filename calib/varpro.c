/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "calib/varpro.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "calib/cvec.h"
#include "calib/newton3.h"
#include "calib/skinny.h"

#define LM_MAX     60
#define POLISH_MAX 8
#define UV_MAX     0.9999
#define STRIDE     (PIXEL_MAX_PILOTS + 4) /* not a power of two: rows must not share cache sets */

struct point {
    double x[3];
    double cost, grad[3], n[3][3]; /* n: Re J^H J */
    double left;                   /* |P g|^2 */
    cplx beta;
};

struct varpro {
    const struct pixel_model *model;
    const cplx *mask;
    size_t k;   /* columns of the support */
    cplx *rows; /* [4 x M] */
    bool local; /* use the expansion around centre */
    double centre[3];
    cplx expansion[10][STRIDE];                     /* g, its first and its second derivatives */
    double at[3];                                   /* where raw was evaluated */
    cplx raw[4][STRIDE];                            /* g and its derivatives */
    cplx g[4][STRIDE];                              /* g and its derivatives, P applied */
    cplx q[PIXEL_MAX_FAILURES + 1][STRIDE];         /* orthonormal basis of A_K */
    cplx r[PIXEL_MAX_FAILURES][PIXEL_MAX_FAILURES]; /* A_K = Q R; r[column][row] */
    cplx y[STRIDE], res[PIXEL_MAX_PILOTS];          /* P y, residual */
};

struct varpro *varpro_create(const struct pixel_model *model)
{
    struct varpro *vp = calloc(1, sizeof *vp);
    if (!vp)
        return NULL;
    vp->model = model;
    vp->rows = calloc(10 * model->n_elements, sizeof *vp->rows);
    if (!vp->rows)
        varpro_destroy(&vp);
    return vp;
}

void varpro_destroy(struct varpro **vp)
{
    if (*vp)
        free((*vp)->rows);
    free(*vp);
    *vp = NULL;
}

void varpro_assume(struct varpro *vp, const cplx *mask)
{
    vp->mask = mask;
    vp->local = false;
}

static void project(const struct varpro *vp, cplx *v)
{
    size_t n = vp->model->n_pilots;
    for (size_t k = 0; k < vp->k; k++)
        cvec_subtract(v, cvec_dot(vp->q[k], v, n), vp->q[k], n);
}

/* Gram-Schmidt, twice: the columns may be nearly dependent. */
static int set_support(struct varpro *vp, const cplx *y, const size_t *support, size_t n)
{
    size_t t = vp->model->n_pilots;
    assert(n + 4 <= t && n <= PIXEL_MAX_FAILURES);
    vp->k = 0;
    for (size_t k = 0; k < n; k++) {
        cplx *v = vp->q[k];
        memcpy(v, vp->model->a + support[k] * t, t * sizeof *v);
        memset(vp->r[k], 0, sizeof vp->r[k]);
        for (int pass = 0; pass < 2; pass++)
            for (size_t i = 0; i < k; i++) {
                cplx s = cvec_dot(vp->q[i], v, t);
                cvec_subtract(v, s, vp->q[i], t);
                vp->r[k][i] += s;
            }
        double len = sqrt(cvec_norm2(v, t));
        if (len * len < 1e-9 * vp->model->norm[support[k]] || len == 0)
            return ERR_GEOMETRY;
        vp->r[k][k] = len;
        for (size_t i = 0; i < t; i++)
            v[i] /= len;
        vp->k = k + 1;
    }
    memcpy(vp->y, y, t * sizeof *y);
    project(vp, vp->y);
    return 0;
}

static void weigh(const struct varpro *vp, size_t n_rows)
{
    size_t m = vp->model->n_elements;
    for (size_t i = 0; vp->mask && i < n_rows; i++)
        for (size_t j = 0; j < m; j++)
            vp->rows[i * m + j] = cvec_times(vp->rows[i * m + j], vp->mask[j]);
}

/* rows [n x M] -> out [n x T] = rows A. */
static void radiate(struct varpro *vp, size_t n_rows, cplx *out, size_t stride)
{
    const struct pixel_model *mod = vp->model;
    weigh(vp, n_rows);
    skinny_rows(vp->rows, n_rows, mod->n_elements, mod->a, mod->n_pilots, out, stride);
}

/* Second-order expansion of g and of its derivatives. */
static void expand_at(struct varpro *vp, const double x[3])
{
    static const int pair[3][3] = {{4, 5, 6}, {5, 7, 8}, {6, 8, 9}};
    size_t t = vp->model->n_pilots;
    double d[3];
    for (int i = 0; i < 3; i++)
        d[i] = x[i] - vp->centre[i];
    for (int i = 0; i < 3; i++) {
        const cplx *first = vp->expansion[i + 1], *s0 = vp->expansion[pair[i][0]];
        const cplx *s1 = vp->expansion[pair[i][1]], *s2 = vp->expansion[pair[i][2]];
        for (size_t j = 0; j < t; j++)
            vp->raw[i + 1][j] = first[j] + d[0] * s0[j] + d[1] * s1[j] + d[2] * s2[j];
    }
    for (size_t j = 0; j < t; j++) {
        cplx sum = vp->expansion[0][j];
        for (int i = 0; i < 3; i++)
            sum += 0.5 * d[i] * (vp->expansion[i + 1][j] + vp->raw[i + 1][j]);
        vp->raw[0][j] = sum;
    }
}

/* raw = g = A (a . mask) and its derivatives at x. */
static void mean_rows(struct varpro *vp, const double x[3])
{
    memcpy(vp->at, x, sizeof vp->at);
    if (vp->local) {
        expand_at(vp, x);
    } else {
        steer_derivatives(&vp->model->plane, x, vp->rows);
        radiate(vp, 4, vp->raw[0], STRIDE);
    }
}

static void regressors(struct varpro *vp, const double x[3])
{
    mean_rows(vp, x);
    memcpy(vp->g, vp->raw, sizeof vp->g);
    for (size_t i = 0; i < 4; i++)
        project(vp, vp->g[i]);
}

static int solve_gain(struct varpro *vp, struct point *pt)
{
    size_t t = vp->model->n_pilots;
    pt->left = cvec_norm2(vp->g[0], t);
    if (!(pt->left > 1e-12 * cvec_norm2(vp->raw[0], t)))
        return ERR_GEOMETRY;
    pt->beta = cvec_dot(vp->g[0], vp->y, t) / pt->left;
    memcpy(vp->res, vp->y, t * sizeof *vp->res);
    cvec_subtract(vp->res, pt->beta, vp->g[0], t);
    pt->cost = cvec_norm2(vp->res, t);
    return 0;
}

/* Cost, gradient / 2 and normal matrix at pt->x. */
static int evaluate(struct varpro *vp, struct point *pt)
{
    size_t t = vp->model->n_pilots;
    regressors(vp, pt->x);
    if (solve_gain(vp, pt))
        return ERR_GEOMETRY;
    for (int i = 1; i < 4; i++) { /* rows become Kaufman's J */
        cvec_subtract(vp->g[i], cvec_dot(vp->g[0], vp->g[i], t) / pt->left, vp->g[0], t);
        for (size_t j = 0; j < t; j++)
            vp->g[i][j] = -cvec_times(pt->beta, vp->g[i][j]);
    }
    for (int i = 0; i < 3; i++) {
        pt->grad[i] = creal(cvec_dot(vp->g[i + 1], vp->res, t));
        for (int j = 0; j <= i; j++)
            pt->n[i][j] = pt->n[j][i] = creal(cvec_dot(vp->g[i + 1], vp->g[j + 1], t));
    }
    return 0;
}

/* The same with q held, when the step would leave the box through a side it stands on. */
static bool boxed_step(const struct pixel_model *mod, const struct point *pt, const double h[3][3],
                       double step[3])
{
    if (!newton3_step(h, pt->grad, step))
        return false;
    double q = pt->x[2];
    if ((q <= mod->q_min && step[2] < 0) || (q >= mod->q_max && step[2] > 0)) {
        double held[3][3], g[3] = {pt->grad[0], pt->grad[1], 0};
        memcpy(held, h, sizeof held);
        held[0][2] = held[1][2] = held[2][0] = held[2][1] = 0;
        if (!newton3_step((const double(*)[3])held, g, step))
            return false;
        step[2] = 0;
    }
    return true;
}

static void move(const struct pixel_model *mod, const struct point *from, const double step[3],
                 struct point *to)
{
    for (int i = 0; i < 3; i++)
        to->x[i] = from->x[i] + step[i];
    double r = hypot(to->x[0], to->x[1]);
    if (r > UV_MAX) {
        to->x[0] *= UV_MAX / r;
        to->x[1] *= UV_MAX / r;
    }
    to->x[2] = fmin(fmax(to->x[2], mod->q_min), mod->q_max);
}

static double predicted(const struct point *pt, const double step[3])
{
    double gain = 0;
    for (int i = 0; i < 3; i++)
        gain -= step[i] * pt->grad[i];
    return gain;
}

/* Levenberg-Marquardt until a step would gain less than tol of the cost. */
static int descend(struct varpro *vp, struct point *pt, double tol, bool *converged)
{
    double lambda = 1e-4;
    int evals = 0;
    *converged = false;
    while (evals < LM_MAX) {
        double h[3][3], step[3];
        struct point next;
        memcpy(h, pt->n, sizeof h);
        for (int i = 0; i < 3; i++)
            h[i][i] += lambda * pt->n[i][i];
        if (!boxed_step(vp->model, pt, (const double(*)[3])h, step))
            break;
        if (predicted(pt, step) <= tol * pt->cost) {
            *converged = true;
            break;
        }
        move(vp->model, pt, step, &next);
        evals++;
        if (evaluate(vp, &next) || !(next.cost < pt->cost)) {
            lambda = fmax(lambda * 8, 1e-6);
            if (lambda > 1e8) {
                *converged = true; /* the cost resolves no smaller step */
                break;
            }
            continue;
        }
        bool slow = pt->cost - next.cost <= tol * pt->cost;
        *pt = next;
        lambda *= 0.1;
        if (slow) {
            *converged = true;
            break;
        }
    }
    return evals;
}

/* Hessian / 2 of the cost by forward differences of the exact gradient. */
static bool hessian(struct varpro *vp, const struct point *pt, double h[3][3])
{
    static const double delta[3] = {1e-7, 1e-7, 1e-6};
    for (int i = 0; i < 3; i++) {
        struct point side = *pt;
        side.x[i] += delta[i];
        if (evaluate(vp, &side))
            return false;
        for (int j = 0; j < 3; j++)
            h[i][j] = (side.grad[j] - pt->grad[j]) / delta[i];
    }
    for (int i = 0; i < 3; i++)
        for (int j = 0; j < i; j++)
            h[i][j] = h[j][i] = 0.5 * (h[i][j] + h[j][i]);
    return true;
}

/* Steps with one fixed matrix towards the stationary point: each must shrink what the next one
 * promises by `shrink`. Returns the evaluations. */
static int chord(struct varpro *vp, struct point *pt, const double h[3][3], double shrink,
                 bool *arrived)
{
    double best = INFINITY, step[3];
    int evals = 0;
    *arrived = false;
    while (evals < POLISH_MAX) {
        struct point next;
        if (!boxed_step(vp->model, pt, h, step))
            break;
        double gain = predicted(pt, step);
        *arrived = gain <= 1e-20 * pt->cost;
        if (*arrived || !(gain < best))
            break;
        best = shrink * gain;
        move(vp->model, pt, step, &next);
        evals++;
        if (evaluate(vp, &next) || next.cost > pt->cost * (1 + 1e-9))
            break;
        *pt = next;
    }
    return evals;
}

/* To the stationary point: Gauss and Newton's matrix does where the residual is small, else the
 * Hessian. */
static int polish_gradient(struct varpro *vp, struct point *pt)
{
    double h[3][3];
    bool arrived;
    memcpy(h, pt->n, sizeof h);
    int evals = chord(vp, pt, (const double(*)[3])h, 1e-2, &arrived);
    if (arrived || !hessian(vp, pt, h))
        return evals;
    return evals + 3 + chord(vp, pt, (const double(*)[3])h, 0.25, &arrived);
}

/* v[k] -> R^-1 v. */
static void back_substitute(const struct varpro *vp, cplx *v)
{
    for (size_t k = vp->k; k-- > 0;) {
        for (size_t j = k + 1; j < vp->k; j++)
            v[k] -= cvec_times(vp->r[j][k], v[j]);
        v[k] /= creal(vp->r[k][k]);
    }
}

/* Error of gamma = R^-1 Q^H (y - beta g): of the noise, of beta and of the position. */
static void variances(struct varpro *vp, const struct point *pt, struct varpro_fit *fit)
{
    size_t t = vp->model->n_pilots;
    cplx w[4][PIXEL_MAX_FAILURES], mix[3], unit[PIXEL_MAX_FAILURES], d[3];
    memcpy(vp->g, vp->raw, sizeof vp->g);
    for (int i = 0; i < 4; i++) {
        for (size_t k = 0; k < vp->k; k++)
            w[i][k] = cvec_dot(vp->q[k], vp->g[i], t);
        back_substitute(vp, w[i]);
        project(vp, vp->g[i]);
    }
    for (int i = 0; i < 3; i++)
        mix[i] = cvec_dot(vp->g[0], vp->g[i + 1], t) / pt->left;
    for (size_t k = 0; k < vp->k; k++)
        fit->variance[k] = 0;
    for (size_t j = 0; j < vp->k; j++) {
        memset(unit, 0, sizeof unit);
        unit[j] = 1;
        back_substitute(vp, unit);
        for (size_t k = 0; k <= j; k++)
            fit->variance[k] += cplx_norm(unit[k]);
    }
    for (size_t k = 0; k < vp->k; k++) {
        for (int i = 0; i < 3; i++)
            d[i] = cvec_times(pt->beta, w[i + 1][k] - cvec_times(w[0][k], mix[i]));
        fit->variance[k] += cplx_norm(w[0][k]) / pt->left + 0.5 * newton3_quadratic(pt->n, d);
    }
}

/* Leaves residual and basis at the answer, whatever point was evaluated last. */
static void settle(struct varpro *vp, const struct point *pt)
{
    size_t t = vp->model->n_pilots;
    cplx *last = vp->q[vp->k];
    memcpy(last, vp->raw[0], t * sizeof *last);
    project(vp, last);
    memcpy(vp->res, vp->y, t * sizeof *vp->res);
    cvec_subtract(vp->res, pt->beta, last, t);
    for (size_t i = 0; i < t; i++)
        last[i] /= sqrt(pt->left);
}

static void coefficients(struct varpro *vp, const cplx *y, const struct point *pt,
                         struct varpro_fit *fit)
{
    size_t t = vp->model->n_pilots;
    cplx v[STRIDE];
    if (memcmp(vp->at, pt->x, sizeof vp->at) != 0)
        mean_rows(vp, pt->x);
    memcpy(v, y, t * sizeof *v);
    cvec_subtract(v, pt->beta, vp->raw[0], t);
    fit->log_det = log(pt->left / cvec_norm2(vp->raw[0], t));
    for (size_t k = 0; k < vp->k; k++) {
        fit->gamma[k] = cvec_dot(vp->q[k], v, t);
        fit->log_det += 2 * log(creal(vp->r[k][k]));
    }
    back_substitute(vp, fit->gamma);
    memcpy(fit->uvq, pt->x, sizeof fit->uvq);
    memcpy(fit->information, pt->n, sizeof fit->information);
    fit->beta = pt->beta;
    fit->cost = pt->cost;
    if (vp->k > 0)
        variances(vp, pt, fit);
    settle(vp, pt);
}

int varpro_refine(struct varpro *vp, const cplx *y, const size_t *support, size_t n, bool polish,
                  struct varpro_fit *fit)
{
    static const double still[3];
    struct point start, pt;
    fit->iterations = 0;
    memcpy(start.x, fit->uvq, sizeof start.x);
    move(vp->model, &start, still, &pt);
    int rc = set_support(vp, y, support, n);
    if (!rc)
        rc = evaluate(vp, &pt);
    if (rc)
        return rc;
    double still_to_gain[3];
    fit->iterations = 1;
    fit->converged = true;
    if (!polish || !newton3_step((const double(*)[3])pt.n, pt.grad, still_to_gain) ||
        predicted(&pt, still_to_gain) > 1e-3 * pt.cost)
        fit->iterations += descend(vp, &pt, polish ? 1e-9 : 1e-4, &fit->converged);
    if (polish)
        fit->iterations += polish_gradient(vp, &pt);
    coefficients(vp, y, &pt, fit);
    return 0;
}

int varpro_linear(struct varpro *vp, const cplx *y, const size_t *support, size_t n,
                  struct varpro_fit *fit)
{
    struct point pt;
    memcpy(pt.x, fit->uvq, sizeof pt.x);
    int rc = set_support(vp, y, support, n);
    if (!rc)
        rc = evaluate(vp, &pt);
    if (rc)
        return rc;
    fit->iterations = 1;
    fit->converged = true;
    coefficients(vp, y, &pt, fit);
    return 0;
}

void varpro_expand(struct varpro *vp, const double uvq[3])
{
    memcpy(vp->centre, uvq, sizeof vp->centre);
    steer_expansion(&vp->model->plane, uvq, vp->rows);
    radiate(vp, 10, vp->expansion[0], STRIDE);
    vp->local = true;
}

void varpro_exact(struct varpro *vp)
{
    vp->local = false;
}

double varpro_drift(const struct varpro *vp, const double uvq[3])
{
    size_t t = vp->model->n_pilots;
    double sum = 0;
    for (size_t j = 0; j < t; j++) {
        cplx d = 0;
        for (int i = 0; i < 3; i++)
            d += (uvq[i] - vp->centre[i]) * vp->expansion[i + 1][j];
        sum += cplx_norm(d);
    }
    return sqrt(sum / cvec_norm2(vp->expansion[0], t));
}

const cplx *varpro_tangent(struct varpro *vp, const double uvq[3], size_t *stride)
{
    mean_rows(vp, uvq);
    *stride = STRIDE;
    return vp->raw[0];
}

const cplx *varpro_residual(const struct varpro *vp)
{
    return vp->res;
}

const cplx *varpro_basis(const struct varpro *vp, size_t *n, size_t *stride)
{
    *n = vp->k + 1;
    *stride = STRIDE;
    return vp->q[0];
}
