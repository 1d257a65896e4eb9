/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Monte Carlo experiments: what one trial measures and how trials are summed up. A trial is a
 * function of its scenario and its seed alone, so trials may run anywhere and in any order; the
 * sums go over trials in their order. Who runs them, on which cores and machines: host/cli.
 *
 * Each kind of experiment is an entry of a table: a scenario of its own, columns of its own. A
 * trial is a table of rows x columns; most kinds have one row. NaN is "does not exist here" (a
 * bound at the edge of the search range): such values are left out of the sums and counted. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "frames/status.h"

#define EXPERIMENT_MAX_COLUMNS 96

enum experiment_statistic {
    EXPERIMENT_MEAN,
    EXPERIMENT_RMS,
    EXPERIMENT_MEDIAN,
    EXPERIMENT_COUNT, /* of the values that exist */
    EXPERIMENT_STATISTICS,
};

struct experiment_column {
    char name[48];       /* with its unit: "joint_error_m" */
    unsigned statistics; /* bits 1 << enum experiment_statistic that say something */
};

enum experiment_vary { /* what is drawn anew in each trial; the rest keeps the scenario's seeds */
                       EXPERIMENT_VARY_PROFILES = 1,
                       EXPERIMENT_VARY_MASK = 2,
                       EXPERIMENT_VARY_NOISE = 4,
                       EXPERIMENT_VARY_SCATTER = 8,
};

/* What to measure. */
struct experiment_cfg {
    bool bounds;
    unsigned methods;  /* bits 1 << enum pixel_method */
    size_t iterations; /* rows of kind convergence, 2..80 */
};

struct experiment_kind {
    const char *name;
    const char *row;  /* what the rows of a trial are, "iteration"; NULL: a trial is one row */
    const char *help; /* one line */
    int leading;      /* columns that say where a row stands in figures: 1 x, 2 x and y of an image;
                       * 0: its number does */
    size_t scenario_size;
    size_t (*rows)(const struct experiment_cfg *cfg, const void *scenario); /* NULL as row is */
    /* Fills out [EXPERIMENT_MAX_COLUMNS], returns how many (>= 1). */
    size_t (*columns)(const struct experiment_cfg *cfg, struct experiment_column *out);
    /* Gives the scenario the seeds of one trial. */
    void (*seed)(void *scenario, unsigned vary, uint64_t trial_seed);
    /* A workspace for one thread; NULL when memory is short. */
    void *(*create)(const struct experiment_cfg *cfg);
    void (*destroy)(void *workspace);
    /* out: [rows x columns]. Says in *err why a trial is impossible. */
    int (*trial)(void *workspace, const void *scenario, double *out, struct status *err);
};

/* The kinds on broken pixels; their scenario is a struct scenario (calib/scenario.h). */
extern const struct experiment_kind experiment_pixels;      /* errors, bounds, masks */
extern const struct experiment_kind experiment_convergence; /* error after each iteration */
extern const struct experiment_kind experiment_mask;        /* coefficient of each element */

/* The kinds of [S1] figure 7; their scenario is a struct link_trial (calib/link_trial.h). */
extern const struct experiment_kind experiment_location; /* errors of users */
extern const struct experiment_kind experiment_bits;     /* bit errors */
extern const struct experiment_kind experiment_joint;    /* located, and the frame whole */

/* The kinds of [S1] figures 4 to 6; their scenario is a struct surface_trial
 * (calib/surface_trial.h). */
extern const struct experiment_kind experiment_pattern;   /* levels of beams over the angle */
extern const struct experiment_kind experiment_beamwidth; /* of the base station */
extern const struct experiment_kind experiment_coverage;  /* of designs of a surface */
extern const struct experiment_kind experiment_map;       /* the same, place by place */

/* Seed of a trial: independent for every trial and seed, the same at every point of a sweep, so
 * that curves are compared on the same draws. */
uint64_t experiment_trial_seed(uint64_t seed, uint64_t trial);

const char *experiment_statistic_name(enum experiment_statistic statistic);

/* Of value[0], value[stride], ...: n of them, summed up in this order; scratch: [n]. NaN when none
 * exists. */
double experiment_reduce(enum experiment_statistic statistic, const double *value, size_t n,
                         size_t stride, double *scratch);
