/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "calib/surface_trial.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "dsp/ris_design.h"
#include "dsp/rng.h"

struct surface_trial surface_trial_default(void)
{
    return (struct surface_trial){
        .bs_m = {0, 0, 10},
        .ris_m = {{50, 0, 6}, {0, 50, 6}},
        .user_m = {25, 25, 1.5},
        .carrier_hz = 10e9,
        .n_ant = 31,
        .columns = 3,
        .rows = 1,
        .cells = 4,
        .box_min_m = {10, 10, 1},
        .box_max_m = {40, 40, 1.8},
        .grid = 41,
        .threshold_db = RIS_LEVEL_WEAK_DB,
        .cycle_s = 1,
        .answer_s = 0.1,
        .n_users = 20000,
        .range_m = 35,
        .offset_m = 0.5,
        .seed = 1,
    };
}

static double wavelength(const struct surface_trial *trial)
{
    return SPEED_OF_LIGHT / trial->carrier_hz;
}

static struct vec3 middle(const struct surface_trial *trial)
{
    return vec3_scale(vec3_add(trial->box_min_m, trial->box_max_m), 0.5);
}

static struct vec3 in_plan(struct vec3 v)
{
    v.z = 0;
    return vec3_unit(v);
}

static double decibel(double power)
{
    return 10 * log10(fmax(power, 1e-30));
}

/* --- one surface ---------------------------------------------------------------------------- */

static struct ris_model *model_of(const struct surface_trial *trial, int ris,
                                  const struct ris_region *region, struct status *err)
{
    struct ris_model_cfg cfg = {
        .bs = trial->bs_m, .carrier_hz = trial->carrier_hz, .region = *region};
    const struct vec3 at = trial->ris_m[ris];
    const struct panel_cfg panel = {.position = at,
                                    .normal = panel_bisector(at, trial->bs_m, middle(trial)),
                                    .up = {0, 0, 1},
                                    .columns = trial->columns,
                                    .rows = trial->rows,
                                    .spacing_m = wavelength(trial) / 2};
    if (panel_init(&cfg.panel, &panel)) {
        err->code = ERR_GEOMETRY;
        return NULL;
    }
    return ris_model_create(&cfg, err);
}

static struct ris_region region_of(const struct surface_trial *trial, size_t n)
{
    const struct vec3 lo = trial->box_min_m, hi = trial->box_max_m, at = middle(trial);
    return (struct ris_region){.x_m = {lo.x, hi.x},
                               .y_m = {lo.y, hi.y},
                               .z_m = {at.z, at.z},
                               .n_x = n,
                               .n_y = n,
                               .n_z = 1};
}

static struct ris_region point_region(struct vec3 p)
{
    return (struct ris_region){{p.x, p.x}, {p.y, p.y}, {p.z, p.z}, 1, 1, 1};
}

static void gamma_of_phases(const double *theta, size_t n, cplx *gamma)
{
    for (size_t m = 0; m < n; m++)
        gamma[m] = cexp(I * theta[m]);
}

/* Focus on point i of the model: any phase, or states with the best common offset. */
static int focus(const struct surface_trial *trial, const struct ris_model *model, size_t i,
                 cplx *gamma)
{
    const size_t n = ris_model_elements(model);
    double *theta = malloc(n * sizeof *theta);
    uint8_t *state = malloc(n);
    int rc = theta && state ? 0 : ERR_NO_MEMORY;
    if (rc == 0) {
        ris_focus(model, i, theta);
        gamma_of_phases(theta, n, gamma);
    }
    if (rc == 0 && trial->bits) {
        const struct ris_states states = ris_states_ideal(trial->bits);
        rc = ris_quantise(ris_model_row(model, i), n, theta, &states, state);
        if (rc == 0)
            ris_profile_gamma(state, n, &states, gamma);
    }
    free(theta);
    free(state);
    return rc;
}

static int wide(const struct surface_trial *trial, int ris, cplx *gamma)
{
    struct status err = {0};
    const struct ris_region region = region_of(trial, RIS_WIDE_GRID);
    struct ris_model *model = model_of(trial, ris, &region, &err);
    const size_t n = trial->columns * trial->rows;
    double *theta = malloc(n * sizeof *theta);
    uint8_t *state = malloc(n);
    int rc = !model ? err.code : theta && state ? 0 : ERR_NO_MEMORY;
    if (rc == 0 && trial->bits) {
        const struct ris_states states = ris_states_ideal(trial->bits);
        rc = ris_wide_profile(model, &states, state);
        if (rc == 0)
            ris_profile_gamma(state, n, &states, gamma);
    } else if (rc == 0) {
        rc = ris_wide(model, theta);
        gamma_of_phases(theta, n, gamma);
    }
    free(theta);
    free(state);
    ris_model_destroy(&model);
    return rc;
}

/* --- figure 4 ------------------------------------------------------------------------------- */

static struct antenna_line bs_line(const struct surface_trial *trial)
{
    const struct vec3 ahead = in_plan(vec3_sub(middle(trial), trial->bs_m));
    return (struct antenna_line){trial->bs_m, vec3_cross((struct vec3){0, 0, 1}, ahead),
                                 wavelength(trial) / 2, trial->n_ant};
}

/* |sum_i conj(a_i(user)) a_i(p)|^2 / M^2: the MRT beam for the user, seen at p. */
static double bs_level(const struct surface_trial *trial, struct vec3 p)
{
    const struct antenna_line line = bs_line(trial);
    cplx sum = 0;
    for (size_t i = 0; i < trial->n_ant; i++) {
        struct vec3 e = antenna_line_element(&line, i);
        double way = (vec3_dist(p, e) - vec3_dist(trial->user_m, e)) / wavelength(trial);
        sum += cexp(-2 * PI * I * (way - rint(way)));
    }
    double n = (double)trial->n_ant, size = cabs(sum) / n;
    return decibel(size * size);
}

/* At the user's distance in the plan and height, turned by angle from `ahead`. */
static struct vec3 around(struct vec3 from, struct vec3 user, struct vec3 ahead, double angle)
{
    const double r = hypot(user.x - from.x, user.y - from.y), c = cos(angle), s = sin(angle);
    return (struct vec3){from.x + r * (c * ahead.x - s * ahead.y),
                         from.y + r * (s * ahead.x + c * ahead.y), user.z};
}

static double panel_level(const struct ris_model *model, const cplx *gamma, double bound,
                          const struct surface_trial *trial, struct vec3 p)
{
    const struct panel *panel = ris_model_panel(model);
    cplx sum = 0;
    bool seen = false;
    for (size_t m = 0; m < panel_elements(panel); m++) {
        cplx hop = ris_hop(panel, m, p, wavelength(trial));
        seen = seen || hop != 0;
        sum += ris_hop(panel, m, trial->bs_m, wavelength(trial)) * gamma[m] * hop;
    }
    double size = cabs(sum) / bound;
    return seen ? decibel(size * size) : NAN;
}

static int panel_pattern(const struct surface_trial *trial, int ris, const double *angle, size_t n,
                         double (*out)[3])
{
    struct status err = {0};
    const struct ris_region region = point_region(trial->user_m);
    struct ris_model *model = model_of(trial, ris, &region, &err);
    cplx *gamma = malloc(trial->columns * trial->rows * sizeof *gamma);
    int rc = !model ? err.code : !gamma ? ERR_NO_MEMORY : focus(trial, model, 0, gamma);
    double bound = rc ? 0 : ris_model_bound(model, 0);
    if (rc == 0 && !(bound > 0))
        rc = ERR_GEOMETRY;
    for (size_t i = 0; rc == 0 && i < n; i++) {
        const struct vec3 at = trial->ris_m[ris], ahead = in_plan(ris_model_panel(model)->z);
        out[i][1 + ris] =
            panel_level(model, gamma, bound, trial, around(at, trial->user_m, ahead, angle[i]));
    }
    free(gamma);
    ris_model_destroy(&model);
    return rc;
}

int surface_pattern(const struct surface_trial *trial, const double *angle_rad, size_t n,
                    double (*out)[3])
{
    const struct vec3 ahead = in_plan(vec3_sub(middle(trial), trial->bs_m));
    for (size_t i = 0; i < n; i++)
        out[i][0] = bs_level(trial, around(trial->bs_m, trial->user_m, ahead, angle_rad[i]));
    int rc = panel_pattern(trial, 0, angle_rad, n, out);
    return rc ? rc : panel_pattern(trial, 1, angle_rad, n, out);
}

/* --- figure 5 ------------------------------------------------------------------------------- */

/* |array factor|^2 / M^2 at angle, steered to `steer`, far field, half a wavelength. */
static double factor(size_t n_ant, double steer, double angle)
{
    const double u = PI / 2 * (sin(angle) - sin(steer)), m = (double)n_ant;
    if (fabs(sin(u)) < 1e-12)
        return 1;
    double f = sin(m * u) / (m * sin(u));
    return f * f;
}

/* Where the main lobe falls to half, on one side; NaN: not within 90 degrees. */
static double half_power(size_t n_ant, double steer, double side)
{
    const double null = 2.0 / (double)n_ant, s = sin(steer) + side * null;
    double in = steer, out = fabs(s) < 1 ? asin(s) : side * PI / 2;
    if (n_ant < 2 || factor(n_ant, steer, out) > 0.5)
        return NAN;
    for (int i = 0; i < 60; i++) {
        double at = (in + out) / 2;
        if (factor(n_ant, steer, at) > 0.5)
            in = at;
        else
            out = at;
    }
    return (in + out) / 2;
}

struct surface_beam surface_beam(const struct surface_trial *trial)
{
    const size_t n = trial->n_ant;
    const double steer = trial->steer_rad, null = sin(steer) + 2.0 / (double)n;
    double half = half_power(n, steer, 1) - half_power(n, steer, -1);
    double miss = atan(trial->offset_m / trial->range_m);
    return (struct surface_beam){
        .half_power_rad = half,
        .null_rad = n > 1 && null <= 1 ? asin(null) - steer : NAN,
        .approximate_rad = 0.886 * 2 / ((double)n * cos(steer)),
        .width_m = 2 * trial->range_m * tan(half / 2),
        .loss_db = decibel(factor(n, steer, steer + miss)),
        .gain_db = decibel((double)n),
    };
}

/* --- figure 6 ------------------------------------------------------------------------------- */

struct vec3 surface_place(const struct surface_trial *trial, size_t x, size_t y)
{
    const struct vec3 lo = trial->box_min_m, hi = trial->box_max_m;
    const double steps = (double)trial->grid - 1;
    return (struct vec3){lo.x + (hi.x - lo.x) * (double)x / steps,
                         lo.y + (hi.y - lo.y) * (double)y / steps, middle(trial).z};
}

/* What a design shows: n beams, one a cycle. */
struct shown {
    size_t n;
    double *beam_db; /* [n x points], of the surfaces looked at so far the weaker */
};

static int gamma_codebook(const struct surface_trial *trial, int ris, size_t n, cplx *gamma)
{
    struct status err = {0};
    struct ris_region cells = region_of(trial, 2);
    cells = ris_region_cells(&cells, trial->cells);
    struct ris_model *model = model_of(trial, ris, &cells, &err);
    int rc = model ? 0 : err.code;
    for (size_t i = 0; rc == 0 && i < n; i++)
        rc = focus(trial, model, i, gamma + i * trial->columns * trial->rows);
    ris_model_destroy(&model);
    return rc;
}

static int gamma_focus(const struct surface_trial *trial, int ris, cplx *gamma)
{
    struct status err = {0};
    const struct ris_region region = point_region(trial->user_m);
    struct ris_model *model = model_of(trial, ris, &region, &err);
    int rc = model ? focus(trial, model, 0, gamma) : err.code;
    ris_model_destroy(&model);
    return rc;
}

/* The n profiles of a design, [n x elements]. */
static int gamma_of(const struct surface_trial *trial, int ris, enum surface_design design,
                    size_t n, cplx *gamma)
{
    return design == SURFACE_WIDE       ? wide(trial, ris, gamma)
           : design == SURFACE_CODEBOOK ? gamma_codebook(trial, ris, n, gamma)
                                        : gamma_focus(trial, ris, gamma);
}

static int levels_shown(const struct surface_trial *trial, int ris, enum surface_design design,
                        struct ris_model *model, size_t n, double *level_db)
{
    const size_t points = trial->grid * trial->grid, elements = trial->columns * trial->rows;
    struct ris_coverage unused;
    cplx *gamma = malloc(n * elements * sizeof *gamma);
    int rc = gamma ? gamma_of(trial, ris, design, n, gamma) : ERR_NO_MEMORY;
    for (size_t b = 0; rc == 0 && b < n; b++)
        ris_model_coverage(model, gamma + b * elements, level_db + b * points, &unused);
    free(gamma);
    return rc;
}

static int levels_tracked(const struct surface_trial *trial, struct ris_model *model,
                          double *level_db)
{
    const size_t points = trial->grid * trial->grid;
    cplx *gamma = malloc(trial->columns * trial->rows * sizeof *gamma);
    int rc = gamma ? 0 : ERR_NO_MEMORY;
    for (size_t i = 0; rc == 0 && i < points; i++) {
        struct ris_view view;
        rc = focus(trial, model, i, gamma);
        ris_model_view(model, gamma, ris_model_point(model, i), &view);
        level_db[i] = view.level_db;
    }
    free(gamma);
    return rc;
}

static int look_at_surface(const struct surface_trial *trial, int ris, enum surface_design design,
                           struct shown *shown)
{
    struct status err = {0};
    const size_t n = shown->n * trial->grid * trial->grid;
    const struct ris_region region = region_of(trial, trial->grid);
    struct ris_model *model = model_of(trial, ris, &region, &err);
    double *level_db = malloc(n * sizeof *level_db);
    int rc = !model ? err.code : level_db ? 0 : ERR_NO_MEMORY;
    if (rc == 0)
        rc = design == SURFACE_TRACKED
                 ? levels_tracked(trial, model, level_db)
                 : levels_shown(trial, ris, design, model, shown->n, level_db);
    for (size_t i = 0; rc == 0 && i < n; i++)
        shown->beam_db[i] = fmin(shown->beam_db[i], level_db[i]);
    free(level_db);
    ris_model_destroy(&model);
    return rc;
}

static double lit_share(const double *level_db, size_t n, double threshold_db)
{
    size_t lit = 0;
    for (size_t i = 0; i < n; i++)
        lit += level_db[i] >= threshold_db;
    return (double)lit / (double)n;
}

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Users walk in at a random time onto a random place; beam c shows in cycles c, c + n, ... */
static int waits(const struct surface_trial *trial, const struct shown *shown,
                 struct surface_cover *out)
{
    const size_t points = trial->grid * trial->grid;
    struct rng rng = rng_seed(trial->seed);
    double *wait = malloc(trial->n_users * sizeof *wait), sum = 0;
    size_t n = 0;
    if (!wait)
        return ERR_NO_MEMORY;
    for (size_t u = 0; u < trial->n_users; u++) {
        size_t place = (size_t)(rng_u01(&rng) * (double)points);
        double came = rng_u01(&rng) * (double)shown->n;
        size_t first = (size_t)ceil(came), cycle = first;
        while (cycle < first + shown->n &&
               shown->beam_db[cycle % shown->n * points + place] < trial->threshold_db)
            cycle++;
        if (cycle == first + shown->n)
            continue;
        wait[n] = ((double)cycle - came) * trial->cycle_s + trial->answer_s;
        sum += wait[n++];
    }
    qsort(wait, n, sizeof *wait, ascending);
    out->wait_mean_s = n ? sum / (double)n : NAN;
    out->wait_p95_s = n ? wait[n * 95 / 100] : NAN;
    free(wait);
    return 0;
}

static double percentile(const double *sorted, size_t n, double share)
{
    double at = share * (double)(n - 1);
    size_t i = (size_t)at < n - 1 ? (size_t)at : n - 2;
    return sorted[i] + (at - (double)i) * (sorted[i + 1] - sorted[i]);
}

static int summarise(const struct surface_trial *trial, const double *level_db,
                     struct surface_cover *out)
{
    const size_t points = trial->grid * trial->grid;
    double *sorted = malloc(points * sizeof *sorted);
    if (!sorted)
        return ERR_NO_MEMORY;
    memcpy(sorted, level_db, points * sizeof *sorted);
    qsort(sorted, points, sizeof *sorted, ascending);
    out->level = (struct ris_coverage){sorted[0], percentile(sorted, points, 0.05),
                                       percentile(sorted, points, 0.5), sorted[points - 1]};
    out->lit = lit_share(level_db, points, trial->threshold_db);
    out->wait_mean_s = out->wait_p95_s = NAN;
    free(sorted);
    return 0;
}

static int cover_design(const struct surface_trial *trial, enum surface_design design,
                        double *level_db, struct surface_cover *out)
{
    const size_t points = trial->grid * trial->grid;
    struct shown shown = {.n = design == SURFACE_CODEBOOK ? trial->cells * trial->cells : 1};
    shown.beam_db = malloc(shown.n * points * sizeof *shown.beam_db);
    int rc = shown.beam_db ? 0 : ERR_NO_MEMORY;
    for (size_t i = 0; rc == 0 && i < shown.n * points; i++)
        shown.beam_db[i] = INFINITY;
    for (int ris = 0; rc == 0 && ris < 2; ris++)
        if (trial->which == SURFACE_WEAKER || (int)trial->which == SURFACE_FIRST + ris)
            rc = look_at_surface(trial, ris, design, &shown);
    for (size_t i = 0; rc == 0 && i < points; i++) {
        level_db[i] = shown.beam_db[i];
        for (size_t b = 1; b < shown.n; b++)
            level_db[i] = fmax(level_db[i], shown.beam_db[b * points + i]);
    }
    rc = rc ? rc : summarise(trial, level_db, out);
    if (rc == 0 && design != SURFACE_TRACKED)
        rc = waits(trial, &shown, out);
    free(shown.beam_db);
    return rc;
}

int surface_cover(const struct surface_trial *trial, double *const level_db[SURFACE_DESIGNS],
                  struct surface_cover out[SURFACE_DESIGNS])
{
    double *own = malloc(trial->grid * trial->grid * sizeof *own);
    int rc = own ? 0 : ERR_NO_MEMORY;
    assert(trial->grid >= 2);
    for (int d = 0; rc == 0 && d < SURFACE_DESIGNS; d++)
        rc = cover_design(trial, d, level_db[d] ? level_db[d] : own, &out[d]);
    free(own);
    return rc;
}
