/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The kinds of experiment on broken pixels. */
#include <assert.h>
#include <math.h>
#include <stdio.h>

#include "calib/experiment_rig.h"
#include "dsp/rng.h"

#define MEAN   (1u << EXPERIMENT_MEAN)
#define RMS    (1u << EXPERIMENT_RMS)
#define MEDIAN (1u << EXPERIMENT_MEDIAN)
#define COUNT  (1u << EXPERIMENT_COUNT)

static size_t add(struct experiment_column *out, size_t n, unsigned statistics, const char *who,
                  const char *what)
{
    assert(n < EXPERIMENT_MAX_COLUMNS);
    snprintf(out[n].name, sizeof out[n].name, "%s%s%s", who, *who ? "_" : "", what);
    out[n].statistics = statistics;
    return n + 1;
}

static bool wanted(const struct experiment_cfg *cfg, int method)
{
    return cfg->methods & 1u << method;
}

static void *create(const struct experiment_cfg *cfg)
{
    return rig_create(cfg);
}

static void destroy(void *workspace)
{
    struct rig *rig = workspace;
    rig_destroy(&rig);
}

static void seed(void *scenario, unsigned vary, uint64_t trial_seed)
{
    struct scenario *s = scenario;
    struct rng rng = rng_seed(trial_seed);
    uint64_t *const seeds[] = {&s->profile_seed, &s->mask_seed, &s->noise_seed, &s->scatter_seed};
    for (int i = 0; i < 4; i++) {
        uint64_t drawn = rng_next(&rng);
        if (vary & 1u << i)
            *seeds[i] = drawn;
    }
}

/* Kind pixels: bounds, and of each method what [S2] VI plots. */

static const char *const bound_names[] = {"crb_perfect_m", "crb_knownloc_m", "lb_m", "mcrb_m",
                                          "bias_m"};
enum { N_BOUNDS = sizeof bound_names / sizeof *bound_names };

enum { ERROR, TRUSTED, RATIO, NMSE, EXACT, ALARMS, EXPLAINED, N_SCORES };
static const struct {
    const char *name;
    unsigned statistics;
} scores[N_SCORES] = {
    [ERROR] = {"error_m", RMS | MEDIAN},
    [TRUSTED] = {"trusted_error_m", RMS | COUNT}, /* where the method calls its answer explained */
    [RATIO] = {"error_over_crb", RMS},            /* CRB-KnownLoc */
    [NMSE] = {"nmse", MEAN | MEDIAN},             /* |m - truth|^2 / |truth|^2 of the mask */
    [EXACT] = {"exact", MEAN},                    /* all that noise lets see, and no other */
    [ALARMS] = {"alarms", MEAN},                  /* healthy pixels declared broken */
    [EXPLAINED] = {"explained", MEAN},
};

static size_t pixel_columns(const struct experiment_cfg *cfg, struct experiment_column *out)
{
    size_t n = add(out, 0, MEAN, "", "failures");
    for (int i = 0; cfg->bounds && i < N_BOUNDS; i++)
        n = add(out, n, RMS | MEDIAN | COUNT, "", bound_names[i]);
    for (int m = 0; m < PIXEL_METHODS; m++)
        for (int i = 0; wanted(cfg, m) && i < N_SCORES; i++)
            n = add(out, n, scores[i].statistics, pixel_method_name(m), scores[i].name);
    return n;
}

static cplx found(const struct pixel_estimate *e, size_t element)
{
    for (size_t k = 0; k < e->n_failures; k++)
        if (e->failures[k].index == element)
            return e->failures[k].coefficient;
    return 1;
}

/* Deviations below five sigma of a coefficient that alone is unknown are nobody's miss. */
static double visible(const struct dataset *ds)
{
    return 5 * sqrt(ds->noise_var / (cplx_norm(ds->true_gain) * ds->power * (double)ds->n_pilots));
}

static void score(const struct dataset *ds, const struct pixel_estimate *e, double error,
                  double bound, double *out)
{
    double off = 0, whole = 0, seen = visible(ds);
    bool missed = false;
    out[ALARMS] = 0;
    for (size_t m = 0; m < ds->columns * ds->rows; m++) {
        cplx f = found(e, m), truth = ds->true_mask[m];
        off += cplx_norm(f - truth);
        whole += cplx_norm(truth);
        missed = missed || (f == 1 && cabs(truth - 1) >= seen);
        out[ALARMS] += f != 1 && truth == 1;
    }
    out[ERROR] = error;
    out[TRUSTED] = e->explained ? error : NAN;
    out[RATIO] = error / bound;
    out[NMSE] = off / whole;
    out[EXACT] = !missed && out[ALARMS] == 0;
    out[EXPLAINED] = e->explained;
}

static int pixel_trial(struct rig *rig, const struct experiment_cfg *cfg, double *out)
{
    const struct dataset *ds = rig_data(rig);
    struct bounds b = {.crb_knownloc_m = NAN};
    struct pixel_estimate e;
    double failures = 0;
    for (size_t m = 0; m < ds->columns * ds->rows; m++)
        failures += ds->true_mask[m] != 1;
    *out++ = failures;
    if (cfg->bounds) {
        b = rig_bounds(rig);
        const double all[N_BOUNDS] = {b.crb_perfect_m, b.crb_knownloc_m, b.lb_m, b.mcrb_m,
                                      b.bias_m};
        for (int i = 0; i < N_BOUNDS; i++)
            *out++ = all[i];
    }
    for (int m = 0; m < PIXEL_METHODS; m++) {
        if (!wanted(cfg, m))
            continue;
        if (rig_solve(rig, m, &e))
            score(ds, &e, vec3_dist(e.position_m, rig_truth(rig)), b.crb_knownloc_m, out);
        else
            for (int i = 0; i < N_SCORES; i++)
                out[i] = NAN;
        out += N_SCORES;
    }
    return 0;
}

/* Kind convergence: the error after each iteration; an estimator that is done stays where it is. */

static size_t convergence_rows(const struct experiment_cfg *cfg, const void *scenario)
{
    (void)scenario;
    return cfg->iterations;
}

static size_t convergence_columns(const struct experiment_cfg *cfg, struct experiment_column *out)
{
    size_t n = 0;
    if (cfg->bounds)
        n = add(out, n, RMS | MEDIAN, "", "crb_knownloc_m");
    for (int m = 0; m < PIXEL_METHODS; m++)
        if (wanted(cfg, m))
            n = add(out, n, RMS | MEDIAN, pixel_method_name(m), "error_m");
    return n;
}

static int convergence_trial(struct rig *rig, const struct experiment_cfg *cfg, double *out)
{
    struct experiment_column columns[EXPERIMENT_MAX_COLUMNS];
    const size_t width = convergence_columns(cfg, columns), n = cfg->iterations;
    struct vec3 place[JLFD_PATH_MAX];
    struct pixel_estimate e;
    size_t c = 0;
    if (cfg->bounds) {
        double bound = rig_bounds(rig).crb_knownloc_m;
        for (size_t i = 0; i < n; i++)
            out[i * width] = bound;
        c++;
    }
    for (int m = 0; m < PIXEL_METHODS; m++) {
        if (!wanted(cfg, m))
            continue;
        size_t there = rig_solve(rig, m, &e) ? rig_path(rig, m, place, n) : 0;
        for (size_t i = 0; i < n; i++)
            out[i * width + c] =
                there ? vec3_dist(place[i < there ? i : there - 1], rig_truth(rig)) : NAN;
        c++;
    }
    return 0;
}

/* Kind mask: amplitude and phase of every element, in truth and as each method has it. */

static size_t mask_rows(const struct experiment_cfg *cfg, const void *scenario)
{
    const struct scenario *s = scenario;
    (void)cfg;
    return s->columns * s->rows;
}

static size_t mask_columns(const struct experiment_cfg *cfg, struct experiment_column *out)
{
    size_t n = add(out, 0, MEAN, "", "column");
    n = add(out, n, MEAN, "", "row");
    n = add(out, n, MEAN, "truth", "amplitude");
    n = add(out, n, MEAN, "truth", "phase_rad");
    for (int m = 0; m < PIXEL_METHODS; m++) {
        if (!wanted(cfg, m))
            continue;
        n = add(out, n, MEAN, pixel_method_name(m), "amplitude");
        n = add(out, n, MEAN, pixel_method_name(m), "phase_rad");
        n = add(out, n, MEAN, pixel_method_name(m), "error");
    }
    return n;
}

static int mask_trial(struct rig *rig, const struct experiment_cfg *cfg, double *out)
{
    struct experiment_column columns[EXPERIMENT_MAX_COLUMNS];
    const struct dataset *ds = rig_data(rig);
    const size_t width = mask_columns(cfg, columns), n = ds->columns * ds->rows;
    struct pixel_estimate e;
    for (size_t m = 0; m < n; m++) {
        double *row = out + m * width;
        row[0] = (double)(m % ds->columns);
        row[1] = (double)(m / ds->columns);
        row[2] = cabs(ds->true_mask[m]);
        row[3] = carg(ds->true_mask[m]);
    }
    out += 4;
    for (int i = 0; i < PIXEL_METHODS; i++) {
        if (!wanted(cfg, i))
            continue;
        bool done = rig_solve(rig, i, &e);
        for (size_t m = 0; m < n; m++) {
            cplx f = done ? found(&e, m) : NAN;
            out[m * width] = cabs(f);
            out[m * width + 1] = carg(f);
            out[m * width + 2] = cabs(f - ds->true_mask[m]);
        }
        out += 3;
    }
    return 0;
}

static int load_then(int (*measure)(struct rig *, const struct experiment_cfg *, double *),
                     void *workspace, const void *scenario, double *out, struct status *err)
{
    int rc = rig_load(workspace, scenario, err);
    return rc ? rc : measure(workspace, rig_cfg(workspace), out);
}

static int run_pixels(void *workspace, const void *scenario, double *out, struct status *err)
{
    return load_then(pixel_trial, workspace, scenario, out, err);
}

static int run_convergence(void *workspace, const void *scenario, double *out, struct status *err)
{
    return load_then(convergence_trial, workspace, scenario, out, err);
}

static int run_mask(void *workspace, const void *scenario, double *out, struct status *err)
{
    return load_then(mask_trial, workspace, scenario, out, err);
}

const struct experiment_kind experiment_pixels = {
    .name = "pixels",
    .help = "position errors against their bounds, masks, supports",
    .scenario_size = sizeof(struct scenario),
    .columns = pixel_columns,
    .seed = seed,
    .create = create,
    .destroy = destroy,
    .trial = run_pixels,
};

const struct experiment_kind experiment_convergence = {
    .name = "convergence",
    .row = "iteration",
    .help = "position error after each iteration of each method",
    .scenario_size = sizeof(struct scenario),
    .rows = convergence_rows,
    .columns = convergence_columns,
    .seed = seed,
    .create = create,
    .destroy = destroy,
    .trial = run_convergence,
};

const struct experiment_kind experiment_mask = {
    .name = "mask",
    .row = "element",
    .leading = 2,
    .help = "the coefficient of every element, true and found",
    .scenario_size = sizeof(struct scenario),
    .rows = mask_rows,
    .columns = mask_columns,
    .seed = seed,
    .create = create,
    .destroy = destroy,
    .trial = run_mask,
};
