/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "host/cli/sweep_runtime.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/log.h"
#include "calib/runtime_trial.h"

static double processor_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static size_t columns(const struct experiment_cfg *cfg, struct experiment_column *out)
{
    (void)cfg;
    for (int s = 0; s < RUNTIME_STEPS; s++) {
        snprintf(out[s].name, sizeof out[s].name, "%s_us", runtime_step_name(s));
        out[s].statistics = 1u << EXPERIMENT_MEDIAN;
    }
    return RUNTIME_STEPS;
}

static void seed(void *scenario, unsigned vary, uint64_t trial_seed)
{
    (void)vary;
    ((struct surface_trial *)scenario)->seed = trial_seed;
}

/* Nothing is kept from one trial to the next. */
static void *create(const struct experiment_cfg *cfg)
{
    (void)cfg;
    return malloc(1);
}

static int trial(void *workspace, const void *scenario, double *out, struct status *err)
{
    (void)workspace;
    int rc = runtime_measure(scenario, processor_s, out);
    for (int s = 0; rc == 0 && s < RUNTIME_STEPS; s++)
        out[s] *= 1e6;
    return rc ? status_set(err, rc, "run times: no memory, or a surface cannot hang there") : 0;
}

const struct experiment_kind experiment_runtime = {
    .name = "runtime",
    .help = "processor time of each step against array and surface, [S1] III-F",
    .scenario_size = sizeof(struct surface_trial),
    .columns = columns,
    .seed = seed,
    .create = create,
    .destroy = free,
    .trial = trial,
};
