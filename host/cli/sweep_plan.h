/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A sweep laid out: points x trials, each trial a table of rows x columns. Nothing here depends on
 * who computes what. */
#pragma once
#include "calib/experiment.h"
#include "host/cli/sweep_file.h"

/* Kinds of experiment by name; each has its entry in sweep_plan.c. */
#define SWEEP_KINDS                                                                                \
    "pixels|convergence|mask|location|bits|joint|pattern|beamwidth|coverage|map|runtime"

#define SWEEP_MAX_POINTS 4096
#define SWEEP_BATCH      4 /* trials of one point that one thread computes in a go */

struct sweep_plan {
    struct sweep_file file;
    const struct experiment_kind *kind;
    struct experiment_cfg cfg;
    unsigned vary;
    size_t n_points, n_trials, n_rows, n_columns;
    size_t width; /* n_rows * n_columns */
    struct experiment_column columns[EXPERIMENT_MAX_COLUMNS];
    size_t scenario_stride;
    unsigned char *scenarios; /* [n_points x scenario_stride] */
    uint8_t digest[32];       /* of everything that decides the numbers */
};

/* Reads and checks everything; faults are told with file and line. Setup only, one thread. sets may
 * be NULL. NULL and ERR_ARG, ERR_IO or ERR_NO_MEMORY in *err. */
struct sweep_plan *sweep_plan_read(const char *path, const struct config_sets *sets,
                                   struct status *err);
/* The same of bytes in memory. */
struct sweep_plan *sweep_plan_parse(const char *name, const char *text, size_t length,
                                    const struct config_sets *sets, struct status *err);
void sweep_plan_destroy(struct sweep_plan **plan);

/* The point's index on each axis, [n_axes]. */
void sweep_plan_place(const struct sweep_plan *plan, size_t point, size_t *index);

/* The i-th point to compute: the first axis runs fastest, which mostly is the one (SNR) that needs
 * no new profiles or estimators. */
size_t sweep_plan_order(const struct sweep_plan *plan, size_t i);

/* Index of a column of the CSV ("joint_error_m_rms"), with its statistic; false: there is none. */
bool sweep_plan_column(const struct sweep_plan *plan, const char *name, size_t *column,
                       enum experiment_statistic *statistic);

/* One trial: out [width]. workspace: plan->kind->create(&plan->cfg), one per thread. */
int sweep_plan_trial(const struct sweep_plan *plan, void *workspace, size_t point, size_t trial,
                     double *out, struct status *err) MUST_CHECK;
