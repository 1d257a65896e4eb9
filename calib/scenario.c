/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "calib/scenario.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "calib/near_field.h"
#include "calib/refuse.h"
#include "dsp/rng.h"

struct scenario scenario_default(void)
{
    const double root = sqrt(3);
    return (struct scenario){
        .carrier_hz = 28e9,
        .columns = 20,
        .rows = 20,
        .n_pilots = 20,
        .spacing_m = {NAN, NAN},
        .rotation = {{1, 0, 0}, {0, 1, 0}, {0, 0, 1}},
        .bs_m = {-15 / root, 15 / root, 15 / root},
        .user_m = {3 / root, 3 / root, 3 / root},
        .gain = cexp(0.7 * I),
        .power = 1,
        .snr_db = 30,
        .profile_seed = 1,
        .mask_seed = 1,
        .noise_seed = 1,
        .scatter_seed = 1,
        .k_factor = INFINITY,
        .prior = 0.02,
        .range_m = {1, 10},
    };
}

/* E|z|^2 = 1. Not rng_cn: the recorded experiments take the logarithm of 1 - U. */
static cplx draw_cn(struct rng *rng)
{
    double r = sqrt(-log(1 - rng_u01(rng))), t = 2 * PI * rng_u01(rng);
    return CMPLX(r * cos(t), r * sin(t));
}

static void draw_profiles(const struct scenario *s, struct dataset *ds)
{
    struct rng rng = rng_seed(s->profile_seed);
    for (size_t i = 0; i < s->n_pilots * s->columns * s->rows; i++) {
        double u = rng_u01(&rng);
        ds->profiles[i] = s->profiles == SCENARIO_ONE_BIT ? (u < 0.5 ? 1 : -1)
                                                          : CMPLX(cos(2 * PI * u), sin(2 * PI * u));
    }
}

/* Which fail first, in what way after that. order [M] is scratch. */
static void draw_mask(const struct scenario *s, struct dataset *ds, size_t *order)
{
    struct rng rng = rng_seed(s->mask_seed);
    const size_t m = s->columns * s->rows;
    size_t n = 0;
    while (n < s->n_fail) {
        size_t pick = (size_t)(rng_u01(&rng) * (double)m), i = 0;
        while (i < n && order[i] != pick)
            i++;
        if (i == n)
            order[n++] = pick;
    }
    for (size_t i = 0; s->n_fail == 0 && s->p_fail > 0 && i < m; i++)
        if (rng_u01(&rng) < s->p_fail)
            order[n++] = i;
    for (size_t i = 0; i < n; i++) {
        double kappa = rng_u01(&rng), psi = -PI + 2 * PI * rng_u01(&rng);
        ds->true_mask[order[i]] = CMPLX(kappa * cos(psi), kappa * sin(psi));
    }
    for (size_t i = 0; i < s->n_given; i++)
        ds->true_mask[s->failed[i]] = s->coefficient[i];
}

/* y = beta sqrt(P) W (f . a_BS . h) + n, [S2] (57)-(59) for a finite k_factor. b [M] is scratch. */
static void draw_pilots(const struct scenario *s, struct dataset *ds, const struct near_field *nf,
                        cplx *b)
{
    const size_t m = s->columns * s->rows;
    struct rng scatter = rng_seed(s->scatter_seed), noise = rng_seed(s->noise_seed);
    near_field_steer(nf, dataset_to_ris(ds, s->user_m), 0, b);
    if (isfinite(s->k_factor)) {
        const double los = sqrt(s->k_factor / (s->k_factor + 1)),
                     nlos = sqrt(1 / (s->k_factor + 1));
        for (size_t i = 0; i < m; i++)
            b[i] = los * b[i] + nlos * near_field_bs(nf)[i] * draw_cn(&scatter);
    }
    for (size_t t = 0; t < s->n_pilots; t++) {
        cplx sum = 0;
        for (size_t i = 0; i < m; i++)
            sum += ds->profiles[t * m + i] * b[i] * ds->true_mask[i];
        ds->y[t] = s->gain * sqrt(s->power) * sum + sqrt(ds->noise_var) * draw_cn(&noise);
    }
}

static const char *fault(const struct scenario *s)
{
    const size_t m = s->columns * s->rows;
    if (s->columns < 1 || s->rows < 1 || s->columns > 65536 || s->rows > 65536 || m > 65536)
        return "the surface needs 1 to 65536 elements";
    if (s->n_pilots < 1 || s->n_pilots > DATASET_MAX_PILOTS || s->n_pilots * m > DATASET_MAX_VALUES)
        return "the number of pilots must be 1 to 16384, and pilots x elements at most 2^26";
    if (s->n_fail > m || !(s->p_fail >= 0 && s->p_fail <= 1))
        return "more failures than elements, or a probability beyond 0..1";
    if (!(s->k_factor > 0) || !isfinite(s->snr_db))
        return "the Rice factor must be above 0 and the SNR finite";
    for (size_t i = 0; i < s->n_given; i++)
        if (s->failed[i] >= m)
            return "a failed element has an index beyond the surface";
    return NULL;
}

static void fill_scene(const struct scenario *s, struct dataset *ds)
{
    const double half = SPEED_OF_LIGHT / s->carrier_hz / 2;
    ds->carrier_hz = s->carrier_hz;
    ds->ris_m = s->ris_m;
    ds->bs_m = s->bs_m;
    for (int i = 0; i < 2; i++) {
        ds->spacing_m[i] = isnan(s->spacing_m[i]) ? half : s->spacing_m[i];
        ds->range_m[i] = s->range_m[i];
    }
    for (int i = 0; i < 9; i++)
        ds->rotation[i / 3][i % 3] = s->rotation[i / 3][i % 3];
    ds->power = s->power;
    ds->noise_var = cplx_norm(s->gain) * s->power * pow(10, -s->snr_db / 10);
    ds->p_fail = s->prior;
    ds->has_position = ds->has_gain = ds->has_mask = true;
    ds->true_position_m = s->user_m;
    ds->true_gain = s->gain;
}

static bool fill_pilots(const struct scenario *s, struct dataset *ds, struct status *err)
{
    const size_t m = s->columns * s->rows;
    const struct pixel_problem problem = dataset_problem(ds);
    struct near_field *nf = near_field_create(&problem.surface, err);
    cplx *b = malloc(m * sizeof *b);
    size_t *order = malloc(m * sizeof *order);
    bool done = nf && b && order;
    if (done) {
        draw_profiles(s, ds);
        draw_mask(s, ds, order);
        draw_pilots(s, ds, nf, b);
    } else if (nf) {
        calib_refuse(err, ERR_NO_MEMORY, "no memory for the scenario");
    }
    near_field_destroy(&nf);
    free(b);
    free(order);
    return done;
}

struct dataset *scenario_generate(const struct scenario *scenario, struct status *err)
{
    assert(scenario && err);
    const char *text = fault(scenario);
    if (text) {
        calib_refuse(err, ERR_ARG, "%s", text);
        return NULL;
    }
    struct dataset *ds = dataset_create(scenario->columns, scenario->rows, scenario->n_pilots);
    if (!ds) {
        calib_refuse(err, ERR_NO_MEMORY, "no memory for the scenario");
        return NULL;
    }
    fill_scene(scenario, ds);
    if (dataset_check(ds, err) || !fill_pilots(scenario, ds, err))
        dataset_destroy(&ds);
    return ds;
}
