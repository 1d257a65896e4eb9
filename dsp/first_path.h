/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The first path of a response, told from what arrives behind it: the leak among the clutter near
 * the base station, a user's direct signal among its wall images. Reflections come later than the
 * first path and never earlier; that is the information which a fit of free paths throws away, and
 * it separates what stands a tenth of the resolution cell (chip, c / (K spacing)) behind.
 *
 *   y_j = a_j s(L) + sum_i b_ij s(L + g_i) + noise,  s_k(L) = exp(-j 2 pi f_k L / c),
 *   L = argmin min_{a, b} sum_j |y_j - ...|^2 + noise_var sum_ij |b_ij|^2 / p_i,
 *
 * g_i: a grid of later delays up to 16 chips; p_i: power of what arrives there, the same for all
 * antennas, first flat, then what the fit finds (plus its variance), eleven times: three leave 2 cm
 * in one room of sixty, where a strong reflector stands a fifth of a chip behind. */
#pragma once
#include "dsp/toa.h"

struct first_path_cfg {
    size_t n_ant, n_carrier; /* as struct toa_cfg; n_carrier >= 64 */
    double spacing_hz;
};

struct first_path {
    double length_m;
    cplxf amp[TOA_MAX_ANT]; /* at carrier frequency 0 of the response */
};

struct first_path_est;

/* Setup only. NULL if cfg is out of range (says why in *err, may be NULL). */
struct first_path_est *first_path_create(const struct first_path_cfg *cfg, struct status *err);
void first_path_destroy(struct first_path_est **est);

/* RT-safe; 4 x 811 carriers take 5 ms (bench_dsp). h: [n_ant x K]. seen: the same
 * path as toa_estimate finds it, pulled by what follows; it is searched a quarter chip either side.
 * ERR_NO_PEAK: nothing there, or the response is no sum of such paths. */
int first_path_estimate(struct first_path_est *est, const cplxf *h, const struct toa *seen,
                        struct first_path *out) MUST_CHECK;
