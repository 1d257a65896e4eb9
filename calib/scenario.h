/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Simulated experiments: from a geometry, seeds and a list of what fails to a dataset. Draws follow
 * the portable generator (dsp/rng.h), each object its own, started at its seed:
 *   profiles  for t, for m: W[t,m] = exp(j 2 pi U)  (one-bit: 1 if U < 1/2, else -1)
 *   mask      count: m = floor(U M), repeats skipped, until enough; probability: for m: U < p;
 *             then for each in that order kappa = U, psi = -pi + 2 pi U, f = kappa exp(j psi)
 *   scatter   for m: CN(0, 1)
 *   noise     for t: CN(0, 1) sqrt(noise_var)
 * with CN(0, 1) = sqrt(-ln(1 - U1)) exp(j 2 pi U2). */
#pragma once
#include "calib/dataset.h"

enum scenario_profiles { SCENARIO_RANDOM_PHASE, SCENARIO_ONE_BIT };

struct scenario {
    double carrier_hz;
    size_t columns, rows, n_pilots;
    double spacing_m[2]; /* NaN: half a wavelength */
    struct vec3 ris_m;
    double rotation[3][3];
    struct vec3 bs_m, user_m; /* global */
    cplx gain;
    double power;
    double snr_db; /* |gain|^2 P / noise_var */
    enum scenario_profiles profiles;
    uint64_t profile_seed, mask_seed, noise_seed, scatter_seed;
    size_t n_fail;        /* so many pixels fail ... */
    double p_fail;        /* ... or, where n_fail is 0, each with this probability, 0..1 */
    const size_t *failed; /* further failures given outright: [n_given], with their coefficients */
    const cplx *coefficient;
    size_t n_given;
    double k_factor; /* Rice factor of the way RIS - user, linear; INFINITY: none */
    double prior;    /* p_fail that the dataset states */
    double range_m[2];
};

/* [S2] VI: 20 x 20 elements at half a wavelength, 28 GHz, BS at 15 [-1, 1, 1] / sqrt 3, user at
 * 3 [1, 1, 1] / sqrt 3, T = 20, 30 dB, gain exp(0.7 j), seeds 1, healthy. */
struct scenario scenario_default(void);

/* Setup only. The dataset with its truth; NULL and ERR_ARG or ERR_NO_MEMORY in *err. */
struct dataset *scenario_generate(const struct scenario *scenario, struct status *err);
