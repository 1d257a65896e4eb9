/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Relative phase and gain of receive channels from sources at known places. Observation n of a
 * source with steering vector a_n and unknown amplitude s_n on channels c:
 *
 *   y_nm = s_n c_m a_nm + noise,   E|noise|^2 = noise_var.
 *
 * Divided by the steering (|a_nm| = 1) the observations have rank one; its dominant right singular
 * vector is the maximum-likelihood c. Bound of phase (and, in neper, of gain) of channel m against
 * channel 0, with |c|^2 = n_ant and S = sum_n |s_n|^2:
 *
 *   sigma_m^2 = noise_var / (2 S) (1 / |c_m|^2 + 1 / |c_0|^2).
 *
 * noise_var is taken from what the rank leaves over, multipath included. Pure functions. */
#pragma once
#include "dsp/cplx.h"
#include "frames/status.h"
#include <stddef.h>

enum { ARRAY_CALIB_MAX_ANT = 8 };

struct array_calib {
    size_t n_ant, n_obs;
    cplx channel[ARRAY_CALIB_MAX_ANT];     /* c: |c|^2 = n_ant, c_0 > 0 */
    double sigma_rad[ARRAY_CALIB_MAX_ANT]; /* bound; of the gain in dB: times 8.686; channel 0: 0 */
    double noise_var;                      /* of an entry of y, with sources of their own power */
    double match;                          /* worst |c^H z_n| / (|c| |z_n|) of an observation */
};

/* y, steering: [n_obs x n_ant]; steering NULL: all ones, a splitter. ERR_ARG: fewer than 2 channels
 * or observations, or more channels than fit. ERR_NOT_FOUND: a channel is silent, or the
 * observations have no common direction (their dominant value is under 0.8 of the energy). */
int array_calib_estimate(const cplxf *y, const cplxf *steering, size_t n_obs, size_t n_ant,
                         struct array_calib *out) MUST_CHECK;
