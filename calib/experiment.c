/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "calib/experiment.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>

#include "dsp/rng.h"

uint64_t experiment_trial_seed(uint64_t seed, uint64_t trial)
{
    struct rng a = rng_seed(seed), b = rng_seed(rng_next(&a) ^ trial);
    return rng_next(&b);
}

const char *experiment_statistic_name(enum experiment_statistic statistic)
{
    static const char *const names[EXPERIMENT_STATISTICS] = {"mean", "rms", "median", "count"};
    assert(statistic < EXPERIMENT_STATISTICS);
    return names[statistic];
}

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double *v, size_t n)
{
    qsort(v, n, sizeof *v, ascending);
    return n % 2 ? v[n / 2] : 0.5 * (v[n / 2 - 1] + v[n / 2]);
}

double experiment_reduce(enum experiment_statistic statistic, const double *value, size_t n,
                         size_t stride, double *scratch)
{
    size_t there = 0;
    double sum = 0, sum2 = 0;
    for (size_t i = 0; i < n; i++) {
        double v = value[i * stride];
        if (isnan(v))
            continue;
        scratch[there++] = v;
        sum += v;
        sum2 += v * v;
    }
    if (statistic == EXPERIMENT_COUNT)
        return (double)there;
    if (there == 0)
        return NAN;
    if (statistic == EXPERIMENT_MEDIAN)
        return median(scratch, there);
    return statistic == EXPERIMENT_RMS ? sqrt(sum2 / (double)there) : sum / (double)there;
}
