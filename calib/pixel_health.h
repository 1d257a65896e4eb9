/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Broken pixels of one surface from live pilots: what every cycle adds to the evidence about all M
 * coefficients at once, places and gains removed (recursive least squares with forgetting), and
 * from it, per pixel, the coefficient with its deviation and the log-odds of having failed.
 * docs/calibration.md, "Live". Allocates at create only; one thread owns it. */
#pragma once
#include "calib/pixel_place.h"

enum { PIXEL_ELEMENTS_MAX = 1024 };

struct pixel_health_cfg {
    struct pixel_place_cfg place;
    double forget_s; /* time constant of the evidence, > 0: 12 */
    double alarm;    /* a pixel is broken at |m - 1| >= this: 0.4 */
    double p_fail;   /* prior of a pixel: 0.02 */
};

enum pixel_state {
    PIXEL_UNKNOWN, /* not enough evidence */
    PIXEL_HEALTHY,
    PIXEL_FAILED,
};

/* What one cycle came to. */
enum pixel_use {
    PIXEL_USED,
    PIXEL_REPEATED,    /* the user has not moved: nothing new */
    PIXEL_UNEXPLAINED, /* the pilots do not fit the surface at any place near the fix */
};

/* The state of knowledge; plain data. */
struct pixel_map {
    size_t n_element;
    uint64_t cycle; /* of the last pilots */
    double time_s;
    uint64_t used, repeated, unexplained; /* cycles so far */
    size_t failed, unknown;               /* pixels */
    float sigma;                          /* of a pixel's coefficient, median */
    struct pixel_place_fit alone; /* the user's place by this surface alone, last cycle used */
    bool alone_valid;
    uint8_t state[PIXEL_ELEMENTS_MAX]; /* enum pixel_state */
    cplxf mask[PIXEL_ELEMENTS_MAX];    /* m: 1 healthy */
    float sigma_of[PIXEL_ELEMENTS_MAX];
    float log_odds[PIXEL_ELEMENTS_MAX]; /* natural, of having failed */
};

struct pixel_health;

/* Setup only. NULL: out of range or no memory, says why. */
struct pixel_health *pixel_health_create(const struct pixel_health_cfg *cfg, struct status *err);
void pixel_health_destroy(struct pixel_health **health);

/* Takes in one cycle: 6 ms for 256 elements (bench_health). pilots->n = cfg.place.n_profile. */
enum pixel_use pixel_health_add(struct pixel_health *health, const struct pixel_pilots *pilots);

/* Solves for all coefficients, 4 ms for 256 elements, and judges the pixels: one that failed stays
 * failed until |m - 1| < 3/4 alarm or the odds turn. *map is filled. */
void pixel_health_judge(struct pixel_health *health, struct pixel_map *map);

/* What all cycles say of the coefficients c, weighted by age: y = H c + white noise of variance 1.
 * The health's own, until its next call. */
struct pixel_evidence {
    const cplx *info, *vector; /* H^H H [M x M], upper rows; H^H y [M] */
    const cplx *smooth;        /* [M] what is no failure, at the last judgement; ones before */
};
void pixel_health_evidence(const struct pixel_health *health, struct pixel_evidence *out);

/* Starts from a map of an earlier run: its failed pixels are part of the model from the start, and
 * must be confirmed like any other. */
void pixel_health_recall(struct pixel_health *health, const struct pixel_map *map);
