/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The wide beam of ris_design.h. With u_i = |f_i|^2 / b_i^2 the level at point i under focus, both
 * the continuous and the discrete search minimise J = log(mean_i u_i^-3) / 3, the p-norm 6 of the
 * inverse amplitudes: the weakest points weigh most, but not alone. */
#include <assert.h>
#include <nlopt.h>
#include <stdlib.h>
#include <string.h>

#include "dsp/ris_design.h"

#define FLOOR 1e-12 /* of u: keeps an exact null finite */

struct wide {
    size_t n_point, n_element;
    double *row;    /* [n_point x n_element] pairs re, im; divided by the bound of the point */
    double *column; /* the same, [n_element x n_point]: one element seen from all points */
    double *phase;  /* [n_element] pairs exp(j theta) */
    double *sum;    /* [n_element] pairs */
    double *f;      /* [n_point] pairs */
};

static void wide_free(struct wide *w)
{
    free(w->row);
    free(w->column);
    free(w->phase);
    free(w->sum);
    free(w->f);
}

/* Points behind the panel can't be lit and are left out. */
static int wide_init(struct wide *w, const struct ris_model *model)
{
    const size_t n = ris_model_elements(model), points = ris_model_points(model);
    *w = (struct wide){.n_element = n};
    w->row = malloc(2 * points * n * sizeof *w->row);
    w->column = malloc(2 * points * n * sizeof *w->column);
    w->phase = malloc(2 * n * sizeof *w->phase);
    w->sum = malloc(2 * n * sizeof *w->sum);
    w->f = malloc(2 * points * sizeof *w->f);
    if (!w->row || !w->column || !w->phase || !w->sum || !w->f) {
        wide_free(w);
        return ERR_NO_MEMORY;
    }
    for (size_t i = 0; i < points; i++) {
        const cplx *row = ris_model_row(model, i);
        double bound = ris_model_bound(model, i), *to = w->row + 2 * n * w->n_point;
        if (!(bound > 0))
            continue;
        for (size_t m = 0; m < n; m++) {
            to[2 * m] = creal(row[m]) / bound;
            to[2 * m + 1] = cimag(row[m]) / bound;
        }
        w->n_point++;
    }
    for (size_t i = 0; i < w->n_point; i++)
        for (size_t m = 0; m < n; m++)
            memcpy(w->column + 2 * (w->n_point * m + i), w->row + 2 * (n * i + m),
                   2 * sizeof *w->row);
    return w->n_point > 0 ? OK : (wide_free(w), ERR_GEOMETRY);
}

static void respond(struct wide *w)
{
    const size_t n = w->n_element;
    for (size_t i = 0; i < w->n_point; i++) {
        const double *c = w->row + 2 * n * i, *e = w->phase;
        double re[4] = {0}, im[4] = {0};
        for (size_t m = 0; m + 4 <= n; m += 4)
            for (size_t k = 0; k < 4; k++) {
                const double *a = c + 2 * (m + k), *b = e + 2 * (m + k);
                re[k] += a[0] * b[0] - a[1] * b[1];
                im[k] += a[0] * b[1] + a[1] * b[0];
            }
        for (size_t m = n & ~(size_t)3; m < n; m++) {
            re[0] += c[2 * m] * e[2 * m] - c[2 * m + 1] * e[2 * m + 1];
            im[0] += c[2 * m] * e[2 * m + 1] + c[2 * m + 1] * e[2 * m];
        }
        w->f[2 * i] = (re[0] + re[1]) + (re[2] + re[3]);
        w->f[2 * i + 1] = (im[0] + im[1]) + (im[2] + im[3]);
    }
}

static double power(const double *f)
{
    return f[0] * f[0] + f[1] * f[1] + FLOOR;
}

/* sum_i u_i^-3 */
static double badness(const struct wide *w)
{
    double sum = 0;
    for (size_t i = 0; i < w->n_point; i++) {
        double u = power(w->f + 2 * i);
        sum += 1 / (u * u * u);
    }
    return sum;
}

/* dJ/dtheta_m = Im(e_m S_m), S_m = sum_i k_i conj(f_i) c_im, k_i = 2 u_i^-4 / sum u^-3. */
static void gradient(struct wide *w, double total, double *grad)
{
    const size_t n = w->n_element;
    memset(w->sum, 0, 2 * n * sizeof *w->sum);
    for (size_t i = 0; i < w->n_point; i++) {
        const double *c = w->row + 2 * n * i, u = power(w->f + 2 * i);
        const double k = 2 / (u * u * u * u * total);
        const double re = k * w->f[2 * i], im = -k * w->f[2 * i + 1];
        for (size_t m = 0; m < n; m++) {
            w->sum[2 * m] += re * c[2 * m] - im * c[2 * m + 1];
            w->sum[2 * m + 1] += re * c[2 * m + 1] + im * c[2 * m];
        }
    }
    for (size_t m = 0; m < n; m++)
        grad[m] = w->phase[2 * m] * w->sum[2 * m + 1] + w->phase[2 * m + 1] * w->sum[2 * m];
}

static double objective(unsigned n, const double *theta, double *grad, void *data)
{
    struct wide *w = data;
    for (size_t m = 0; m < n; m++) {
        w->phase[2 * m] = cos(theta[m]);
        w->phase[2 * m + 1] = sin(theta[m]);
    }
    respond(w);
    double total = badness(w);
    if (grad)
        gradient(w, total, grad);
    return log(total / (double)w->n_point) / 3;
}

/* A beam as wide as the region, from ray optics: focus on the middle, plus a quadratic phase along
 * each side of the panel that bends the rays of its two ends to the two ends of the region (or
 * crosses them: the signs). d phase / dx = k du x / X turns the ray of an element at x in -X..X by
 * du x / X. */
static void defocus(const struct ris_model *model, double sign_x, double sign_y, double *theta)
{
    const struct panel *panel = ris_model_panel(model);
    const size_t last = ris_model_points(model) - 1;
    double u[2] = {1, -1}, v[2] = {1, -1};
    for (size_t i = 0; i <= last; i++) {
        struct vec3 d = vec3_unit(vec3_sub(ris_model_point(model, i), panel->position));
        u[0] = fmin(u[0], vec3_dot(d, panel->x));
        u[1] = fmax(u[1], vec3_dot(d, panel->x));
        v[0] = fmin(v[0], vec3_dot(d, panel->y));
        v[1] = fmax(v[1], vec3_dot(d, panel->y));
    }
    const double half_x = 0.5 * panel->spacing_m * (double)panel->columns;
    const double half_y = 0.5 * panel->spacing_m * (double)panel->rows;
    const double k = 2 * PI / ris_model_wavelength_m(model);
    const double bend_x = sign_x * k * 0.5 * (u[1] - u[0]) / (2 * half_x);
    const double bend_y = sign_y * k * 0.5 * (v[1] - v[0]) / (2 * half_y);
    ris_focus(model, last / 2, theta);
    for (size_t m = 0; m < panel_elements(panel); m++) {
        struct vec3 e = vec3_sub(panel_element(panel, m), panel->position);
        double x = vec3_dot(e, panel->x), y = vec3_dot(e, panel->y);
        theta[m] += bend_x * x * x + bend_y * y * y;
    }
}

#define N_START 8

/* The four sign choices, full and with half the bend. */
static void make_start(const struct ris_model *model, int s, double *theta)
{
    const double bend = s < 4 ? 1 : 0.5;
    defocus(model, s & 1 ? bend : -bend, s & 2 ? bend : -bend, theta);
}

/* A panel so large that the full search would take minutes: fewer starts are rounded, with fewer
 * offsets. With thousands of elements they differ little. */
#define LARGE 1000000 /* elements x points */

static bool is_large(const struct wide *w)
{
    return w->n_element * w->n_point > LARGE;
}

static int descend(struct wide *w, double *theta, double *value)
{
    nlopt_opt opt = nlopt_create(NLOPT_LD_LBFGS, (unsigned)w->n_element);
    if (!opt)
        return ERR_NO_MEMORY;
    nlopt_set_min_objective(opt, objective, w);
    nlopt_set_maxeval(opt, is_large(w) ? 100 : 300);
    nlopt_set_ftol_rel(opt, 1e-6);
    nlopt_result rc = nlopt_optimize(opt, theta, value);
    nlopt_destroy(opt);
    return rc > 0 || rc == NLOPT_ROUNDOFF_LIMITED ? OK : ERR_STATE;
}

static void set_states(struct wide *w, const uint8_t *state, const struct ris_states *states)
{
    ris_profile_gamma(state, w->n_element, states, (cplx *)w->phase);
    respond(w);
}

/* badness() if element m changed its phase by `change` (pair). Partial sums as in respond(). */
static double badness_changed(const struct wide *w, size_t m, const double *change)
{
    const double *c = w->column + 2 * w->n_point * m, *f = w->f;
    const double a = change[0], b = change[1];
    double sum[4] = {0};
    for (size_t i = 0; i < w->n_point; i++) {
        const double g[2] = {f[2 * i] + c[2 * i] * a - c[2 * i + 1] * b,
                             f[2 * i + 1] + c[2 * i] * b + c[2 * i + 1] * a};
        double u = power(g);
        sum[i % 4] += 1 / (u * u * u);
    }
    return (sum[0] + sum[1]) + (sum[2] + sum[3]);
}

static void change_element(struct wide *w, size_t m, const double *change)
{
    const double *c = w->column + 2 * w->n_point * m;
    for (size_t i = 0; i < w->n_point; i++) {
        w->f[2 * i] += c[2 * i] * change[0] - c[2 * i + 1] * change[1];
        w->f[2 * i + 1] += c[2 * i] * change[1] + c[2 * i + 1] * change[0];
    }
}

/* The best state of one element, all others held; *best is the badness before and after. */
static bool improve_element(struct wide *w, size_t m, const struct ris_states *states,
                            uint8_t *state, double *best)
{
    unsigned keep = *state;
    double keep_change[2];
    for (unsigned s = 0; s < 1u << states->bits; s++) {
        cplx d = states->gamma[s] - states->gamma[*state];
        const double change[2] = {creal(d), cimag(d)};
        double value = s == *state ? *best : badness_changed(w, m, change);
        if (value >= *best * (1 - 1e-9))
            continue;
        *best = value;
        keep = s;
        memcpy(keep_change, change, sizeof change);
    }
    if (keep == *state)
        return false;
    *state = (uint8_t)keep;
    change_element(w, m, keep_change);
    return true;
}

/* Element by element, until a whole round helps no more. Every round starts from exact sums. */
static double coordinate_descent(struct wide *w, const struct ris_states *states, uint8_t *state)
{
    double best = 0;
    bool improved = true;
    for (int round = 0; improved && round < 50; round++) {
        improved = false;
        set_states(w, state, states);
        best = badness(w);
        for (size_t m = 0; m < w->n_element; m++)
            improved |= improve_element(w, m, states, &state[m], &best);
    }
    return log(best / (double)w->n_point) / 3;
}

#define N_OFFSET 16

/* Best of N_OFFSET common offsets, each rounded and descended. Returns J. */
static double quantise(struct wide *w, const double *theta, const struct ris_states *states,
                       uint8_t *trial, uint8_t *state)
{
    double best = INFINITY;
    for (int k = 0; k < N_OFFSET; k += is_large(w) ? 4 : 1) {
        double offset = states->period_rad * k / N_OFFSET;
        for (size_t m = 0; m < w->n_element; m++)
            trial[m] = ris_states_nearest(states, theta[m] + offset);
        double value = coordinate_descent(w, states, trial);
        if (value < best) {
            best = value;
            memcpy(state, trial, w->n_element);
        }
    }
    return best;
}

int ris_wide(const struct ris_model *model, double *theta)
{
    assert(model && theta);
    struct wide w;
    const size_t n = ris_model_elements(model);
    int rc = wide_init(&w, model);
    if (rc)
        return rc;
    double best = INFINITY, *trial = malloc(n * sizeof *trial);
    rc = trial ? ERR_STATE : ERR_NO_MEMORY;
    for (int s = 0; trial && s < N_START; s++) {
        double value = INFINITY;
        make_start(model, s, trial);
        if (descend(&w, trial, &value) || !(value < best))
            continue;
        best = value;
        memcpy(theta, trial, n * sizeof *trial);
        rc = OK;
    }
    free(trial);
    wide_free(&w);
    return rc;
}

/* Continuous optima of all starts, [N_START x elements]; value INFINITY where one failed. */
static void descend_all(struct wide *w, const struct ris_model *model, double *theta, double *value)
{
    for (int s = 0; s < N_START; s++) {
        make_start(model, s, theta + (size_t)s * w->n_element);
        if (descend(w, theta + (size_t)s * w->n_element, &value[s]))
            value[s] = INFINITY;
    }
}

/* Is start s among those worth rounding? */
static bool worth(const struct wide *w, const double *value, int s)
{
    int better = 0;
    for (int k = 0; k < N_START; k++)
        better += value[k] < value[s] || (value[k] == value[s] && k < s);
    return isfinite(value[s]) && (!is_large(w) || better < 2);
}

int ris_wide_profile(const struct ris_model *model, const struct ris_states *states, uint8_t *state)
{
    assert(model && states && state);
    struct wide w;
    const size_t n = ris_model_elements(model);
    int rc = wide_init(&w, model);
    if (rc)
        return rc;
    double best = INFINITY, optimum[N_START], *theta = malloc(N_START * n * sizeof *theta);
    uint8_t *trial = malloc(2 * n);
    rc = theta && trial ? ERR_STATE : ERR_NO_MEMORY;
    if (theta && trial)
        descend_all(&w, model, theta, optimum);
    for (int s = 0; theta && trial && s < N_START; s++) {
        if (!worth(&w, optimum, s))
            continue;
        double value = quantise(&w, theta + (size_t)s * n, states, trial, trial + n);
        if (!(value < best))
            continue;
        best = value;
        memcpy(state, trial + n, n);
        rc = OK;
    }
    free(theta);
    free(trial);
    wide_free(&w);
    return rc;
}
