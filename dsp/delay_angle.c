/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "dsp/delay_angle.h"
#include "dsp/fft.h"
#include "dsp/spd.h"
#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

enum {
    WAYS = DELAY_ANGLE_PATHS * DELAY_ANGLE_WAYS,
    PARAMS = DELAY_ANGLE_PATHS + DELAY_ANGLE_SOURCES,
    GRID_MAX = 96, /* delays of a gate; */
    GRID_LEAST = 12,
    SINES = 25, /* angles of an unknown source */
    SWEEPS = 4,
    STEPS = 60,
};
#define GRID_CHIPS 0.2
#define ONE_WAY    1e-9 /* of a way's energy is all that sets it apart: it is another's */

struct way {
    size_t path, source;
    cplx a[TOA_MAX_ANT], da[TOA_MAX_ANT]; /* steering vector, and its derivative by the sine */
};

/* Everything that y says at the present lengths. With t = y s^*, t' = y s'^*: [path][antenna]. */
struct delay_angle {
    struct delay_angle_cfg cfg;
    double chip_m, mid;
    double energy; /* |y|^2 */
    struct delay_angle_model model;
    size_t n_way, n_param;
    int param_of_source[DELAY_ANGLE_SOURCES]; /* -1: known */
    double length_m[DELAY_ANGLE_PATHS], sine[DELAY_ANGLE_SOURCES];
    struct way way[WAYS];
    cplx t[DELAY_ANGLE_PATHS][TOA_MAX_ANT], dt[DELAY_ANGLE_PATHS][TOA_MAX_ANT];
    double overlap[DELAY_ANGLE_PATHS][DELAY_ANGLE_PATHS][3]; /* of s, see moments() */
    double gram[4 * WAYS * WAYS];                            /* factor of the ways' products */
    cplx b[WAYS];
    double cost;
    size_t n_grid[DELAY_ANGLE_PATHS];
    double grid_m[DELAY_ANGLE_PATHS][GRID_MAX];
    cplx grid[DELAY_ANGLE_PATHS][GRID_MAX][TOA_MAX_ANT]; /* t on it */
};

static const char *complaint(const struct delay_angle_cfg *c)
{
    if (c->n_ant < 2 || c->n_ant > TOA_MAX_ANT)
        return "delay_angle: n_ant must be 2 to 8";
    if (c->n_carrier < 3 || c->n_carrier > 8191)
        return "delay_angle: n_carrier must be 3 to 8191";
    if (!(c->spacing_hz > 0) || !isfinite(c->spacing_hz))
        return "delay_angle: spacing_hz must be positive";
    if (!(c->wavelength_m > 0) || !isfinite(c->wavelength_m))
        return "delay_angle: wavelength_m must be positive";
    return NULL;
}

struct delay_angle *delay_angle_create(const struct delay_angle_cfg *cfg, struct status *err)
{
    const char *text = complaint(cfg);
    struct delay_angle *e = text ? NULL : fft_alloc(sizeof *e);
    if (e) {
        memset(e, 0, sizeof *e);
        e->cfg = *cfg;
        e->chip_m = SPEED_OF_LIGHT / ((double)cfg->n_carrier * cfg->spacing_hz);
        e->mid = 0.5 * (double)(cfg->n_carrier - 1);
    } else if (err) {
        err->code = text ? ERR_ARG : ERR_NO_MEMORY;
        snprintf(err->text, sizeof err->text, "%s", text ? text : "delay_angle: out of memory");
    }
    return e;
}

void delay_angle_destroy(struct delay_angle **est)
{
    fft_free(*est);
    *est = NULL;
}

/* Carrier k turns by 2 pi (k - mid) for each spacing_hz L / c = turns; frequencies are counted in
 * radians per metre, q (k - mid). */
static double rad_per_m(const struct delay_angle *e)
{
    return 2 * PI * e->cfg.spacing_hz / SPEED_OF_LIGHT;
}

/* t_j = sum_k y_jk s_k^*, t'_j = sum_k y_jk s'_k^*,  s' = -j q (k - mid) s. */
static void correlate(const struct delay_angle *e, const cplxf *y, double length_m, cplx *t,
                      cplx *dt)
{
    const size_t K = e->cfg.n_carrier;
    const double q = rad_per_m(e);
    double re[TOA_MAX_ANT] = {0}, im[TOA_MAX_ANT] = {0}, dre[TOA_MAX_ANT] = {0},
           dim[TOA_MAX_ANT] = {0};
    double c = cos(-q * e->mid * length_m), s = sin(-q * e->mid * length_m);
    const double dc = cos(q * length_m), ds = sin(q * length_m);
    for (size_t k = 0; k < K; k++) {
        const double f = q * ((double)k - e->mid);
        for (size_t j = 0; j < e->cfg.n_ant; j++) {
            const double yr = (double)crealf(y[j * K + k]), yi = (double)cimagf(y[j * K + k]);
            const double zr = yr * c - yi * s, zi = yr * s + yi * c;
            re[j] += zr;
            im[j] += zi;
            dre[j] -= f * zi;
            dim[j] += f * zr;
        }
        const double next = c * dc - s * ds;
        s = s * dc + c * ds;
        c = next;
    }
    for (size_t j = 0; j < e->cfg.n_ant; j++) {
        t[j] = CMPLX(re[j], im[j]);
        if (dt)
            dt[j] = CMPLX(dre[j], dim[j]);
    }
}

/* m[0] = s_a^H s_b, m[1] = s_a^H s'_b, m[2] = s'_a^H s'_b for L_a - L_b: all real, as carriers are
 * centred; s'_a^H s_b = m[1] of the opposite difference. */
static void moments(const struct delay_angle *e, double difference_m, double m[3])
{
    const double q = rad_per_m(e), first = -q * e->mid;
    const double dc = cos(q * difference_m), ds = sin(q * difference_m);
    double c = cos(first * difference_m), sn = sin(first * difference_m);
    m[0] = m[1] = m[2] = 0;
    for (size_t k = 0; k < e->cfg.n_carrier; k++) {
        const double f = first + q * (double)k, next = c * dc - sn * ds;
        m[0] += c;
        m[1] += f * sn;
        m[2] += f * f * c;
        sn = sn * dc + c * ds;
        c = next;
    }
}

static double overlap(const struct delay_angle *e, double difference_m)
{
    const double x = 0.5 * rad_per_m(e) * difference_m, n = (double)e->cfg.n_carrier, s = sin(x);
    return fabs(s) < 1e-12 ? n : sin(n * x) / s;
}

static void steer(const struct delay_angle *e, struct way *w)
{
    const double u = e->sine[w->source], r = e->model.source[w->source].range_m;
    for (size_t j = 0; j < e->cfg.n_ant; j++) {
        const double x = e->cfg.element_m[j], bend = isfinite(r) ? x * x / r : 0;
        const double turn = 2 * PI / e->cfg.wavelength_m;
        w->a[j] = cexp(I * turn * (x * u - 0.5 * bend * (1 - u * u)));
        w->da[j] = I * turn * (x + bend * u) * w->a[j];
    }
}

static cplx dot(const cplx *a, const cplx *b, size_t n)
{
    cplx sum = 0;
    for (size_t j = 0; j < n; j++)
        sum += conj(a[j]) * b[j];
    return sum;
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
static bool project(struct delay_angle *e)
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
static void lay_ways(struct delay_angle *e, size_t n_path)
{
    e->n_way = 0;
    for (size_t p = 0; p < n_path; p++)
        for (size_t i = 0; i < e->model.path[p].n_way; i++)
            e->way[e->n_way++] = (struct way){.path = p, .source = e->model.path[p].source[i]};
    for (size_t w = 0; w < e->n_way; w++)
        steer(e, &e->way[w]);
}

static void lay_params(struct delay_angle *e)
{
    e->n_param = e->model.n_path;
    for (size_t s = 0; s < e->model.n_source; s++)
        e->param_of_source[s] = e->model.source[s].known ? -1 : (int)e->n_param++;
}

static void take_model(struct delay_angle *e, const struct delay_angle_model *model, const cplxf *y)
{
    assert(model->n_path >= 1 && model->n_path <= DELAY_ANGLE_PATHS);
    assert(model->n_source >= 1 && model->n_source <= DELAY_ANGLE_SOURCES);
    e->model = *model;
    lay_params(e);
    e->energy = 0;
    for (size_t i = 0; i < e->cfg.n_ant * e->cfg.n_carrier; i++)
        e->energy += (double)cplxf_norm(y[i]);
}

static void lay_grid(struct delay_angle *e, const cplxf *y, size_t p)
{
    const struct toa_gate *gate = &e->model.path[p].gate;
    const double width = gate->max_m - gate->min_m;
    double n = fmin(fmax(ceil(width / (GRID_CHIPS * e->chip_m)), GRID_LEAST), GRID_MAX - 1);
    e->n_grid[p] = (size_t)n + 1;
    for (size_t g = 0; g < e->n_grid[p]; g++) {
        e->grid_m[p][g] = gate->min_m + width * (double)g / n;
        correlate(e, y, e->grid_m[p][g], e->grid[p][g], NULL);
    }
}

static void set_length(struct delay_angle *e, size_t p, size_t g)
{
    e->length_m[p] = e->grid_m[p][g];
    memcpy(e->t[p], e->grid[p][g], sizeof e->t[p]);
    for (size_t o = 0; o < e->model.n_path; o++)
        e->overlap[p][o][0] = e->overlap[o][p][0] = overlap(e, e->length_m[p] - e->length_m[o]);
}

static void set_sine(struct delay_angle *e, size_t s, double sine)
{
    e->sine[s] = sine;
    for (size_t w = 0; w < e->n_way; w++)
        if (e->way[w].source == s)
            steer(e, &e->way[w]);
}

static double sine_of(size_t i)
{
    return -1 + 2 * ((double)i + 0.5) / SINES;
}

/* The best delay of path p, all else held; two ways at the same place have no projection. */
static void search_length(struct delay_angle *e, size_t p, size_t *at)
{
    double best = INFINITY;
    for (size_t g = 0; g < e->n_grid[p]; g++) {
        set_length(e, p, g);
        if (!project(e) || e->cost >= best)
            continue;
        best = e->cost;
        *at = g;
    }
    set_length(e, p, *at);
}

/* Path and angle of an unknown source together, while nothing else is there to go by. */
static void search_both(struct delay_angle *e, size_t p, size_t s, size_t *at)
{
    double best = INFINITY, sine = 0;
    size_t found = 0;
    for (size_t i = 0; i < SINES; i++) {
        set_sine(e, s, sine_of(i));
        search_length(e, p, at);
        if (!project(e) || e->cost >= best)
            continue;
        best = e->cost;
        sine = e->sine[s];
        found = *at;
    }
    *at = found;
    set_sine(e, s, sine);
    set_length(e, p, found);
}

/* Amplitudes and cost at lengths and sines; all that a step needs. */
static bool evaluate(struct delay_angle *e, const cplxf *y)
{
    const size_t n = e->model.n_path;
    for (size_t p = 0; p < n; p++) {
        correlate(e, y, e->length_m[p], e->t[p], e->dt[p]);
        for (size_t o = 0; o < n; o++)
            moments(e, e->length_m[p] - e->length_m[o], e->overlap[p][o]);
    }
    lay_ways(e, n);
    return project(e);
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

struct place {
    double length_m[DELAY_ANGLE_PATHS], sine[DELAY_ANGLE_SOURCES];
};

struct start {
    struct place at;
    double cost;
};

static struct place present(const struct delay_angle *e)
{
    struct place at;
    memcpy(at.length_m, e->length_m, sizeof at.length_m);
    memcpy(at.sine, e->sine, sizeof at.sine);
    return at;
}

static void go_to(struct delay_angle *e, const struct place *from, const double *step)
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
static int refine(struct delay_angle *e, const cplxf *y, struct delay_angle_fit *fit)
{
    double S[PARAMS * PARAMS], g[PARAMS], step[PARAMS], mu = 1e-3;
    fit->converged = false;
    if (!evaluate(e, y))
        return ERR_NO_PEAK;
    normal_equations(e, S, g);
    for (fit->iterations = 0; fit->iterations < STEPS && !fit->converged; fit->iterations++) {
        const struct place from = present(e);
        const double cost = e->cost;
        if (!damped_step(e, S, g, mu, step)) {
            mu = fmax(10 * mu, 1e-6);
            continue;
        }
        go_to(e, &from, step);
        if (evaluate(e, y) && e->cost <= cost * (1 + 1e-14)) {
            mu = fmax(mu * 0.1, 1e-9);
            fit->converged = small(e, step);
            normal_equations(e, S, g);
            continue;
        }
        go_to(e, &from, NULL);
        fit->converged = small(e, step);
        mu *= 8;
        if (!evaluate(e, y))
            return ERR_NO_PEAK;
    }
    give(e, fit);
    bounds(e, S, fit);
    return OK;
}

/* The first n_path paths alone, from where they stand; those that follow are not there yet. */
static void refine_first(struct delay_angle *e, const cplxf *y, size_t n_path)
{
    const struct delay_angle_model whole = e->model;
    struct delay_angle_fit fit;
    e->model.n_path = n_path;
    lay_params(e);
    if (refine(e, y, &fit) == OK) {
        memcpy(e->length_m, fit.length_m, sizeof e->length_m);
        memcpy(e->sine, fit.sine, sizeof e->sine);
    }
    (void)evaluate(e, y);
    e->model = whole;
    lay_params(e);
}

/* Elsewhere in its gate, if that explains a thousandth more; the others are held. */
static bool move_path(struct delay_angle *e, const cplxf *y, size_t p, size_t *at)
{
    const struct place from = present(e);
    const double cost = e->cost;
    search_length(e, p, at);
    if (project(e) && e->cost < 0.999 * cost)
        return true;
    go_to(e, &from, NULL);
    (void)evaluate(e, y);
    return false;
}

/* Path by path in their order, each where it explains most beside those before it, which are exact
 * by then: an error of a tenth of a chip in a path leaves a residual 20 dB below it. */
static void begin(struct delay_angle *e, const cplxf *y, size_t *at)
{
    bool placed[DELAY_ANGLE_SOURCES];
    const struct delay_angle_model *model = &e->model;
    for (size_t s = 0; s < model->n_source; s++) {
        placed[s] = model->source[s].known;
        e->sine[s] = placed[s] ? model->source[s].sine : 0;
    }
    for (size_t p = 0; p < model->n_path; p++) {
        lay_grid(e, y, p);
        set_length(e, p, 0);
    }
    for (size_t p = 0; p < model->n_path; p++) {
        const size_t s = model->path[p].source[0];
        lay_ways(e, p + 1);
        if (placed[s])
            search_length(e, p, &at[p]);
        else
            search_both(e, p, s, &at[p]);
        placed[s] = true;
        refine_first(e, y, p + 1);
    }
    for (size_t i = 0; i < SWEEPS * model->n_path; i++)
        if (move_path(e, y, i % model->n_path, &at[i % model->n_path]))
            refine_first(e, y, model->n_path);
}

static void keep_start(struct start *list, size_t n, const struct start *new)
{
    size_t i = n;
    for (; i > 0 && list[i - 1].cost > new->cost; i--)
        if (i < n)
            list[i] = list[i - 1];
    if (i < n)
        list[i] = *new;
}

/* Where as many ways as antennas meet, an angle has minima of its own: each is held once while the
 * delays adapt to it. */
static void hold_angles(struct delay_angle *e, size_t *at, struct start *list, size_t n)
{
    for (size_t s = 0; s < e->model.n_source; s++)
        for (size_t i = 0; e->param_of_source[s] >= 0 && i < SINES; i++) {
            set_sine(e, s, sine_of(i));
            for (size_t p = 0; p < 2 * e->model.n_path; p++)
                search_length(e, p % e->model.n_path, &at[p % e->model.n_path]);
            if (!project(e))
                continue;
            const struct start new = {present(e), e->cost};
            keep_start(list, n, &new);
        }
}

int delay_angle_refine(struct delay_angle *e, const struct delay_angle_model *model, const cplxf *y,
                       struct delay_angle_fit *fit)
{
    take_model(e, model, y);
    memcpy(e->length_m, fit->length_m, sizeof e->length_m);
    for (size_t s = 0; s < model->n_source; s++)
        e->sine[s] = model->source[s].known ? model->source[s].sine : fit->sine[s];
    return refine(e, y, fit);
}

/* What is left on the grids: t of the residual is t of y less the ways' own. */
static void find_rest(struct delay_angle *e, struct delay_angle_fit *fit)
{
    const size_t M = e->cfg.n_ant;
    const double scale = 1 / ((double)M * (double)e->cfg.n_carrier);
    for (size_t p = 0; p < e->model.n_path; p++) {
        struct way from = {.source = e->model.path[p].source[0]};
        steer(e, &from);
        fit->rest[p] = 0;
        for (size_t g = 0; g < e->n_grid[p]; g++) {
            cplx sum = dot(from.a, e->grid[p][g], M);
            for (size_t w = 0; w < e->n_way; w++)
                sum -= e->b[w] * dot(from.a, e->way[w].a, M) *
                       overlap(e, e->grid_m[p][g] - e->length_m[e->way[w].path]);
            fit->rest[p] = fmax(fit->rest[p], cplx_norm(sum) * scale * scale);
        }
    }
}

int delay_angle_estimate(struct delay_angle *e, const struct delay_angle_model *model,
                         const cplxf *y, size_t tries, struct delay_angle_fit *fit)
{
    size_t at[DELAY_ANGLE_PATHS] = {0};
    struct start start[DELAY_ANGLE_TRIES];
    int rc = ERR_NO_PEAK;
    assert(tries >= 1 && tries <= DELAY_ANGLE_TRIES);
    for (size_t i = 0; i < tries; i++)
        start[i].cost = INFINITY;
    take_model(e, model, y);
    begin(e, y, at);
    start[0] = (struct start){present(e), project(e) ? e->cost : INFINITY};
    if (tries > 1)
        hold_angles(e, at, start, tries);
    *fit = (struct delay_angle_fit){.cost = INFINITY};
    for (size_t i = 0; i < tries && isfinite(start[i].cost); i++) {
        struct delay_angle_fit one;
        go_to(e, &start[i].at, NULL);
        if (refine(e, y, &one) || one.cost >= fit->cost)
            continue;
        *fit = one;
        find_rest(e, fit);
        rc = OK;
    }
    return rc;
}

void delay_angle_tune(struct delay_angle *e, double wavelength_m)
{
    e->cfg.wavelength_m = wavelength_m;
}

static void take_fit(struct delay_angle *e, const struct delay_angle_model *model, const cplxf *y,
                     const struct delay_angle_fit *fit)
{
    take_model(e, model, y);
    memcpy(e->length_m, fit->length_m, sizeof e->length_m);
    memcpy(e->sine, fit->sine, sizeof e->sine);
    lay_ways(e, model->n_path);
    for (size_t w = 0, i = 0; w < e->n_way; w++) {
        i = w > 0 && e->way[w].path == e->way[w - 1].path ? i + 1 : 0;
        e->b[w] = fit->amp[e->way[w].path][i];
    }
}

void delay_angle_isolate(struct delay_angle *e, const struct delay_angle_model *model,
                         const cplxf *y, const struct delay_angle_fit *fit, size_t p, cplx *snap)
{
    const size_t n = e->cfg.n_ant, K = e->cfg.n_carrier;
    take_fit(e, model, y, fit);
    for (size_t k = 0; k < K; k++)
        for (size_t j = 0; j < n; j++)
            snap[k * n + j] = (cplx)y[j * K + k];
    for (size_t w = 0; w < e->n_way; w++) {
        const double turn = rad_per_m(e) * e->length_m[e->way[w].path];
        cplx s = cexp(I * e->mid * turn);
        const cplx step = cexp(-I * turn);
        for (size_t k = 0; k < K && e->way[w].path != p; k++, s *= step)
            for (size_t j = 0; j < n; j++)
                snap[k * n + j] -= e->b[w] * e->way[w].a[j] * s;
    }
}

void delay_angle_vectors(struct delay_angle *e, const struct delay_angle_model *model,
                         const cplxf *y, const struct delay_angle_fit *fit,
                         cplxf (*vector)[TOA_MAX_ANT])
{
    const double n = (double)e->cfg.n_carrier;
    take_fit(e, model, y, fit);
    for (size_t p = 0; p < model->n_path; p++) {
        cplx seen[TOA_MAX_ANT];
        correlate(e, y, e->length_m[p], seen, NULL);
        for (size_t j = 0; j < e->cfg.n_ant; j++) {
            cplx sum = seen[j] / n;
            for (size_t w = 0; w < e->n_way; w++)
                if (e->way[w].path != p)
                    sum -= e->b[w] * e->way[w].a[j] *
                           overlap(e, e->length_m[p] - e->length_m[e->way[w].path]) / n;
            vector[p][j] = (cplxf)sum;
        }
    }
}
