/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Time of arrival of the path in one stream, as a total path length c tau. [S1] III-D.
 * Coarse: window, zero-padded IFFT, non-coherent sum over antennas, strongest peak in the gate,
 * parabola. Fine: Newton on the likelihood P(tau) = sum_j |sum_k h_jk exp(j 2 pi f_k tau)|^2
 * without a window, in double, inside the gate and the main lobe. Bound: sigma_L = c / (2 pi (B /
 * sqrt 12) sqrt(2 E/N0)), E/N0 = sum_j |a_j|^2 K / noise_var. */
#pragma once
#include "dsp/cplx.h"
#include "frames/status.h"
#include <stdbool.h>
#include <stddef.h>

#define TOA_MAX_ANT 8

enum toa_window { TOA_HAMMING, TOA_RECTANGULAR };

struct toa_cfg {
    size_t n_ant;           /* 1..TOA_MAX_ANT */
    size_t n_carrier;       /* K, 3..8191; carrier k at (k - (K-1)/2) spacing */
    double spacing_hz;      /* > 0 */
    size_t n_fft;           /* points over one period 1/spacing of delay: >= K, e.g. 8 N */
    double min_db;          /* a peak stands at least this far over the median; 12 */
    enum toa_window window; /* Hamming live; rectangular for recorded cases */
    bool parabola_of_root;  /* parabola through the square root of the power (recorded cases) */
    bool coarse_only;       /* stop after the parabola */
};

struct toa_gate {
    double min_m,
        max_m; /* path lengths searched, min < max, max - min <= c / spacing; min may be < 0 */
};

struct toa {
    double length_m; /* total path length c tau */
    double coarse_m; /* after the parabola */
    double sigma_m;  /* CRLB at the measured SNR; add the site's sigma_env */
    double snr_db;   /* E/N0 of all antennas together */
    float peak_db;   /* peak over the median of the whole delay profile */
    float noise_var; /* per carrier and antenna, the given one or measured from that median */
    cplxf amp[TOA_MAX_ANT]; /* per antenna, at the peak */
};

struct toa_est;

/* Setup only. NULL if cfg is out of range (says why in *err, may be NULL). */
struct toa_est *toa_est_create(const struct toa_cfg *cfg, struct status *err);
void toa_est_destroy(struct toa_est **est);

/* RT-safe; lab: budget 0.6 ms a stream. h: [n_ant x K]. noise_var: per entry; <= 0: measured.
 * ERR_ARG: the gate is out of range. ERR_NO_PEAK: the gate holds no local maximum (*out is zero),
 * or none min_db over the median (*out describes the strongest one). */
int toa_estimate(struct toa_est *est, const cplxf *h, const struct toa_gate *gate, float noise_var,
                 struct toa *out) MUST_CHECK;

/* RT-safe. The delay profile of the last estimate: power summed over antennas, [n_fft], entry i at
 * length i c / (n_fft spacing). */
const float *toa_profile(const struct toa_est *est);
