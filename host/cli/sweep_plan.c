/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "host/cli/sweep_plan.h"

#include <assert.h>
#include <ctype.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "calib/pixel_method.h"
#include "host/cli/link_file.h"
#include "host/cli/scenario_file.h"
#include "host/cli/surface_file.h"
#include "host/cli/sweep_runtime.h"

#define MAX_SCENARIO_BYTES 4096

/* A scenario of "KEY=VALUE" settings, for each kind of experiment. */
static int read_pixel_scenario(const struct config_sets *sets, void *out, struct status *err)
{
    return scenario_file_read(NULL, sets, out, err);
}

static int read_link_scenario(const struct config_sets *sets, void *out, struct status *err)
{
    return link_file_read(sets, out, err);
}

static int read_surface_scenario(const struct config_sets *sets, void *out, struct status *err)
{
    return surface_file_read(sets, out, err);
}

/* In the order of SWEEP_KINDS. bytes: of what read fills, which begins with the kind's scenario and
 * does not move afterwards. */
static const struct sweep_kind {
    const struct experiment_kind *kind;
    size_t bytes;
    int (*read)(const struct config_sets *sets, void *out, struct status *err);
} kinds[] = {
    {&experiment_pixels, sizeof(struct scenario_file), read_pixel_scenario},
    {&experiment_convergence, sizeof(struct scenario_file), read_pixel_scenario},
    {&experiment_mask, sizeof(struct scenario_file), read_pixel_scenario},
    {&experiment_location, sizeof(struct link_trial), read_link_scenario},
    {&experiment_bits, sizeof(struct link_trial), read_link_scenario},
    {&experiment_joint, sizeof(struct link_trial), read_link_scenario},
    {&experiment_pattern, sizeof(struct surface_trial), read_surface_scenario},
    {&experiment_beamwidth, sizeof(struct surface_trial), read_surface_scenario},
    {&experiment_coverage, sizeof(struct surface_trial), read_surface_scenario},
    {&experiment_map, sizeof(struct surface_trial), read_surface_scenario},
    {&experiment_runtime, sizeof(struct surface_trial), read_surface_scenario},
};

static int blame(const char *name, const char *key, struct status *err)
{
    return config_blame(&sweep_file_table, name, key, err);
}

static int read_methods(struct sweep_plan *plan, const char *name, struct status *err)
{
    const struct sweep_file *f = &plan->file;
    const char *names[PIXEL_METHODS];
    char key[32];
    for (int i = 0; i < PIXEL_METHODS; i++)
        names[i] = pixel_method_name(i);
    plan->cfg = (struct experiment_cfg){f->bounds, 0, (size_t)f->iterations};
    for (size_t i = 0; i < f->n_methods; i++) {
        int m = pixel_method_find(f->methods[i]);
        const char *near = config_nearest(f->methods[i], names, PIXEL_METHODS);
        snprintf(key, sizeof key, "methods[%zu]", i);
        if (m < 0) {
            status_set(err, ERR_ARG,
                       "no method '%s'%s%s%s; there are joint, agnostic, l1, successive and occam",
                       f->methods[i], near ? ", did you mean '" : "", near ? near : "",
                       near ? "'?" : "");
            return blame(name, key, err);
        }
        plan->cfg.methods |= 1u << m;
    }
    if (plan->cfg.methods == 0 && !plan->cfg.bounds)
        return status_set(err, ERR_ARG, "%s: nothing to measure: no methods and no bounds", name);
    return 0;
}

static int read_vary(struct sweep_plan *plan, const char *name, struct status *err)
{
    static const char *const words[] = {"profiles", "mask", "noise", "scatter"};
    char key[32];
    for (size_t i = 0; i < plan->file.n_vary; i++) {
        unsigned bit = 0;
        for (unsigned w = 0; w < 4; w++)
            bit |= strcmp(plan->file.vary[i], words[w]) == 0 ? 1u << w : 0;
        snprintf(key, sizeof key, "vary[%zu]", i);
        if (bit == 0) {
            status_set(err, ERR_ARG, "'%s' cannot vary; profiles, mask, noise and scatter can",
                       plan->file.vary[i]);
            return blame(name, key, err);
        }
        plan->vary |= bit;
    }
    return 0;
}

void sweep_plan_place(const struct sweep_plan *plan, size_t point, size_t *index)
{
    for (size_t a = plan->file.n_axes; a-- > 0;) {
        index[a] = point % plan->file.axes[a].n_values;
        point /= plan->file.axes[a].n_values;
    }
}

size_t sweep_plan_order(const struct sweep_plan *plan, size_t i)
{
    size_t point = 0, stride = plan->n_points;
    for (size_t a = 0; a < plan->file.n_axes; a++) {
        size_t n = plan->file.axes[a].n_values;
        stride /= n;
        point += i % n * stride;
        i /= n;
    }
    return point;
}

/* Which of the settings is at fault, tried one by one: where it stands in the file. */
static int blame_setting(const struct sweep_kind *kind, const struct sweep_file *f,
                         const size_t *index, const char *name, struct status *err)
{
    static unsigned char scratch[MAX_SCENARIO_BYTES];
    struct status first = *err;
    char text[200], key[48];
    const char *one[] = {text};
    const struct config_sets sets = {one, 1};
    for (size_t i = 0; i < f->n_scenario; i++) {
        snprintf(text, sizeof text, "%s", f->scenario[i]);
        snprintf(key, sizeof key, "scenario[%zu]", i);
        if (kind->read(&sets, scratch, err))
            return blame(name, key, err);
    }
    for (size_t a = 0; a < f->n_axes; a++)
        for (size_t k = 0; k < f->axes[a].n_keys; k++) {
            snprintf(text, sizeof text, "%s=%s", f->axes[a].keys[k], f->axes[a].values[index[a]]);
            snprintf(key, sizeof key, "axes[%zu].values[%zu]", a, index[a]);
            if (kind->read(&sets, scratch, err))
                return blame(name, key, err);
        }
    *err = first; /* only together */
    return blame(name, "scenario", err);
}

static int read_point(struct sweep_plan *plan, const struct sweep_kind *kind, size_t point,
                      const char *name, struct status *err)
{
    const struct sweep_file *f = &plan->file;
    static char text[SWEEP_MAX_AXES * 4][136];
    const char *items[32 + SWEEP_MAX_AXES * 4];
    size_t index[SWEEP_MAX_AXES], n = 0, n_text = 0;
    sweep_plan_place(plan, point, index);
    for (size_t i = 0; i < f->n_scenario; i++)
        items[n++] = f->scenario[i];
    for (size_t a = 0; a < f->n_axes; a++)
        for (size_t k = 0; k < f->axes[a].n_keys; k++) {
            snprintf(text[n_text], sizeof text[0], "%s=%s", f->axes[a].keys[k],
                     f->axes[a].values[index[a]]);
            items[n++] = text[n_text++];
        }
    const struct config_sets sets = {items, n};
    if (kind->read(&sets, plan->scenarios + point * plan->scenario_stride, err))
        return blame_setting(kind, f, index, name, err);
    return 0;
}

static int read_points(struct sweep_plan *plan, const struct sweep_kind *kind, const char *name,
                       struct status *err)
{
    plan->n_points = 1;
    for (size_t a = 0; a < plan->file.n_axes; a++)
        plan->n_points *= plan->file.axes[a].n_values;
    if (plan->n_points > SWEEP_MAX_POINTS) {
        status_set(err, ERR_ARG, "the axes make %zu points, at most %d are possible",
                   plan->n_points, SWEEP_MAX_POINTS);
        return blame(name, "axes", err);
    }
    assert(kind->bytes <= MAX_SCENARIO_BYTES && kind->kind->scenario_size <= kind->bytes);
    plan->scenario_stride = (kind->bytes + 63) / 64 * 64;
    plan->scenarios = aligned_alloc(64, plan->n_points * plan->scenario_stride);
    if (!plan->scenarios)
        return status_set(err, ERR_NO_MEMORY, "%s: no memory for %zu points", name, plan->n_points);
    int rc = 0;
    for (size_t p = 0; rc == 0 && p < plan->n_points; p++)
        rc = read_point(plan, kind, p, name, err);
    return rc;
}

static size_t rows_of(const struct sweep_plan *plan, size_t point)
{
    const void *scenario = plan->scenarios + point * plan->scenario_stride;
    return plan->kind->rows ? plan->kind->rows(&plan->cfg, scenario) : 1;
}

static int lay_out(struct sweep_plan *plan, const char *name, struct status *err)
{
    plan->n_columns = plan->kind->columns(&plan->cfg, plan->columns);
    plan->n_trials = (size_t)plan->file.trials;
    plan->n_rows = rows_of(plan, 0);
    for (size_t p = 1; p < plan->n_points; p++)
        if (rows_of(plan, p) != plan->n_rows) {
            status_set(err, ERR_ARG, "kind %s needs the same number of elements at all points",
                       plan->kind->name);
            return blame(name, "axes", err);
        }
    plan->width = plan->n_rows * plan->n_columns;
    if ((double)plan->n_points * (double)plan->n_trials * (double)plan->width > 1e9) {
        status_set(err, ERR_ARG, "%zu points x %zu trials x %zu numbers are too many to keep (1e9)",
                   plan->n_points, plan->n_trials, plan->width);
        return blame(name, "trials", err);
    }
    return 0;
}

bool sweep_plan_column(const struct sweep_plan *plan, const char *name, size_t *column,
                       enum experiment_statistic *statistic)
{
    char full[80];
    for (*column = 0; *column < plan->n_columns; ++*column)
        for (int s = 0; s < EXPERIMENT_STATISTICS; s++) {
            *statistic = s;
            snprintf(full, sizeof full, "%s_%s", plan->columns[*column].name,
                     experiment_statistic_name(s));
            if (plan->columns[*column].statistics & 1u << s && strcmp(full, name) == 0)
                return true;
        }
    return false;
}

static int check_curve(const struct sweep_plan *plan, const char *curve, struct status *err)
{
    char column[96];
    size_t c;
    enum experiment_statistic s;
    snprintf(column, sizeof column, "%.*s", (int)strcspn(curve, " "), curve);
    if (sweep_plan_column(plan, column, &c, &s))
        return 0;
    return status_set(err, ERR_ARG,
                      "there is no column '%s': columns are those of kind %s, methods and bounds, "
                      "with _mean, _rms, _median or _count behind",
                      column, plan->kind->name);
}

static bool number(const char *text)
{
    char *end;
    strtod(text, &end);
    return end != text && *end == 0;
}

static bool on_axis(const struct sweep_file *f, size_t first, const char *only)
{
    const char *equals = strchr(only, '=');
    for (size_t a = first; equals && a < f->n_axes; a++)
        for (size_t v = 0; v < f->axes[a].n_values; v++)
            if (strncmp(f->axes[a].keys[0], only, (size_t)(equals - only)) == 0 &&
                f->axes[a].keys[0][equals - only] == 0 &&
                strcmp(f->axes[a].values[v], equals + 1) == 0)
                return true;
    return false;
}

static int check_figure(const struct sweep_plan *plan, size_t i, const char *name,
                        struct status *err)
{
    const struct sweep_figure *fig = plan->file.figures + i;
    const struct sweep_axis *x = plan->file.axes;
    char key[64];
    int rc = 0;
    snprintf(key, sizeof key, "figures[%zu]", i);
    for (const char *c = fig->name; *c || c == fig->name; c++)
        if (!isalnum((unsigned char)*c) && !strchr("-_", *c ? *c : '/'))
            rc = status_set(err, ERR_ARG, "a figure's name has letters, digits, - and _ alone");
    if (!rc && fig->style == SWEEP_LINES && !plan->kind->row && plan->file.n_axes == 0)
        rc = status_set(err, ERR_ARG, "a figure of lines needs an axis");
    for (size_t v = 0; !rc && !plan->kind->row && plan->file.n_axes && v < x->n_values; v++)
        if (fig->style == SWEEP_LINES && !number(x->values[v]))
            rc = status_set(err, ERR_ARG, "the first axis of a figure needs numbers, not '%s'",
                            x->values[v]);
    if (!rc && fig->style == SWEEP_IMAGES && plan->kind->leading != 2)
        rc = status_set(err, ERR_ARG, "images are for kinds mask and map");
    for (size_t c = 0; !rc && c < fig->n_curves; c++)
        if ((rc = check_curve(plan, fig->curves[c], err)))
            snprintf(key, sizeof key, "figures[%zu].curves[%zu]", i, c);
    for (size_t o = 0; !rc && o < fig->n_only; o++)
        if (!on_axis(&plan->file, plan->kind->row ? 0 : 1, fig->only[o]))
            rc = status_set(err, ERR_ARG, "'%s' is no value of the second or a later axis",
                            fig->only[o]);
    return rc ? blame(name, key, err) : 0;
}

/* The file as it was understood, without what is only for the eye. */
static int digest(struct sweep_plan *plan, const char *name, struct status *err)
{
    char *text = NULL;
    size_t n = 0;
    static struct sweep_file bare;
    FILE *out = open_memstream(&text, &n);
    bare = plan->file;
    bare.title[0] = 0;
    bare.n_figures = 0;
    for (size_t a = 0; a < bare.n_axes; a++)
        bare.axes[a].label[0] = 0;
    if (!out || config_dump(&sweep_file_table, &bare, out) || fclose(out))
        return status_set(err, ERR_NO_MEMORY, "%s: out of memory", name);
    crypto_generichash_state state;
    crypto_generichash_init(&state, NULL, 0, sizeof plan->digest);
    crypto_generichash_update(&state, (const unsigned char *)MIRADOR_VERSION,
                              sizeof MIRADOR_VERSION);
    crypto_generichash_update(&state, (const unsigned char *)text, n);
    crypto_generichash_final(&state, plan->digest, sizeof plan->digest);
    free(text);
    return 0;
}

static struct sweep_plan *finish(struct sweep_plan *plan, int rc, const char *name,
                                 struct status *err)
{
    if (rc == 0) {
        const struct sweep_kind *kind = kinds + plan->file.kind;
        plan->kind = kind->kind;
        rc = read_methods(plan, name, err);
        rc = rc ? rc : read_vary(plan, name, err);
        rc = rc ? rc : read_points(plan, kind, name, err);
        rc = rc ? rc : lay_out(plan, name, err);
    }
    for (size_t i = 0; rc == 0 && i < plan->file.n_figures; i++)
        rc = check_figure(plan, i, name, err);
    rc = rc ? rc : digest(plan, name, err);
    if (rc)
        sweep_plan_destroy(&plan);
    return plan;
}

static struct sweep_plan *empty_plan(struct status *err)
{
    struct sweep_plan *plan = sodium_init() < 0 ? NULL : calloc(1, sizeof *plan);
    if (!plan)
        status_set(err, ERR_NO_MEMORY, "no memory for a sweep");
    return plan;
}

struct sweep_plan *sweep_plan_read(const char *path, const struct config_sets *sets,
                                   struct status *err)
{
    struct sweep_plan *plan = empty_plan(err);
    if (!plan)
        return NULL;
    return finish(plan, config_load(&sweep_file_table, path, sets, &plan->file, err), path, err);
}

struct sweep_plan *sweep_plan_parse(const char *name, const char *text, size_t length,
                                    const struct config_sets *sets, struct status *err)
{
    struct sweep_plan *plan = empty_plan(err);
    if (!plan)
        return NULL;
    return finish(plan, config_parse(&sweep_file_table, name, text, length, sets, &plan->file, err),
                  name, err);
}

void sweep_plan_destroy(struct sweep_plan **plan)
{
    if (*plan)
        free((*plan)->scenarios);
    free(*plan);
    *plan = NULL;
}

int sweep_plan_trial(const struct sweep_plan *plan, void *workspace, size_t point, size_t trial,
                     double *out, struct status *err)
{
    _Alignas(64) unsigned char scenario[MAX_SCENARIO_BYTES];
    memcpy(scenario, plan->scenarios + point * plan->scenario_stride, plan->kind->scenario_size);
    plan->kind->seed(scenario, plan->vary, experiment_trial_seed(plan->file.seed, trial));
    return plan->kind->trial(workspace, scenario, out, err);
}
