/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "calib/bounds.h"
#include "calib/refuse.h"

#include <assert.h>
#include <cblas.h>
#include <lapacke.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct bounds_engine {
    const struct pixel_problem *problem;
    struct near_field *nf;
    struct pilot_mean *mean;
    struct pseudo_true_search *search;
    size_t m, t, n_max; /* n_max: most real parameters that T complex pilots can bear */
    cplx *g;            /* [10 x T] */
    cplx *mu, *eps;     /* [T] */
    cplx *jac;          /* [n_max x T] one row a parameter */
    cplx *scatter;      /* [T x M] S */
    cplx *cov;          /* [T x T] R, then its Cholesky factor in the upper triangle */
    cplx *factor;       /* [T x T] */
    double *fim;        /* [n_max x n_max] */
};

static int check(const struct pixel_problem *p, struct status *err)
{
    if (p->n_pilots < 3)
        return calib_refuse(err, ERR_ARG, "bounds need at least 3 pilots");
    if (p->n_pilots > 16384)
        return calib_refuse(err, ERR_ARG, "at most 16384 pilots");
    if (!(p->power > 0) || !isfinite(p->power))
        return calib_refuse(err, ERR_ARG, "power must be finite and above 0");
    if (!(p->range_m[0] > 0) || !(p->range_m[1] > p->range_m[0]) || !isfinite(p->range_m[1]))
        return calib_refuse(err, ERR_ARG, "the search range needs 0 < nearest < farthest");
    return 0;
}

static bool allocate(struct bounds_engine *e, enum pseudo_true_scope scope)
{
    const size_t t = e->t, n = e->n_max;
    e->mean = pilot_mean_create(e->nf, e->problem->profiles, t);
    e->search = pseudo_true_create(e->problem, e->nf, scope);
    e->g = malloc(NEAR_FIELD_ROWS * t * sizeof *e->g);
    e->mu = malloc(t * sizeof *e->mu);
    e->eps = malloc(t * sizeof *e->eps);
    e->jac = malloc(n * t * sizeof *e->jac);
    e->scatter = malloc(t * e->m * sizeof *e->scatter);
    e->cov = malloc(t * t * sizeof *e->cov);
    e->factor = malloc(t * t * sizeof *e->factor);
    e->fim = malloc(n * n * sizeof *e->fim);
    return e->mean && e->search && e->g && e->mu && e->eps && e->jac && e->scatter && e->cov &&
           e->factor && e->fim;
}

struct bounds_engine *bounds_create(const struct pixel_problem *problem,
                                    enum pseudo_true_scope scope, struct status *err)
{
    assert(problem && problem->profiles && err);
    if (check(problem, err) != 0)
        return NULL;
    struct bounds_engine *e = calloc(1, sizeof *e);
    if (!e) {
        calib_refuse(err, ERR_NO_MEMORY, "no memory for the bounds");
        return NULL;
    }
    e->problem = problem;
    e->nf = near_field_create(&problem->surface, err);
    if (!e->nf) {
        free(e);
        return NULL;
    }
    e->m = near_field_elements(e->nf);
    e->t = problem->n_pilots;
    e->n_max = 2 * e->t;
    if (!allocate(e, scope)) {
        calib_refuse(err, ERR_NO_MEMORY, "no memory for the bounds");
        bounds_destroy(&e);
    }
    return e;
}

void bounds_destroy(struct bounds_engine **engine)
{
    if (!engine || !*engine)
        return;
    struct bounds_engine *e = *engine;
    near_field_destroy(&e->nf);
    pilot_mean_destroy(&e->mean);
    pseudo_true_destroy(&e->search);
    free(e->g);
    free(e->mu);
    free(e->eps);
    free(e->jac);
    free(e->scatter);
    free(e->cov);
    free(e->factor);
    free(e->fim);
    free(e);
    *engine = NULL;
}

/* R = nv I + |beta|^2 P / (K + 1) S S^H, S = W diag(f a(p_BS)), and its Cholesky factor U^H U. */
static int make_covariance(struct bounds_engine *e, const struct pixel_truth *truth,
                           const struct bounds_channel *ch)
{
    const blasint t = (blasint)e->t, m = (blasint)e->m;
    memset(e->cov, 0, e->t * e->t * sizeof *e->cov);
    if (isfinite(ch->k_factor)) {
        const cplx *bs = near_field_bs(e->nf);
        const double each = cplx_norm(truth->gain) * e->problem->power / (ch->k_factor + 1);
        const cplx scale = each, zero = 0;
        for (size_t r = 0; r < e->t; r++)
            for (size_t i = 0; i < e->m; i++)
                e->scatter[r * e->m + i] =
                    e->problem->profiles[r * e->m + i] * bs[i] * (truth->mask ? truth->mask[i] : 1);
        cblas_zgemm(CblasRowMajor, CblasNoTrans, CblasConjTrans, t, t, m, &scale, e->scatter, m,
                    e->scatter, m, &zero, e->cov, t);
    }
    for (size_t i = 0; i < e->t; i++)
        e->cov[i * e->t + i] += ch->noise_var;
    memcpy(e->factor, e->cov, e->t * e->t * sizeof *e->cov);
    return LAPACKE_zpotrf(LAPACK_ROW_MAJOR, 'U', t, (lapack_complex_double *)e->factor, t) == 0
               ? 0
               : ERR_GEOMETRY;
}

/* FIM = 2 Re J^H R^-1 J of the first n rows of jac, whitened in place: with R = U^H U row v^T
 * becomes (U^-H v)^H = v^H U^-1. */
static void information(struct bounds_engine *e, size_t n)
{
    const cplx one = 1;
    for (size_t i = 0; i < n * e->t; i++)
        e->jac[i] = conj(e->jac[i]);
    cblas_ztrsm(CblasRowMajor, CblasRight, CblasUpper, CblasNoTrans, CblasNonUnit, (blasint)n,
                (blasint)e->t, &one, e->factor, (blasint)e->t, e->jac, (blasint)e->t);
    for (size_t i = 0; i < n; i++)
        for (size_t j = i; j < n; j++) {
            double sum = 0;
            const cplx *a = e->jac + i * e->t, *b = e->jac + j * e->t;
            for (size_t k = 0; k < e->t; k++)
                sum += creal(a[k]) * creal(b[k]) + cimag(a[k]) * cimag(b[k]);
            e->fim[i * n + j] = e->fim[j * n + i] = 2 * sum;
        }
}

/* sqrt of the trace of the position block (rows 2, 3, 4) of the inverse of fim [n x n], which is
 * destroyed. Unit diagonal first: gain and metres differ by orders. NaN when singular. */
static double position_bound(double *fim, size_t n)
{
    double scale[3], trace = 0;
    const double floor = 1e-14;
    for (size_t i = 0; i < n; i++)
        if (!(fim[i * n + i] > 0))
            return NAN;
    for (size_t i = 0; i < 3; i++)
        scale[i] = fim[(2 + i) * (n + 1)];
    for (size_t i = 0; i < n; i++)
        for (size_t j = i + 1; j < n; j++)
            fim[i * n + j] /= sqrt(fim[i * n + i]) * sqrt(fim[j * n + j]);
    for (size_t i = 0; i < n; i++)
        fim[i * n + i] = 1;
    if (LAPACKE_dpotrf(LAPACK_ROW_MAJOR, 'U', (lapack_int)n, fim, (lapack_int)n) != 0)
        return NAN;
    for (size_t i = 0; i < n; i++)
        if (fim[i * n + i] * fim[i * n + i] < floor)
            return NAN; /* rank is lost in rounding */
    if (LAPACKE_dpotri(LAPACK_ROW_MAJOR, 'U', (lapack_int)n, fim, (lapack_int)n) != 0)
        return NAN;
    for (size_t i = 0; i < 3; i++)
        trace += fim[(2 + i) * (n + 1)] / scale[i];
    return sqrt(trace);
}

/* Rows 5.. of jac: derivatives by the coefficients of the failed pixels. Returns the number of
 * parameters, or 0 when the pilots cannot bear them. */
static size_t append_coefficients(struct bounds_engine *e, const struct pixel_truth *truth,
                                  cplx gain)
{
    const cplx scale = gain * sqrt(e->problem->power);
    const cplx *b = pilot_mean_steering(e->mean);
    size_t n = 5;
    for (size_t i = 0; truth->mask && i < e->m; i++) {
        if (truth->mask[i] == 1)
            continue;
        if (n + 2 > e->n_max)
            return 0;
        for (size_t k = 0; k < e->t; k++) {
            cplx h = scale * e->problem->profiles[k * e->m + i] * b[i];
            e->jac[n * e->t + k] = h;
            e->jac[(n + 1) * e->t + k] = I * h;
        }
        n += 2;
    }
    return n;
}

static int correct_model(struct bounds_engine *e, const struct pixel_truth *truth, cplx gain,
                         struct bounds *out, struct bounds_matrices *matrices)
{
    const double power = e->problem->power;
    pilot_mean_at(e->mean, truth->position_m, truth->mask, 1, e->g);
    for (size_t k = 0; k < e->t; k++)
        e->mu[k] = gain * sqrt(power) * e->g[k];
    model_jacobian(e->g, e->t, gain, power, e->jac);
    for (size_t k = 0; k < 2 * e->t; k++) /* by beta itself; gain is what scattering leaves of it */
        e->jac[k] *= cabs(gain) / cabs(truth->gain);
    information(e, 5);
    if (matrices)
        memcpy(matrices->fim, e->fim, sizeof matrices->fim);
    out->crb_perfect_m = position_bound(e->fim, 5);
    return isnan(out->crb_perfect_m) ? ERR_GEOMETRY : 0;
}

static void known_location(struct bounds_engine *e, const struct pixel_truth *truth, cplx gain,
                           struct bounds *out)
{
    pilot_mean_at(e->mean, truth->position_m, truth->mask, 1, e->g);
    model_jacobian(e->g, e->t, gain, e->problem->power, e->jac);
    pilot_mean_at(e->mean, truth->position_m, NULL, 0, e->g); /* h_k: steering without mask */
    size_t n = append_coefficients(e, truth, gain);
    out->crb_knownloc_m = NAN;
    if (n == 0)
        return;
    information(e, n);
    out->crb_knownloc_m = position_bound(e->fim, n);
}

/* B = (4/nv^2) g g^T + (2/nv^2) Re J^H R J at the pseudo-true point; R = nv I gives the usual. */
static void score_covariance(struct bounds_engine *e, double nv, const double gradient[5],
                             double b[5][5])
{
    const blasint t = (blasint)e->t;
    const cplx one = 1, zero = 0;
    for (size_t i = 0; i < 5; i++) {
        cblas_zgemv(CblasRowMajor, CblasNoTrans, t, t, &one, e->cov, t, e->jac + i * e->t, 1, &zero,
                    e->mu, 1);
        for (size_t j = 0; j < 5; j++) {
            double sum = 0;
            const cplx *a = e->jac + j * e->t;
            for (size_t k = 0; k < e->t; k++)
                sum += creal(a[k]) * creal(e->mu[k]) + cimag(a[k]) * cimag(e->mu[k]);
            b[j][i] = 4 / (nv * nv) * gradient[i] * gradient[j] + 2 / (nv * nv) * sum;
        }
    }
}

/* sqrt tr (A^-1 B A^-1)_pos; A negative definite at a maximum of the likelihood. */
static double sandwich_bound(double a[5][5], double b[5][5])
{
    double neg[25], rhs[25], scale[5], trace = 0;
    for (int i = 0; i < 5; i++) {
        if (!(a[i][i] < 0))
            return NAN;
        scale[i] = 1 / sqrt(-a[i][i]);
    }
    for (int i = 0; i < 5; i++)
        for (int j = 0; j < 5; j++) {
            neg[5 * i + j] = -a[i][j] * scale[i] * scale[j];
            rhs[5 * i + j] = i == j;
        }
    if (LAPACKE_dposv(LAPACK_ROW_MAJOR, 'U', 5, 5, neg, 5, rhs, 5) != 0)
        return NAN;
    for (int p = 2; p < 5; p++)
        for (int i = 0; i < 5; i++)
            for (int j = 0; j < 5; j++)
                trace += scale[p] * scale[p] * rhs[5 * p + i] * scale[i] * b[i][j] * scale[j] *
                         rhs[5 * j + p];
    return sqrt(trace);
}

static void misspecified_model(struct bounds_engine *e, const struct pixel_truth *truth, double nv,
                               struct bounds *out, struct bounds_matrices *matrices)
{
    struct pseudo_true p0;
    struct model_curvature c;
    double a[5][5], b[5][5];
    const double power = e->problem->power;
    pseudo_true_find(e->search, e->mu, truth->position_m, &p0);
    pilot_mean_at(e->mean, p0.position_m, NULL, 2, e->g);
    for (size_t k = 0; k < e->t; k++)
        e->eps[k] = e->mu[k] - p0.gain * sqrt(power) * e->g[k];
    model_curvature(e->g, e->eps, e->t, p0.gain, power, &c);
    model_jacobian(e->g, e->t, p0.gain, power, e->jac);
    score_covariance(e, nv, c.gradient, b);
    for (int i = 0; i < 25; i++)
        a[i / 5][i % 5] = 2 / nv * c.hessian[i / 5][i % 5];
    if (matrices) {
        memcpy(matrices->a, a, sizeof a);
        memcpy(matrices->b, b, sizeof b);
    }
    out->pseudo_true_m = p0.position_m;
    out->pseudo_true_gain = p0.gain;
    out->misfit = p0.misfit;
    out->on_edge = p0.on_edge;
    out->local = p0.local;
    out->bias_m = vec3_dist(truth->position_m, p0.position_m);
    out->mcrb_m = p0.on_edge ? NAN : sandwich_bound(a, b);
    out->lb_m = sqrt(out->mcrb_m * out->mcrb_m + out->bias_m * out->bias_m);
}

int bounds_at(struct bounds_engine *e, const struct pixel_truth *truth,
              const struct bounds_channel *channel, struct bounds *out,
              struct bounds_matrices *matrices)
{
    assert(e && truth && channel && out);
    const struct vec3 p = truth->position_m;
    if (!isfinite(vec3_norm(p)) || !(p.z > 0) || !isfinite(cplx_norm(truth->gain)) ||
        !(cplx_norm(truth->gain) > 0) || !(channel->noise_var > 0) ||
        !isfinite(channel->noise_var) || !(channel->k_factor > 0))
        return ERR_ARG;
    memset(out, 0, sizeof *out);
    int rc = make_covariance(e, truth, channel);
    if (rc)
        return rc;
    const double k = channel->k_factor;
    const cplx gain = truth->gain * (isfinite(k) ? sqrt(k / (k + 1)) : 1);
    rc = correct_model(e, truth, gain, out, matrices);
    if (rc)
        return rc;
    known_location(e, truth, gain, out);
    misspecified_model(e, truth, channel->noise_var, out, matrices);
    return 0;
}
