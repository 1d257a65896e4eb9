/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Random experiments with broken pixels, drawn as the recorded cases draw them: profiles, mask and
 * noise each from a generator of their own. */
#pragma once
#include "calib/pixel_model.h"

struct jlfd_scene {
    size_t columns, rows, n_pilots;
    uint64_t profile_seed;
};

struct jlfd_case {
    struct pixel_problem problem;
    struct vec3 user_m;
    cplx gain;
    cplx *profiles, *mask, *y, *noiseless; /* owned */
    size_t support[PIXEL_MAX_FAILURES];    /* in the order drawn */
    size_t n_failures;
};

/* 28 GHz, half a wavelength, base station at 15 [-1,1,1]/sqrt 3, user at 3 [1,1,1]/sqrt 3,
 * beta = exp(0.7 j), P = 1. y is not drawn yet. */
void jlfd_case_init(struct jlfd_case *c, const struct jlfd_scene *scene);
void jlfd_case_free(struct jlfd_case *c);

/* n failures at random pixels with random coefficients; p_fail of the problem = max(n, 1) / M. */
void jlfd_case_mask(struct jlfd_case *c, size_t n, uint64_t seed);

/* y = mean + noise at the SNR |beta|^2 P / noise_var. */
void jlfd_case_noise(struct jlfd_case *c, double snr_db, uint64_t seed);
