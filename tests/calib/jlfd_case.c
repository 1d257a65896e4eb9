/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "jlfd_case.h"

#include <math.h>
#include <stdlib.h>

#include "calib/near_field.h"
#include "dsp/rng.h"

static struct vec3 along(double r, double x, double y, double z)
{
    double s = r / sqrt(3);
    return (struct vec3){x * s, y * s, z * s};
}

void jlfd_case_init(struct jlfd_case *c, const struct jlfd_scene *scene)
{
    size_t m = scene->columns * scene->rows, t = scene->n_pilots;
    double wavelength = SPEED_OF_LIGHT / 28e9;
    struct rng rng = rng_seed(scene->profile_seed);
    *c = (struct jlfd_case){.user_m = along(3, 1, 1, 1), .gain = CMPLX(cos(0.7), sin(0.7))};
    c->profiles = malloc(t * m * sizeof *c->profiles);
    c->mask = malloc(m * sizeof *c->mask);
    c->y = malloc(t * sizeof *c->y);
    c->noiseless = malloc(t * sizeof *c->noiseless);
    if (!c->profiles || !c->mask || !c->y || !c->noiseless)
        abort();
    for (size_t i = 0; i < t * m; i++) {
        double u = rng_u01(&rng);
        c->profiles[i] = CMPLX(cos(2 * PI * u), sin(2 * PI * u));
    }
    for (size_t i = 0; i < m; i++)
        c->mask[i] = 1;
    c->problem = (struct pixel_problem){
        .surface = {scene->columns,
                    scene->rows,
                    {wavelength / 2, wavelength / 2},
                    wavelength,
                    along(15, -1, 1, 1)},
        .n_pilots = t,
        .profiles = c->profiles,
        .y = c->y,
        .noise_var = 1,
        .power = 1,
        .p_fail = 1. / (double)m,
        .range_m = {1, 10},
    };
}

void jlfd_case_free(struct jlfd_case *c)
{
    free(c->profiles);
    free(c->mask);
    free(c->y);
    free(c->noiseless);
    *c = (struct jlfd_case){0};
}

/* E|z|^2 = 1; the angle's draw comes second. */
static cplx draw_cn(struct rng *rng)
{
    double r = sqrt(-log1p(-rng_u01(rng))), angle = 2 * PI * rng_u01(rng);
    return CMPLX(r * cos(angle), r * sin(angle));
}

static bool drawn(const struct jlfd_case *c, size_t index)
{
    for (size_t i = 0; i < c->n_failures; i++)
        if (c->support[i] == index)
            return true;
    return false;
}

static void mean(struct jlfd_case *c)
{
    const struct pixel_problem *p = &c->problem;
    size_t m = p->surface.columns * p->surface.rows;
    struct status err;
    struct near_field *nf = near_field_create(&p->surface, &err);
    cplx *b = aligned_alloc(64, (m + 3) / 4 * 4 * sizeof *b);
    if (!nf || !b)
        abort();
    near_field_steer(nf, c->user_m, 0, b);
    for (size_t t = 0; t < p->n_pilots; t++) {
        c->noiseless[t] = 0;
        for (size_t i = 0; i < m; i++)
            c->noiseless[t] += c->profiles[t * m + i] * b[i] * c->mask[i];
        c->noiseless[t] *= c->gain * sqrt(p->power);
    }
    free(b);
    near_field_destroy(&nf);
}

void jlfd_case_mask(struct jlfd_case *c, size_t n, uint64_t seed)
{
    size_t m = c->problem.surface.columns * c->problem.surface.rows;
    struct rng rng = rng_seed(seed);
    for (size_t i = 0; i < m; i++)
        c->mask[i] = 1;
    c->n_failures = 0;
    while (c->n_failures < n) {
        size_t i = (size_t)(rng_u01(&rng) * (double)m);
        if (!drawn(c, i))
            c->support[c->n_failures++] = i;
    }
    for (size_t i = 0; i < n; i++) {
        double kappa = rng_u01(&rng), psi = -PI + 2 * PI * rng_u01(&rng);
        c->mask[c->support[i]] = CMPLX(kappa * cos(psi), kappa * sin(psi));
    }
    c->problem.p_fail = (double)(n > 0 ? n : 1) / (double)m;
    mean(c);
}

void jlfd_case_noise(struct jlfd_case *c, double snr_db, uint64_t seed)
{
    struct pixel_problem *p = &c->problem;
    struct rng rng = rng_seed(seed);
    p->noise_var = cplx_norm(c->gain) * p->power * pow(10, -snr_db / 10);
    for (size_t t = 0; t < p->n_pilots; t++)
        c->y[t] = c->noiseless[t] + sqrt(p->noise_var) * draw_cn(&rng);
}
