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

struct move {
    double offset; /* common phase at which this element's rounding goes on to the next state */
    size_t element;
    uint8_t to;
};

static int by_offset(const void *a, const void *b)
{
    const struct move *x = a, *y = b;
    if (x->offset != y->offset)
        return x->offset < y->offset ? -1 : 1;
    return (x->element > y->element) - (x->element < y->element);
}

/* As the common offset grows through one period of the table, the elements change state at their
 * rounding edges, and between two edges nothing changes: those profiles are all there are. */
struct rounding {
    struct move *moves; /* in order */
    size_t n;
};

static size_t moves_of(const struct ris_states *t)
{
    return (size_t)lrint((double)t->n_edge * t->period_rad / (2 * PI));
}

/* state: the profile of offset 0. moves NULL: no memory. */
static struct rounding round_all(const double *theta, size_t n, const struct ris_states *t,
                                 uint8_t *state)
{
    const size_t each = moves_of(t);
    struct rounding r = {malloc(n * each * sizeof *r.moves), n * each};
    for (size_t m = 0; r.moves && m < n; m++) {
        size_t at = ris_states_sector(t, theta[m]);
        state[m] = t->edge[at].to;
        for (size_t k = 0; k < each; k++) {
            const struct ris_states_edge *e = &t->edge[(at + 1 + k) % t->n_edge];
            double turn = ris_phase_wrapped(e->phase_rad - theta[m]);
            r.moves[m * each + k] = (struct move){turn, m, e->to};
        }
    }
    if (r.moves)
        qsort(r.moves, r.n, sizeof *r.moves, by_offset);
    return r;
}

static void carry_out(const struct move *moves, size_t n, uint8_t *state)
{
    for (size_t k = 0; k < n; k++)
        state[moves[k].element] = moves[k].to;
}

/* Power at the place of `row` after k = 0..r->n moves; state ends as after the last of them. */
static void power_of_moves(const cplx *row, const struct rounding *r, const struct ris_states *t,
                           size_t n, uint8_t *state, double *out)
{
    cplx sum = 0;
    for (size_t m = 0; m < n; m++)
        sum += product(row[m], t->gamma[state[m]]);
    out[0] = cplx_norm(sum);
    for (size_t k = 0; k < r->n; k++) {
        const struct move *v = &r->moves[k];
        sum += product(row[v->element], t->gamma[v->to] - t->gamma[state[v->element]]);
        state[v->element] = v->to;
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

static void round_plain(const double *theta, size_t n, const struct ris_states *t, uint8_t *state)
{
    for (size_t m = 0; m < n; m++)
        state[m] = ris_states_nearest(t, theta[m]);
}

int ris_quantise(const cplx *row, size_t n, const double *theta, const struct ris_states *states,
                 uint8_t *state)
{
    assert(row && theta && states && state);
    struct rounding r = round_all(theta, n, states, state);
    double *power = malloc((r.n + 1) * sizeof *power);
    int rc = r.moves && power ? OK : ERR_NO_MEMORY;
    if (rc == OK) {
        power_of_moves(row, &r, states, n, state, power);
        round_plain(theta, n, states, state);
        carry_out(r.moves, strongest(power, r.n + 1), state);
    }
    free(r.moves);
    free(power);
    return rc;
}

#define FOCUS_TOLERANCE 0.977     /* of power: 0.1 dB */
#define FOCUS_LOOKS     (1 << 18) /* elements summed for each point: 1024 profiles of 16 x 16 */

static bool tolerated(const double *power, size_t k, size_t top)
{
    return power[k] >= FOCUS_TOLERANCE * power[top];
}

/* Each profile costs a look at the whole region, and neighbours differ in one element of many: a
 * large surface tries every second, third, ... of them. */
static size_t stride_of(const double *power, size_t n_power, size_t top, size_t n_element)
{
    size_t count = 0, tries = FOCUS_LOOKS / n_element;
    for (size_t k = 0; k < n_power; k++)
        count += tolerated(power, k, top);
    if (tries == 0)
        tries = 1;
    return (count + tries - 1) / tries;
}

/* Walks from the profile of offset 0 through those of the tolerated offsets and returns the moves
 * to the one that lights the region best. */
static size_t best_spread(const struct ris_model *model, const struct rounding *r,
                          const double *power, const struct ris_states *t, uint8_t *state,
                          cplx *gamma)
{
    const size_t n = ris_model_elements(model), top = strongest(power, r->n + 1);
    const size_t stride = stride_of(power, r->n + 1, top, n);
    size_t best = top, seen = 0;
    double best_score = -INFINITY;
    for (size_t k = 0; k <= r->n; k++) {
        if (k > 0)
            carry_out(r->moves + k - 1, 1, state);
        if (!tolerated(power, k, top) || seen++ % stride != 0)
            continue;
        struct ris_coverage c;
        ris_profile_gamma(state, n, t, gamma);
        ris_model_coverage(model, gamma, NULL, &c);
        if (c.p5_db + c.median_db > best_score) {
            best_score = c.p5_db + c.median_db;
            best = k;
        }
    }
    return best;
}

int ris_focus_profile(const struct ris_model *model, size_t i, const struct ris_states *states,
                      uint8_t *state)
{
    assert(model && state && states);
    const size_t n = ris_model_elements(model);
    double *theta = malloc(n * sizeof *theta), *power = NULL;
    cplx *gamma = malloc(n * sizeof *gamma);
    struct rounding r = {0};
    if (theta && gamma) {
        ris_focus(model, i, theta);
        r = round_all(theta, n, states, state);
        power = malloc((r.n + 1) * sizeof *power);
    }
    int rc = r.moves && power ? OK : ERR_NO_MEMORY;
    if (rc == OK) {
        power_of_moves(ris_model_row(model, i), &r, states, n, state, power);
        round_plain(theta, n, states, state);
        size_t best = best_spread(model, &r, power, states, state, gamma);
        round_plain(theta, n, states, state);
        carry_out(r.moves, best, state);
    }
    free(r.moves);
    free(power);
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

int ris_codebook(const struct ris_model *model, const struct ris_states *states, uint8_t *state)
{
    assert(model && states && state);
    const size_t n = ris_model_elements(model);
    double *theta = malloc(n * sizeof *theta);
    int rc = theta ? OK : ERR_NO_MEMORY;
    for (size_t i = 0; rc == OK && i < ris_model_points(model); i++) {
        ris_focus(model, i, theta);
        rc = ris_quantise(ris_model_row(model, i), n, theta, states, state + i * n);
    }
    free(theta);
    return rc;
}
