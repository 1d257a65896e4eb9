/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The kinds of experiment of [S1] figures 4 to 6 and of its comparison of designs: beams, their
 * width, the places they light. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "calib/experiment.h"
#include "calib/surface_trial.h"
#include "dsp/cplx.h"

#define N_ANGLES 361 /* -90 to 90 degrees */
#define DEGREE   (PI / 180)

static void seed(void *scenario, unsigned vary, uint64_t trial_seed)
{
    (void)vary;
    ((struct surface_trial *)scenario)->seed = trial_seed;
}

static size_t named(const char *const *names, size_t n, struct experiment_column *out)
{
    for (size_t i = 0; i < n; i++) {
        snprintf(out[i].name, sizeof out[i].name, "%s", names[i]);
        out[i].statistics = 1u << EXPERIMENT_MEAN;
    }
    return n;
}

/* Nothing is kept from one trial to the next. */
static void *create(const struct experiment_cfg *cfg)
{
    (void)cfg;
    return malloc(1);
}

static int complain(int rc, struct status *err)
{
    if (rc) {
        err->code = rc;
        snprintf(err->text, sizeof err->text, "%s",
                 rc == ERR_GEOMETRY ? "a surface cannot hang there, or the user is behind it"
                 : rc == ERR_STATE  ? "the design of a wide beam found no optimum"
                                    : "no memory for so many elements or places");
    }
    return rc;
}

/* Kind pattern: figure 4. */

static size_t pattern_rows(const struct experiment_cfg *cfg, const void *scenario)
{
    (void)cfg;
    (void)scenario;
    return N_ANGLES;
}

static size_t pattern_columns(const struct experiment_cfg *cfg, struct experiment_column *out)
{
    static const char *const names[] = {"angle_deg", "bs_db", "ris1_db", "ris2_db"};
    (void)cfg;
    return named(names, 4, out);
}

static int pattern_trial(void *workspace, const void *scenario, double *out, struct status *err)
{
    double angle[N_ANGLES], level[N_ANGLES][3];
    (void)workspace;
    for (int i = 0; i < N_ANGLES; i++)
        angle[i] = (0.5 * i - 90) * DEGREE;
    int rc = surface_pattern(scenario, angle, N_ANGLES, level);
    for (int i = 0; rc == 0 && i < N_ANGLES; i++) {
        *out++ = angle[i] / DEGREE;
        for (int c = 0; c < 3; c++)
            *out++ = level[i][c];
    }
    return complain(rc, err);
}

/* Kind beamwidth: figure 5. */

static size_t beamwidth_columns(const struct experiment_cfg *cfg, struct experiment_column *out)
{
    static const char *const names[] = {"half_power_deg", "null_deg", "approximate_deg",
                                        "width_m",        "loss_db",  "gain_db"};
    (void)cfg;
    return named(names, 6, out);
}

static int beamwidth_trial(void *workspace, const void *scenario, double *out, struct status *err)
{
    const struct surface_beam beam = surface_beam(scenario);
    (void)workspace;
    (void)err;
    out[0] = beam.half_power_rad / DEGREE;
    out[1] = beam.null_rad / DEGREE;
    out[2] = beam.approximate_rad / DEGREE;
    out[3] = beam.width_m;
    out[4] = beam.loss_db;
    out[5] = beam.gain_db;
    return 0;
}

/* Kind coverage: figure 6 in numbers, and how long a user waits. */

static const char *const designs[SURFACE_DESIGNS] = {"focus", "wide", "codebook", "tracked"};

static size_t coverage_columns(const struct experiment_cfg *cfg, struct experiment_column *out)
{
    static const char *const of[] = {"median_db", "p5_db", "min_db", "lit", "wait_s", "wait_p95_s"};
    size_t n = 0;
    (void)cfg;
    for (int d = 0; d < SURFACE_DESIGNS; d++)
        for (size_t i = 0; i < sizeof of / sizeof *of; i++, n++) {
            snprintf(out[n].name, sizeof out[n].name, "%s_%s", designs[d], of[i]);
            out[n].statistics = 1u << EXPERIMENT_MEAN;
        }
    return n;
}

static int coverage_trial(void *workspace, const void *scenario, double *out, struct status *err)
{
    double *const none[SURFACE_DESIGNS] = {NULL};
    struct surface_cover cover[SURFACE_DESIGNS];
    (void)workspace;
    int rc = surface_cover(scenario, none, cover);
    for (int d = 0; rc == 0 && d < SURFACE_DESIGNS; d++) {
        *out++ = cover[d].level.median_db;
        *out++ = cover[d].level.p5_db;
        *out++ = cover[d].level.min_db;
        *out++ = cover[d].lit;
        *out++ = cover[d].wait_mean_s;
        *out++ = cover[d].wait_p95_s;
    }
    return complain(rc, err);
}

/* Kind map: figure 6 itself. */

static size_t map_rows(const struct experiment_cfg *cfg, const void *scenario)
{
    const struct surface_trial *trial = scenario;
    (void)cfg;
    return trial->grid * trial->grid;
}

static size_t map_columns(const struct experiment_cfg *cfg, struct experiment_column *out)
{
    static const char *const names[] = {"x_m",     "y_m",         "focus_db",
                                        "wide_db", "codebook_db", "tracked_db"};
    (void)cfg;
    return named(names, 6, out);
}

static int map_trial(void *workspace, const void *scenario, double *out, struct status *err)
{
    const struct surface_trial *trial = scenario;
    const size_t n = trial->grid * trial->grid;
    struct surface_cover cover[SURFACE_DESIGNS];
    double *level = malloc(SURFACE_DESIGNS * n * sizeof *level), *each[SURFACE_DESIGNS];
    (void)workspace;
    for (size_t d = 0; level && d < SURFACE_DESIGNS; d++)
        each[d] = level + d * n;
    int rc = level ? surface_cover(trial, each, cover) : ERR_NO_MEMORY;
    for (size_t i = 0; rc == 0 && i < n; i++) {
        const struct vec3 at = surface_place(trial, i % trial->grid, i / trial->grid);
        *out++ = at.x;
        *out++ = at.y;
        for (size_t d = 0; d < SURFACE_DESIGNS; d++)
            *out++ = each[d][i];
    }
    free(level);
    return complain(rc, err);
}

#define KIND(name_, help_, ...)                                                                    \
    const struct experiment_kind experiment_##name_ = {.name = #name_,                             \
                                                       .help = help_,                              \
                                                       .scenario_size =                            \
                                                           sizeof(struct surface_trial),           \
                                                       .columns = name_##_columns,                 \
                                                       .seed = seed,                               \
                                                       .create = create,                           \
                                                       .destroy = free,                            \
                                                       .trial = name_##_trial,                     \
                                                       __VA_ARGS__}

KIND(pattern, "beams of the base station and of two surfaces, [S1] figure 4", .row = "step",
     .rows = pattern_rows, .leading = 1);
KIND(beamwidth, "width of the base station's beam, [S1] figure 5", .row = NULL);
KIND(coverage, "which places the designs of a surface light, and how long a user waits",
     .row = NULL);
KIND(map, "the same as a picture, [S1] figure 6", .row = "place", .rows = map_rows, .leading = 2);
