/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What the files of the joint delay-angle fit share: delay_angle.c finds where to start,
 * delay_angle_fit.c holds the algebra of ways and the iteration, delay_angle_sums.c all that goes
 * over carriers. Not for users of delay_angle.h. */
#pragma once
#include "dsp/delay_angle.h"
#include <math.h>
#include <stdbool.h>

enum {
    WAYS = DELAY_ANGLE_PATHS * DELAY_ANGLE_WAYS,
    PARAMS = DELAY_ANGLE_PATHS + DELAY_ANGLE_SOURCES,
    GRID_MAX = 96, /* delays of a gate */
    KNOWN = 8,     /* lengths at which y was looked at */
    POWERS = 12,   /* of carrier numbers: enough for sums to the last digit up to 1 rad */
};

struct way {
    size_t path, source;
    cplx a[TOA_MAX_ANT], da[TOA_MAX_ANT]; /* steering vector, and its derivative by the sine */
};

struct known {
    double length_m; /* NAN: none */
    cplx t[TOA_MAX_ANT], dt[TOA_MAX_ANT];
};

/* Everything that y says at the present lengths. With t = y s^*, t' = y s'^*: [path][antenna]. */
struct delay_angle {
    struct delay_angle_cfg cfg;
    double chip_m, mid;
    double power[POWERS]; /* sum over carriers of ((k - mid) / mid)^2m */
    float *re, *im;       /* y: [n_ant x stride] */
    size_t stride;
    struct known known[KNOWN];
    size_t forget; /* of them next */
    double energy; /* |y|^2 */
    struct delay_angle_model model;
    size_t n_way, n_param;
    int param_of_source[DELAY_ANGLE_SOURCES]; /* -1: known */
    double length_m[DELAY_ANGLE_PATHS], sine[DELAY_ANGLE_SOURCES];
    struct way way[WAYS];
    cplx t[DELAY_ANGLE_PATHS][TOA_MAX_ANT], dt[DELAY_ANGLE_PATHS][TOA_MAX_ANT];
    double overlap[DELAY_ANGLE_PATHS][DELAY_ANGLE_PATHS][3]; /* of s, see moments() */
    double gram[4 * WAYS * WAYS];                            /* factor of the ways' products */
    cplx b[WAYS];
    double cost;
    size_t n_grid[DELAY_ANGLE_PATHS];
    double grid_m[DELAY_ANGLE_PATHS][GRID_MAX];
    cplx grid[DELAY_ANGLE_PATHS][GRID_MAX][TOA_MAX_ANT]; /* t on it */
};

struct place {
    double length_m[DELAY_ANGLE_PATHS], sine[DELAY_ANGLE_SOURCES];
};

struct start {
    struct place at;
    double cost;
};

static inline cplx dot(const cplx *a, const cplx *b, size_t n)
{
    cplx sum = 0;
    for (size_t j = 0; j < n; j++)
        sum += conj(a[j]) * b[j];
    return sum;
}

/* All work on what e holds. */
bool delay_angle_sums_create(struct delay_angle *e); /* setup only; e->re is to be freed */
void delay_angle_load(struct delay_angle *e, const cplxf *y);
double delay_angle_rad_per_m(const struct delay_angle *e);
void delay_angle_correlate(const struct delay_angle *e, double length_m, cplx *t, cplx *dt);
void delay_angle_recall(struct delay_angle *e, size_t p);
void delay_angle_moments(const struct delay_angle *e, double difference_m, double m[3]);
double delay_angle_overlap(const struct delay_angle *e, double difference_m);
void delay_angle_steer(const struct delay_angle *e, struct way *w);
void delay_angle_lay_ways(struct delay_angle *e, size_t n_path);
void delay_angle_lay_params(struct delay_angle *e);
void delay_angle_take_model(struct delay_angle *e, const struct delay_angle_model *model,
                            const cplxf *y);
struct place delay_angle_present(const struct delay_angle *e);
void delay_angle_go_to(struct delay_angle *e, const struct place *from, const double *step);
/* project: amplitudes and cost by t and overlap; evaluate: these too; iterate: Levenberg-Marquardt
 * from where e stands. False, ERR_NO_PEAK: two ways are one. */
bool delay_angle_project(struct delay_angle *e);
bool delay_angle_evaluate(struct delay_angle *e);
int delay_angle_iterate(struct delay_angle *e, struct delay_angle_fit *fit);
