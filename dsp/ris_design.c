/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Closed-form and single-point designs; the wide beam is in ris_wide.c. */
#include "dsp/ris_design.h"

#include <assert.h>
#include <stdlib.h>

static cplx product(cplx a, cplx b)
{
    return CMPLX(creal(a) * creal(b) - cimag(a) * cimag(b),
                 creal(a) * cimag(b) + cimag(a) * creal(b));
}

static cplx unit(double phase)
{
    return CMPLX(cos(phase), sin(phase));
}

static double phase_of(cplx z)
{
    return atan2(cimag(z), creal(z));
}

/* h[a] = direct[a] + sum_n from_ris[a][n] exp(j theta_n) user[n]; returns |h|^2. */
static double effective(const struct ris_align_cfg *c, const double *theta, cplx *h)
{
    double power = 0;
    for (size_t a = 0; a < c->n_ant; a++) {
        h[a] = c->direct ? c->direct[a] : 0;
        for (size_t n = 0; n < c->n_element; n++)
            h[a] += product(product(c->from_ris[a * c->n_element + n], c->user[n]), unit(theta[n]));
        power += cplx_norm(h[a]);
    }
    return power;
}

/* One alternation: w = conj(h) / |h|, then every reflected term is turned onto the direct one (onto
 * the positive real axis if there is no direct path). The scale of w does not matter for phases. */
static void turn_onto(const struct ris_align_cfg *c, const cplx *h, double *theta)
{
    cplx anchor = c->direct ? 0 : 1;
    for (size_t a = 0; c->direct && a < c->n_ant; a++)
        anchor += product(conj(h[a]), c->direct[a]);
    for (size_t n = 0; n < c->n_element; n++) {
        cplx through = 0;
        for (size_t a = 0; a < c->n_ant; a++)
            through += product(conj(h[a]), c->from_ris[a * c->n_element + n]);
        theta[n] = phase_of(anchor) - phase_of(product(through, c->user[n]));
    }
}

int ris_align(const struct ris_align_cfg *cfg, double *theta, double *trace)
{
    assert(cfg && theta);
    if (cfg->n_ant == 0 || cfg->n_element == 0 || cfg->max_steps == 0 || !cfg->from_ris ||
        !cfg->user || !(cfg->tolerance > 0))
        return ERR_ARG;
    cplx *h = malloc(cfg->n_ant * sizeof *h);
    if (!h)
        return ERR_NO_MEMORY;
    int steps = 0;
    double last, power = effective(cfg, theta, h);
    if (trace)
        trace[0] = power;
    do {
        last = power;
        turn_onto(cfg, h, theta);
        power = effective(cfg, theta, h);
        steps++;
        if (trace)
            trace[steps] = power;
    } while ((size_t)steps < cfg->max_steps && power > last * (1 + cfg->tolerance));
    free(h);
    return steps;
}

void ris_focus(const struct ris_model *model, size_t i, double *theta)
{
    assert(theta);
    const cplx *row = ris_model_row(model, i);
    for (size_t m = 0; m < ris_model_elements(model); m++)
        theta[m] = -phase_of(row[m]);
}

uint8_t ris_nearest_state(double phase, unsigned bits)
{
    const int n = 1 << bits;
    return (uint8_t)((int)lrint(phase / (2 * PI) * n) & (n - 1));
}

struct edge {
    double offset; /* common phase at which this element's rounding moves one state up */
    size_t element;
};

static int by_offset(const void *a, const void *b)
{
    const struct edge *x = a, *y = b;
    if (x->offset != y->offset)
        return x->offset < y->offset ? -1 : 1;
    return (x->element > y->element) - (x->element < y->element);
}

/* As the common offset grows through one quantisation step, the elements move up by one state each,
 * in the order of their rounding edges, and between two edges nothing changes: n + 1 profiles are
 * all there are. states holds the first; edges the order of the moves. */
static struct edge *rounding_edges(const double *theta, size_t n, unsigned bits, uint8_t *state)
{
    const double step = 2 * PI / (1u << bits);
    struct edge *edges = malloc(n * sizeof *edges);
    if (!edges)
        return NULL;
    for (size_t m = 0; m < n; m++) {
        double at = theta[m] / step;
        state[m] = ris_nearest_state(theta[m], bits);
        edges[m] = (struct edge){rint(at) + 0.5 - at, m};
    }
    qsort(edges, n, sizeof *edges, by_offset);
    return edges;
}

static void move_up(uint8_t *state, const struct edge *edges, size_t n, unsigned bits)
{
    for (size_t k = 0; k < n; k++) {
        uint8_t *s = &state[edges[k].element];
        *s = (uint8_t)((*s + 1) & ((1 << bits) - 1));
    }
}

/* Power at the point of `row` after k = 0..n moves. */
static void power_of_moves(const cplx *row, const struct edge *edges, const uint8_t *state,
                           size_t n, unsigned bits, double *out)
{
    const double step = 2 * PI / (1u << bits);
    cplx sum = 0, up = unit(step) - 1;
    for (size_t m = 0; m < n; m++)
        sum += product(row[m], unit(step * state[m]));
    out[0] = cplx_norm(sum);
    for (size_t k = 0; k < n; k++) {
        size_t m = edges[k].element;
        sum += product(product(row[m], unit(step * state[m])), up);
        out[k + 1] = cplx_norm(sum);
    }
}

static size_t strongest(const double *power, size_t n)
{
    size_t best = 0;
    for (size_t k = 1; k < n; k++)
        if (power[k] > power[best] * (1 + 1e-12))
            best = k;
    return best;
}

int ris_quantise(const struct ris_model *model, size_t i, const double *theta, unsigned bits,
                 uint8_t *state)
{
    assert(model && theta && state && bits >= 1 && bits <= 3);
    const size_t n = ris_model_elements(model);
    struct edge *edges = rounding_edges(theta, n, bits, state);
    double *power = malloc((n + 1) * sizeof *power);
    if (edges && power) {
        power_of_moves(ris_model_row(model, i), edges, state, n, bits, power);
        move_up(state, edges, strongest(power, n + 1), bits);
    }
    int rc = edges && power ? OK : ERR_NO_MEMORY;
    free(edges);
    free(power);
    return rc;
}

#define FOCUS_TOLERANCE 0.977 /* of power: 0.1 dB */

/* Walks through the profiles of the tolerated offsets and returns the one that lights the region
 * best. */
static size_t best_spread(const struct ris_model *model, const struct edge *edges,
                          const double *power, uint8_t *state, unsigned bits, cplx *gamma)
{
    const size_t n = ris_model_elements(model), top = strongest(power, n + 1);
    size_t best = top;
    double best_score = -INFINITY;
    for (size_t k = 0; k <= n; k++) {
        if (k > 0)
            move_up(state, edges + k - 1, 1, bits);
        if (power[k] < FOCUS_TOLERANCE * power[top])
            continue;
        struct ris_coverage c;
        ris_profile_gamma(state, n, bits, gamma);
        ris_model_coverage(model, gamma, NULL, &c);
        if (c.p5_db + c.median_db > best_score) {
            best_score = c.p5_db + c.median_db;
            best = k;
        }
    }
    return best;
}

int ris_focus_profile(const struct ris_model *model, size_t i, unsigned bits, uint8_t *state)
{
    assert(model && state && bits >= 1 && bits <= 3);
    const size_t n = ris_model_elements(model);
    double *theta = malloc((2 * n + 1) * sizeof *theta), *power = theta + n;
    cplx *gamma = malloc(n * sizeof *gamma);
    struct edge *edges = NULL;
    if (theta && gamma) {
        ris_focus(model, i, theta);
        edges = rounding_edges(theta, n, bits, state);
    }
    if (edges) {
        power_of_moves(ris_model_row(model, i), edges, state, n, bits, power);
        size_t best = best_spread(model, edges, power, state, bits, gamma);
        for (size_t m = 0; m < n; m++)
            state[m] = ris_nearest_state(theta[m], bits);
        move_up(state, edges, best, bits);
    }
    int rc = edges ? OK : ERR_NO_MEMORY;
    free(edges);
    free(gamma);
    free(theta);
    return rc;
}

struct ris_region ris_region_cells(const struct ris_region *region, size_t q)
{
    assert(region && q >= 1);
    struct ris_region r = *region;
    const double inset = 0.5 / (double)q;
    r.n_x = r.n_y = q;
    r.x_m[0] += inset * (region->x_m[1] - region->x_m[0]);
    r.x_m[1] -= inset * (region->x_m[1] - region->x_m[0]);
    r.y_m[0] += inset * (region->y_m[1] - region->y_m[0]);
    r.y_m[1] -= inset * (region->y_m[1] - region->y_m[0]);
    return r;
}

int ris_codebook(const struct ris_model *model, unsigned bits, uint8_t *states)
{
    assert(model && states);
    const size_t n = ris_model_elements(model);
    double *theta = malloc(n * sizeof *theta);
    int rc = theta ? OK : ERR_NO_MEMORY;
    for (size_t i = 0; rc == OK && i < ris_model_points(model); i++) {
        ris_focus(model, i, theta);
        rc = ris_quantise(model, i, theta, bits, states + i * n);
    }
    free(theta);
    return rc;
}
