/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "dsp/delay_angle_priv.h"
#include "dsp/spd.h"
#include <assert.h>
#include <string.h>

enum { STEPS = 60 };
#define ONE_WAY 1e-9 /* of a way's energy is all that sets it apart: it is another's */

void delay_angle_steer(const struct delay_angle *e, struct way *w)
{
    const double u = e->sine[w->source], r = e->model.source[w->source].range_m;
    for (size_t j = 0; j < e->cfg.n_ant; j++) {
        const double x = e->cfg.element_m[j], bend = isfinite(r) ? x * x / r : 0;
        const double turn = 2 * PI / e->cfg.wavelength_m;
        w->a[j] = cexp(I * turn * (x * u - 0.5 * bend * (1 - u * u)));
        w->da[j] = I * turn * (x + bend * u) * w->a[j];
    }
}

/* x [n] becomes the solution of the Hermitian system whose real form is factored in gram. */
static void solve(const struct delay_angle *e, cplx *x)
{
    const size_t n = e->n_way;
    double v[2 * WAYS];
    for (size_t i = 0; i < n; i++) {
        v[i] = creal(x[i]);
        v[n + i] = cimag(x[i]);
    }
    spd_solve(e->gram, 2 * n, v);
    for (size_t i = 0; i < n; i++)
        x[i] = CMPLX(v[i], v[n + i]);
}

/* Products of the ways by the overlaps of their delays, as [Re -Im; Im Re], factored. */
static bool factor(struct delay_angle *e)
{
    const size_t n = e->n_way, M = e->cfg.n_ant;
    for (size_t v = 0; v < n; v++)
        for (size_t w = 0; w < n; w++) {
            const cplx g =
                dot(e->way[v].a, e->way[w].a, M) * e->overlap[e->way[v].path][e->way[w].path][0];
            e->gram[v * 2 * n + w] = e->gram[(n + v) * 2 * n + n + w] = creal(g);
            e->gram[(n + v) * 2 * n + w] = cimag(g);
            e->gram[v * 2 * n + n + w] = -cimag(g);
        }
    bool apart = spd_factor(e->gram, 2 * n);
    for (size_t i = 0; apart && i < 2 * n; i++)
        apart = e->gram[i * 2 * n + i] * e->gram[i * 2 * n + i] >
                ONE_WAY * (double)(M * e->cfg.n_carrier);
    return apart;
}

/* b = G^-1 z, z_w = (a_w s_w)^H y; cost = |y|^2 - Re z^H b. */
bool delay_angle_project(struct delay_angle *e)
{
    cplx z[WAYS];
    if (!factor(e))
        return false;
    for (size_t w = 0; w < e->n_way; w++)
        e->b[w] = z[w] = dot(e->way[w].a, e->t[e->way[w].path], e->cfg.n_ant);
    solve(e, e->b);
    e->cost = e->energy;
    for (size_t w = 0; w < e->n_way; w++)
        e->cost -= creal(conj(z[w]) * e->b[w]);
    return true;
}

/* The ways of the first n_path paths. */
void delay_angle_lay_ways(struct delay_angle *e, size_t n_path)
{
    e->n_way = 0;
    for (size_t p = 0; p < n_path; p++)
        for (size_t i = 0; i < e->model.path[p].n_way; i++)
            e->way[e->n_way++] = (struct way){.path = p, .source = e->model.path[p].source[i]};
    for (size_t w = 0; w < e->n_way; w++)
        delay_angle_steer(e, &e->way[w]);
}

void delay_angle_lay_params(struct delay_angle *e)
{
    e->n_param = e->model.n_path;
    for (size_t s = 0; s < e->model.n_source; s++)
        e->param_of_source[s] = e->model.source[s].known ? -1 : (int)e->n_param++;
}

void delay_angle_take_model(struct delay_angle *e, const struct delay_angle_model *model,
                            const cplxf *y)
{
    assert(model->n_path >= 1 && model->n_path <= DELAY_ANGLE_PATHS);
    assert(model->n_source >= 1 && model->n_source <= DELAY_ANGLE_SOURCES);
    e->model = *model;
    delay_angle_lay_params(e);
    delay_angle_load(e, y);
}

/* Amplitudes and cost at lengths and sines; all that a step needs. */
bool delay_angle_evaluate(struct delay_angle *e)
{
    const size_t n = e->model.n_path;
    for (size_t p = 0; p < n; p++) {
        delay_angle_recall(e, p);
        for (size_t o = 0; o <= p; o++) {
            double *m = e->overlap[p][o];
            delay_angle_moments(e, e->length_m[p] - e->length_m[o], m);
            if (o < p)
                memcpy(e->overlap[o][p], (double[3]){m[0], -m[1], m[2]}, sizeof e->overlap[o][p]);
        }
    }
    delay_angle_lay_ways(e, n);
    return delay_angle_project(e);
}

/* One column of the Jacobian is a sum over ways of b_w times a derivative of a_w s_w: by its length
 * (kind 0: a s') or by its sine (kind 1: a' s). */
struct term {
    size_t way;
    int kind;
};

static cplx term_product(const struct delay_angle *e, struct term l, struct term r)
{
    const struct way *v = &e->way[l.way], *w = &e->way[r.way];
    const double *m = e->overlap[v->path][w->path];
    const cplx space = dot(l.kind ? v->da : v->a, r.kind ? w->da : w->a, e->cfg.n_ant);
    const double time = l.kind == 0 && r.kind == 0 ? m[2]
                        : l.kind == 0              ? e->overlap[w->path][v->path][1]
                        : r.kind == 0              ? m[1]
                                                   : m[0];
    return space * time;
}

static cplx way_product(const struct delay_angle *e, size_t v, struct term r)
{
    const struct way *l = &e->way[v], *w = &e->way[r.way];
    return dot(l->a, r.kind ? w->da : w->a, e->cfg.n_ant) *
           e->overlap[l->path][w->path][r.kind ? 0 : 1];
}

static size_t terms_of(const struct delay_angle *e, size_t param, struct term *out)
{
    size_t n = 0;
    for (size_t w = 0; w < e->n_way; w++) {
        if (param < e->model.n_path && e->way[w].path == param)
            out[n++] = (struct term){w, 0};
        if (e->param_of_source[e->way[w].source] == (int)param)
            out[n++] = (struct term){w, 1};
    }
    return n;
}

/* S = Re (J^H J - C^H G^-1 C), g = Re J^H r: Kaufman's normal equations. */
static void normal_equations(struct delay_angle *e, double *S, double *g)
{
    const size_t n = e->n_param, n_way = e->n_way;
    cplx C[PARAMS][WAYS] = {{0}}, X[PARAMS][WAYS];
    struct term term[PARAMS][WAYS];
    size_t count[PARAMS];
    for (size_t p = 0; p < n; p++) {
        count[p] = terms_of(e, p, term[p]);
        g[p] = 0;
        for (size_t i = 0; i < count[p]; i++) {
            const struct term t = term[p][i];
            const struct way *w = &e->way[t.way];
            g[p] += creal(conj(e->b[t.way]) * dot(t.kind ? w->da : w->a,
                                                  t.kind ? e->t[w->path] : e->dt[w->path],
                                                  e->cfg.n_ant));
            for (size_t v = 0; v < n_way; v++)
                C[p][v] += e->b[t.way] * way_product(e, v, t);
        }
        for (size_t v = 0; v < n_way; v++)
            g[p] -= creal(conj(C[p][v]) * e->b[v]);
        memcpy(X[p], C[p], sizeof X[p]);
        solve(e, X[p]);
    }
    for (size_t p = 0; p < n; p++)
        for (size_t r = 0; r < n; r++) {
            cplx sum = -dot(C[p], X[r], n_way);
            for (size_t i = 0; i < count[p]; i++)
                for (size_t k = 0; k < count[r]; k++)
                    sum += conj(e->b[term[p][i].way]) * e->b[term[r][k].way] *
                           term_product(e, term[p][i], term[r][k]);
            S[p * n + r] = creal(sum);
        }
}

struct place delay_angle_present(const struct delay_angle *e)
{
    struct place at;
    memcpy(at.length_m, e->length_m, sizeof at.length_m);
    memcpy(at.sine, e->sine, sizeof at.sine);
    return at;
}

void delay_angle_go_to(struct delay_angle *e, const struct place *from, const double *step)
{
    for (size_t p = 0; p < e->model.n_path; p++)
        e->length_m[p] =
            from->length_m[p] + (step ? fmin(fmax(step[p], -0.5 * e->chip_m), 0.5 * e->chip_m) : 0);
    for (size_t s = 0; s < e->model.n_source; s++) {
        const int p = e->param_of_source[s];
        const double by = step && p >= 0 ? fmin(fmax(step[p], -0.2), 0.2) : 0;
        e->sine[s] = fmin(fmax(from->sine[s] + by, -1), 1);
    }
}

/* (S + mu diag S) step = g. False: not even that is positive definite. */
static bool damped_step(const struct delay_angle *e, const double *S, const double *g, double mu,
                        double *step)
{
    const size_t n = e->n_param;
    double A[PARAMS * PARAMS];
    memcpy(A, S, n * n * sizeof *A);
    for (size_t p = 0; p < n; p++)
        A[p * n + p] += mu * S[p * n + p];
    memcpy(step, g, n * sizeof *step);
    if (!spd_factor(A, n))
        return false;
    spd_solve(A, n, step);
    return true;
}

static bool small(const struct delay_angle *e, const double *step)
{
    for (size_t p = 0; p < e->n_param; p++)
        if (fabs(step[p]) > (p < e->model.n_path ? 1e-6 * e->chip_m : 1e-7))
            return false;
    return true;
}

static void bounds(struct delay_angle *e, const double *S, struct delay_angle_fit *fit)
{
    const size_t n = e->n_param;
    const double entries = (double)(e->cfg.n_ant * e->cfg.n_carrier);
    const double unknown = (double)e->n_way + 0.5 * (double)n;
    double A[PARAMS * PARAMS], sigma[PARAMS] = {0};
    fit->noise_var = fmax(e->cost, 0) / fmax(entries - unknown, 1);
    memcpy(A, S, n * n * sizeof *A);
    if (spd_factor(A, n))
        for (size_t p = 0; p < n; p++) {
            double unit[PARAMS] = {0};
            unit[p] = 1;
            spd_solve(A, n, unit);
            sigma[p] = sqrt(0.5 * fit->noise_var * unit[p]);
        }
    memcpy(fit->sigma_m, sigma, e->model.n_path * sizeof *sigma);
    for (size_t s = 0; s < e->model.n_source; s++)
        fit->sigma_sine[s] = e->param_of_source[s] < 0 ? 0 : sigma[e->param_of_source[s]];
}

static void give(const struct delay_angle *e, struct delay_angle_fit *fit)
{
    size_t i[DELAY_ANGLE_PATHS] = {0};
    memcpy(fit->length_m, e->length_m, sizeof fit->length_m);
    memcpy(fit->sine, e->sine, sizeof fit->sine);
    for (size_t w = 0; w < e->n_way; w++)
        fit->amp[e->way[w].path][i[e->way[w].path]++] = e->b[w];
    fit->cost = e->cost;
}

/* Levenberg-Marquardt from where e stands. */
int delay_angle_iterate(struct delay_angle *e, struct delay_angle_fit *fit)
{
    double S[PARAMS * PARAMS], g[PARAMS], step[PARAMS], mu = 1e-3;
    fit->converged = false;
    if (!delay_angle_evaluate(e))
        return ERR_NO_PEAK;
    normal_equations(e, S, g);
    for (fit->iterations = 0; fit->iterations < STEPS && !fit->converged; fit->iterations++) {
        const struct place from = delay_angle_present(e);
        const double cost = e->cost;
        if (!damped_step(e, S, g, mu, step)) {
            mu = fmax(10 * mu, 1e-6);
            continue;
        }
        delay_angle_go_to(e, &from, step);
        if (delay_angle_evaluate(e) && e->cost <= cost * (1 + 1e-14)) {
            mu = fmax(mu * 0.1, 1e-9);
            fit->converged = small(e, step);
            normal_equations(e, S, g);
            continue;
        }
        delay_angle_go_to(e, &from, NULL);
        fit->converged = small(e, step);
        mu *= 8;
        if (!delay_angle_evaluate(e))
            return ERR_NO_PEAK;
    }
    give(e, fit);
    bounds(e, S, fit);
    return OK;
}
