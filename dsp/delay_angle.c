/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "dsp/delay_angle.h"
#include "dsp/delay_angle_priv.h"
#include "dsp/fft.h"
#include <assert.h>
#include <stdio.h>
#include <string.h>

enum {
    GRID_LEAST = 12,
    SINES = 25, /* angles of an unknown source */
    SWEEPS = 4,
};
#define GRID_CHIPS 0.2

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
    }
    if (e && delay_angle_sums_create(e))
        return e;
    if (err) {
        err->code = text ? ERR_ARG : ERR_NO_MEMORY;
        snprintf(err->text, sizeof err->text, "%s", text ? text : "delay_angle: out of memory");
    }
    delay_angle_destroy(&e);
    return NULL;
}

void delay_angle_destroy(struct delay_angle **est)
{
    if (*est)
        fft_free((*est)->re);
    fft_free(*est);
    *est = NULL;
}

static void lay_grid(struct delay_angle *e, size_t p)
{
    const struct toa_gate *gate = &e->model.path[p].gate;
    const double width = gate->max_m - gate->min_m;
    double n = fmin(fmax(ceil(width / (GRID_CHIPS * e->chip_m)), GRID_LEAST), GRID_MAX - 1);
    e->n_grid[p] = (size_t)n + 1;
    for (size_t g = 0; g < e->n_grid[p]; g++) {
        e->grid_m[p][g] = gate->min_m + width * (double)g / n;
        delay_angle_correlate(e, e->grid_m[p][g], e->grid[p][g], NULL);
    }
}

static void set_length(struct delay_angle *e, size_t p, size_t g)
{
    e->length_m[p] = e->grid_m[p][g];
    memcpy(e->t[p], e->grid[p][g], sizeof e->t[p]);
    for (size_t o = 0; o < e->model.n_path; o++)
        e->overlap[p][o][0] = e->overlap[o][p][0] =
            delay_angle_overlap(e, e->length_m[p] - e->length_m[o]);
}

static void set_sine(struct delay_angle *e, size_t s, double sine)
{
    e->sine[s] = sine;
    for (size_t w = 0; w < e->n_way; w++)
        if (e->way[w].source == s)
            delay_angle_steer(e, &e->way[w]);
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
        if (!delay_angle_project(e) || e->cost >= best)
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
        if (!delay_angle_project(e) || e->cost >= best)
            continue;
        best = e->cost;
        sine = e->sine[s];
        found = *at;
    }
    *at = found;
    set_sine(e, s, sine);
    set_length(e, p, found);
}

/* The first n_path paths alone, from where they stand; those that follow are not there yet. */
static void refine_first(struct delay_angle *e, size_t n_path)
{
    const struct delay_angle_model whole = e->model;
    struct delay_angle_fit fit;
    e->model.n_path = n_path;
    delay_angle_lay_params(e);
    if (delay_angle_iterate(e, &fit) == OK) {
        memcpy(e->length_m, fit.length_m, sizeof e->length_m);
        memcpy(e->sine, fit.sine, sizeof e->sine);
    }
    (void)delay_angle_evaluate(e);
    e->model = whole;
    delay_angle_lay_params(e);
}

/* Elsewhere in its gate, if that explains a thousandth more; the others are held. */
static bool move_path(struct delay_angle *e, size_t p, size_t *at)
{
    const struct place from = delay_angle_present(e);
    const double cost = e->cost;
    search_length(e, p, at);
    if (delay_angle_project(e) && e->cost < 0.999 * cost)
        return true;
    delay_angle_go_to(e, &from, NULL);
    (void)delay_angle_evaluate(e);
    return false;
}

/* Path by path in their order, each where it explains most beside those before it, which are exact
 * by then: an error of a tenth of a chip in a path leaves a residual 20 dB below it. */
static void begin(struct delay_angle *e, size_t *at)
{
    bool placed[DELAY_ANGLE_SOURCES];
    const struct delay_angle_model *model = &e->model;
    for (size_t s = 0; s < model->n_source; s++) {
        placed[s] = model->source[s].known;
        e->sine[s] = placed[s] ? model->source[s].sine : 0;
    }
    for (size_t p = 0; p < model->n_path; p++) {
        lay_grid(e, p);
        set_length(e, p, 0);
    }
    for (size_t p = 0; p < model->n_path; p++) {
        const size_t s = model->path[p].source[0];
        delay_angle_lay_ways(e, p + 1);
        if (placed[s])
            search_length(e, p, &at[p]);
        else
            search_both(e, p, s, &at[p]);
        placed[s] = true;
        refine_first(e, p + 1);
    }
    for (size_t i = 0, stayed = 0; i < SWEEPS * model->n_path && stayed < model->n_path; i++) {
        const bool moved = move_path(e, i % model->n_path, &at[i % model->n_path]);
        if (moved)
            refine_first(e, model->n_path);
        stayed = moved ? 0 : stayed + 1;
    }
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
            if (!delay_angle_project(e))
                continue;
            const struct start new = {delay_angle_present(e), e->cost};
            keep_start(list, n, &new);
        }
}

int delay_angle_refine(struct delay_angle *e, const struct delay_angle_model *model, const cplxf *y,
                       struct delay_angle_fit *fit)
{
    delay_angle_take_model(e, model, y);
    memcpy(e->length_m, fit->length_m, sizeof e->length_m);
    for (size_t s = 0; s < model->n_source; s++)
        e->sine[s] = model->source[s].known ? model->source[s].sine : fit->sine[s];
    return delay_angle_iterate(e, fit);
}

/* What is left on the grids: t of the residual is t of y less the ways' own. */
static double left_at(const struct delay_angle *e, size_t p, size_t g)
{
    double sum = 0;
    for (size_t j = 0; j < e->cfg.n_ant; j++) {
        cplx t = e->grid[p][g][j];
        for (size_t w = 0; w < e->n_way; w++)
            t -= e->b[w] * e->way[w].a[j] *
                 delay_angle_overlap(e, e->grid_m[p][g] - e->length_m[e->way[w].path]);
        sum += cplx_norm(t);
    }
    return sum;
}

static void find_rest(struct delay_angle *e, struct delay_angle_fit *fit)
{
    const double K = (double)e->cfg.n_carrier;
    for (size_t p = 0; p < e->model.n_path; p++) {
        fit->rest[p] = 0;
        for (size_t g = 0; g < e->n_grid[p]; g++)
            fit->rest[p] = fmax(fit->rest[p], left_at(e, p, g) / ((double)e->cfg.n_ant * K * K));
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
    delay_angle_take_model(e, model, y);
    begin(e, at);
    start[0] = (struct start){delay_angle_present(e), delay_angle_project(e) ? e->cost : INFINITY};
    if (tries > 1)
        hold_angles(e, at, start, tries);
    *fit = (struct delay_angle_fit){.cost = INFINITY};
    for (size_t i = 0; i < tries && isfinite(start[i].cost); i++) {
        struct delay_angle_fit one;
        delay_angle_go_to(e, &start[i].at, NULL);
        if (delay_angle_iterate(e, &one) || one.cost >= fit->cost)
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
    delay_angle_take_model(e, model, y);
    memcpy(e->length_m, fit->length_m, sizeof e->length_m);
    memcpy(e->sine, fit->sine, sizeof e->sine);
    delay_angle_lay_ways(e, model->n_path);
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
        const double turn = delay_angle_rad_per_m(e) * e->length_m[e->way[w].path];
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
        delay_angle_correlate(e, e->length_m[p], seen, NULL);
        for (size_t j = 0; j < e->cfg.n_ant; j++) {
            cplx sum = seen[j] / n;
            for (size_t w = 0; w < e->n_way; w++)
                if (e->way[w].path != p)
                    sum -= e->b[w] * e->way[w].a[j] *
                           delay_angle_overlap(e, e->length_m[p] - e->length_m[e->way[w].path]) / n;
            vector[p][j] = (cplxf)sum;
        }
    }
}
