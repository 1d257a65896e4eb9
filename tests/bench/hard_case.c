/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Eight failures in 20 pilots at 30 dB, 20 x 20 pixels: how often which beam finds the support, and
 * in what time. usage: hard_case [RUNS]. Prints CSV; minutes for hundreds of runs. */
#include <cblas.h>
#include <math.h>
#include <string.h>

#include "bench.h"
#include "calib/jlfd_beam.h"
#include "tests/calib/jlfd_case.h"

#define MAX_RUNS 1000

/* All pixels found that the noise lets anyone see, and no other. */
static int exact(const struct jlfd_case *c, const struct pixel_estimate *est)
{
    double visible = 5 * sqrt(c->problem.noise_var / (double)c->problem.n_pilots);
    size_t hits = 0, need = 0;
    for (size_t i = 0; i < c->n_failures; i++) {
        int found = 0;
        for (size_t k = 0; k < est->n_failures; k++)
            found |= est->failures[k].index == c->support[i];
        hits += (size_t)found;
        need += found || cabs(c->mask[c->support[i]] - 1) >= visible;
    }
    return hits == need && hits == est->n_failures;
}

struct score {
    int exact, confident_wrong;
    double ms;
};

static struct score once(const struct jlfd_beam_cfg *cfg, uint64_t i)
{
    struct jlfd_case c;
    struct status err;
    struct pixel_estimate est;
    struct timespec a, b;
    jlfd_case_init(&c, &(struct jlfd_scene){20, 20, 20, 777 + i});
    jlfd_case_mask(&c, 8, 1000 + i);
    jlfd_case_noise(&c, 30, 500000 + i);
    struct pixel_model *model = pixel_model_create(&c.problem, &err);
    struct jlfd_beam *ws = model ? jlfd_beam_create(model, cfg) : NULL;
    struct jlfd_data data = {c.y, c.problem.noise_var, NULL};
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &a);
    if (!ws || jlfd_beam_run(ws, &data, &est))
        abort();
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &b);
    struct score s = {exact(&c, &est), 0, 0};
    s.confident_wrong = !s.exact && est.explained;
    s.ms = 1e3 * (double)(b.tv_sec - a.tv_sec) + 1e-6 * (double)(b.tv_nsec - a.tv_nsec);
    jlfd_beam_destroy(&ws);
    pixel_model_destroy(&model);
    jlfd_case_free(&c);
    return s;
}

static void row(const struct jlfd_beam_cfg *cfg, int runs)
{
    static double ms[MAX_RUNS];
    double mean = 0;
    int found = 0, wrong = 0;
    for (int i = 0; i < runs; i++) {
        struct score s = once(cfg, (uint64_t)i);
        found += s.exact;
        wrong += s.confident_wrong;
        ms[i] = s.ms;
        mean += s.ms / runs;
    }
    qsort(ms, (size_t)runs, sizeof *ms, bench_compare);
    printf("%zu,%zu,%.3f,%.3f,%.1f,%.1f,%.1f,%.1f\n", cfg->first_width, cfg->last_width,
           (double)found / runs, (double)wrong / runs, mean, ms[runs / 2], ms[runs * 95 / 100],
           ms[runs - 1]);
    fflush(stdout);
}

int main(int argc, char **argv)
{
    static const size_t width[] = {1, 5, 50, 200, 500, 1500, 3000};
    static const size_t last[] = {50, 500, 1500, 3000, 6000};
    int runs = argc > 1 ? atoi(argv[1]) : 100;
    runs = runs < 1 ? 1 : runs > MAX_RUNS ? MAX_RUNS : runs;
    openblas_set_num_threads(1);
    puts("first_width,last_width,exact,wrong_but_explained,mean_ms,median_ms,p95_ms,max_ms");
    for (size_t i = 0; i < sizeof width / sizeof *width; i++)
        row(&(struct jlfd_beam_cfg){width[i], width[i]}, runs);
    for (size_t i = 0; i < sizeof last / sizeof *last; i++)
        row(&(struct jlfd_beam_cfg){5, last[i]}, runs);
    return 0;
}
