/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "calib/pseudo_true.h"

#include <assert.h>
#include <lapacke.h>
#include <stdlib.h>
#include <string.h>

#include "calib/codebook.h"

#define N_START     16 /* peaks refined */
#define MAX_STEPS   60 /* of Levenberg-Marquardt */
#define MAX_SINE    0.9999
#define EDGE_MARGIN 1e-9

struct pseudo_true_search {
    const struct pixel_problem *problem;
    const struct near_field *nf;
    struct pilot_mean *mean;
    struct pixel_model *model; /* with its codebook; NULL: LOCAL */
    struct codebook_scratch *scratch;
    size_t t;
    double q[2]; /* 1 / range_m, ascending */
    cplx *g;     /* [10 x T] */
    cplx *eps;   /* [T] */
    cplx *jac;   /* [5 x T] */
};

void model_jacobian(const cplx *g, size_t n, cplx gain, double power, cplx *jac)
{
    const cplx scale[5] = {sqrt(power), I * sqrt(power), gain * sqrt(power), gain * sqrt(power),
                           gain * sqrt(power)};
    for (size_t i = 0; i < 5; i++) {
        const cplx *row = g + (i < 2 ? 0 : i - 1) * n;
        for (size_t t = 0; t < n; t++)
            jac[i * n + t] = scale[i] * row[t];
    }
}

/* Re sum_t conj(a) b */
static double inner(const cplx *a, const cplx *b, size_t n)
{
    double sum = 0;
    for (size_t t = 0; t < n; t++)
        sum += creal(a[t]) * creal(b[t]) + cimag(a[t]) * cimag(b[t]);
    return sum;
}

static cplx inner_cplx(const cplx *a, const cplx *b, size_t n)
{
    cplx sum = 0;
    for (size_t t = 0; t < n; t++)
        sum += conj(a[t]) * b[t];
    return sum;
}

/* Row of g that holds the derivative by theta_i, and by theta_i and theta_j; gain rows are g's own.
 * The second derivative by the gain vanishes. */
static size_t row_of(size_t i, size_t j)
{
    static const size_t second[3][3] = {{4, 5, 6}, {5, 7, 8}, {6, 8, 9}};
    if (i < 2)
        return j - 1;
    return second[i - 2][j - 2];
}

void model_curvature(const cplx *g, const cplx *eps, size_t n, cplx gain, double power,
                     struct model_curvature *out)
{
    const double root = sqrt(power);
    const cplx scale[5] = {root, I * root, gain * root, gain * root, gain * root};
    cplx cross[5][5];
    for (size_t i = 0; i < 5; i++)
        for (size_t j = 0; j < 5; j++)
            cross[i][j] = inner_cplx(g + (i < 2 ? 0 : i - 1) * n, g + (j < 2 ? 0 : j - 1) * n, n);
    for (size_t i = 0; i < 5; i++) {
        out->gradient[i] = creal(conj(scale[i]) * inner_cplx(g + (i < 2 ? 0 : i - 1) * n, eps, n));
        for (size_t j = i; j < 5; j++) {
            double d2 = 0, jj = creal(conj(scale[i]) * scale[j] * cross[i][j]);
            if (j >=
                2) { /* scale[i] is the factor of both: gain rows carry root, others beta root */
                cplx e = inner_cplx(eps, g + row_of(i, j) * n, n);
                d2 = creal(scale[i] * e);
            }
            out->gram[i][j] = out->gram[j][i] = jj;
            out->hessian[i][j] = out->hessian[j][i] = d2 - jj;
        }
    }
}

/* Gain by least squares, eps = mu - beta sqrt(P) g; returns |eps|^2. */
static double project(struct pseudo_true_search *s, const cplx *mu, cplx *gain)
{
    const double root = sqrt(s->problem->power), norm = inner(s->g, s->g, s->t);
    const cplx c = norm > 0 ? inner_cplx(s->g, mu, s->t) / norm : 0;
    for (size_t t = 0; t < s->t; t++)
        s->eps[t] = mu[t] - c * s->g[t];
    *gain = c / root;
    return inner(s->eps, s->eps, s->t);
}

static double cost_at(struct pseudo_true_search *s, const cplx *mu, struct vec3 uvq, int order,
                      cplx *gain)
{
    pilot_mean_at(s->mean, near_field_point(uvq), NULL, order, s->g);
    return project(s, mu, gain);
}

static double *component(struct vec3 *v, int i)
{
    return i == 0 ? &v->x : i == 1 ? &v->y : &v->z;
}

/* Into the box: q within its limits, direction off the horizon. */
static struct vec3 clip(const struct pseudo_true_search *s, struct vec3 uvq)
{
    double sine = sqrt(uvq.x * uvq.x + uvq.y * uvq.y);
    if (sine > MAX_SINE) {
        uvq.x *= MAX_SINE / sine;
        uvq.y *= MAX_SINE / sine;
    }
    uvq.z = fmin(fmax(uvq.z, s->q[0]), s->q[1]);
    return uvq;
}

/* Normal equations of the projected residual in uvq: columns P beta sqrt(P) dg/duvq, with
 * P the projector off g (Kaufman). */
static void normal_equations(struct pseudo_true_search *s, struct vec3 uvq, cplx gain,
                             double gram[3][3], double gradient[3])
{
    double jac[3][3];
    near_field_jacobian(uvq, jac);
    const double norm = inner(s->g, s->g, s->t);
    for (size_t j = 0; j < 3; j++) {
        cplx *col = s->jac + j * s->t;
        for (size_t t = 0; t < s->t; t++) {
            cplx d = 0;
            for (size_t i = 0; i < 3; i++)
                d += jac[i][j] * s->g[(1 + i) * s->t + t];
            col[t] = gain * sqrt(s->problem->power) * d;
        }
        const cplx along = inner_cplx(s->g, col, s->t) / norm;
        for (size_t t = 0; t < s->t; t++)
            col[t] -= along * s->g[t];
        gradient[j] = inner(col, s->eps, s->t);
        for (size_t i = 0; i <= j; i++)
            gram[i][j] = gram[j][i] = inner(s->jac + i * s->t, col, s->t);
    }
}

/* Inverse range stands at a limit and the cost falls beyond it. */
static bool held(const struct pseudo_true_search *s, struct vec3 uvq, const double gradient[3])
{
    return (uvq.z <= s->q[0] && gradient[2] < 0) || (uvq.z >= s->q[1] && gradient[2] > 0);
}

static bool solve_damped(double gram[3][3], const double gradient[3], double damping, bool hold,
                         double step[3])
{
    double a[9];
    memcpy(step, gradient, 3 * sizeof *step);
    for (int i = 0; i < 3; i++)
        for (int j = 0; j < 3; j++)
            a[3 * i + j] = gram[i][j] * (i == j ? 1 + damping : 1);
    if (hold) {
        a[2] = a[5] = a[6] = a[7] = step[2] = 0;
        a[8] = 1;
    }
    return LAPACKE_dposv(LAPACK_ROW_MAJOR, 'U', 3, 1, a, 3, step, 1) == 0;
}

/* Levenberg-Marquardt from *uvq; returns the cost. */
static double refine(struct pseudo_true_search *s, const cplx *mu, struct vec3 *uvq)
{
    double damping = 1e-3, gram[3][3], gradient[3], step[3];
    cplx gain, trial_gain;
    double cost = cost_at(s, mu, *uvq, 1, &gain);
    normal_equations(s, *uvq, gain, gram, gradient);
    for (int n = 0; n < MAX_STEPS; n++) {
        bool hold = held(s, *uvq, gradient);
        if (!solve_damped(gram, gradient, damping, hold, step))
            break;
        struct vec3 trial = *uvq;
        for (int i = 0; i < 3; i++)
            *component(&trial, i) += step[i];
        trial = clip(s, trial);
        double moved = fabs(trial.x - uvq->x) + fabs(trial.y - uvq->y) + fabs(trial.z - uvq->z);
        double next = cost_at(s, mu, trial, 1, &trial_gain);
        if (next <= cost) {
            *uvq = trial;
            cost = next;
            gain = trial_gain;
            damping = fmax(damping * 0.1, 1e-12);
            normal_equations(s, *uvq, gain, gram, gradient);
        } else {
            damping *= 8;
        }
        if (moved < 1e-11 || damping > 1e12)
            break;
    }
    return cost;
}

/* theta -= Hessian^-1 gradient until the step is rounding. Returns false, and leaves *out alone,
 * when it walks away: then the point was no minimum. */
static bool polish(struct pseudo_true_search *s, const cplx *mu, struct pseudo_true *out)
{
    struct vec3 p = out->position_m;
    cplx gain = out->gain;
    for (int n = 0; n < 20; n++) {
        struct model_curvature c;
        double a[25], step[5], size = 0;
        pilot_mean_at(s->mean, p, NULL, 2, s->g);
        for (size_t t = 0; t < s->t; t++)
            s->eps[t] = mu[t] - gain * sqrt(s->problem->power) * s->g[t];
        model_curvature(s->g, s->eps, s->t, gain, s->problem->power, &c);
        for (int i = 0; i < 25; i++)
            a[i] = -c.hessian[i / 5][i % 5];
        memcpy(step, c.gradient, sizeof step);
        if (LAPACKE_dposv(LAPACK_ROW_MAJOR, 'U', 5, 1, a, 5, step, 1) != 0)
            return false;
        gain += CMPLX(step[0], step[1]);
        p = vec3_add(p, (struct vec3){step[2], step[3], step[4]});
        size = vec3_norm((struct vec3){step[2], step[3], step[4]});
        if (!(vec3_dist(p, out->position_m) < 1e-3 * vec3_norm(p)))
            return false;
        if (size < 1e-13 * vec3_norm(p))
            break;
    }
    out->position_m = p;
    out->gain = gain;
    return true;
}

void pseudo_true_find(struct pseudo_true_search *s, const cplx *mu, struct vec3 truth,
                      struct pseudo_true *out)
{
    assert(s && mu && out);
    struct codebook_hit start[N_START];
    const size_t n =
        s->model ? codebook_search(s->model->codebook, s->scratch, mu, start, N_START) : 0;
    struct vec3 best = clip(s, near_field_uvq(truth));
    double cost = refine(s, mu, &best);
    for (size_t i = 0; i < n; i++) {
        const double *x = start[i].uvq;
        struct vec3 uvq = clip(s, (struct vec3){x[0], x[1], x[2]});
        double c = refine(s, mu, &uvq);
        if (c < cost) {
            cost = c;
            best = uvq;
        }
    }
    *out = (struct pseudo_true){.position_m = near_field_point(best), .local = !s->model};
    cost_at(s, mu, best, 0, &out->gain);
    const double q_margin = EDGE_MARGIN * s->q[1];
    const double sine = sqrt(best.x * best.x + best.y * best.y);
    out->on_edge = best.z <= s->q[0] + q_margin || best.z >= s->q[1] - q_margin ||
                   sine >= MAX_SINE * (1 - EDGE_MARGIN);
    if (!out->on_edge)
        out->on_edge = !polish(s, mu, out);
    pilot_mean_at(s->mean, out->position_m, NULL, 0, s->g);
    for (size_t t = 0; t < s->t; t++)
        s->eps[t] = mu[t] - out->gain * sqrt(s->problem->power) * s->g[t];
    out->misfit = inner(s->eps, s->eps, s->t);
}

static bool allocate(struct pseudo_true_search *s, enum pseudo_true_scope scope)
{
    struct status unable;
    s->mean = pilot_mean_create(s->nf, s->problem->profiles, s->t);
    s->g = malloc(NEAR_FIELD_ROWS * s->t * sizeof *s->g);
    s->eps = malloc(s->t * sizeof *s->eps);
    s->jac = malloc(5 * s->t * sizeof *s->jac);
    if (!s->mean || !s->g || !s->eps || !s->jac)
        return false;
    if (scope == PSEUDO_TRUE_BOX)
        s->model = pixel_model_create(s->problem, &unable);
    if (s->model)
        s->scratch = codebook_scratch_create(s->model->codebook);
    return !s->model || s->scratch;
}

struct pseudo_true_search *pseudo_true_create(const struct pixel_problem *problem,
                                              const struct near_field *nf,
                                              enum pseudo_true_scope scope)
{
    assert(problem && nf && problem->n_pilots > 0 && problem->range_m[0] > 0 &&
           problem->range_m[1] > problem->range_m[0]);
    struct pseudo_true_search *s = calloc(1, sizeof *s);
    if (!s)
        return NULL;
    s->problem = problem;
    s->nf = nf;
    s->t = problem->n_pilots;
    s->q[0] = 1 / problem->range_m[1];
    s->q[1] = 1 / problem->range_m[0];
    if (!allocate(s, scope))
        pseudo_true_destroy(&s);
    return s;
}

void pseudo_true_destroy(struct pseudo_true_search **search)
{
    if (!search || !*search)
        return;
    struct pseudo_true_search *s = *search;
    pilot_mean_destroy(&s->mean);
    codebook_scratch_destroy(&s->scratch);
    pixel_model_destroy(&s->model);
    free(s->g);
    free(s->eps);
    free(s->jac);
    free(s);
    *search = NULL;
}
