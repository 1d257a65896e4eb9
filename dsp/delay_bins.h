/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Bins of a delay profile behind a Hamming window w (sum 1), every c / (1.25 K df) of path length,
 * and what a path looks like in them:
 *
 *     y_q = sum_k w_k h_k exp(j 2 pi f_k L_q / c),   k_q(L) = sum_k w_k cos(2 pi f_k (L_q - L) /
 * c),
 *
 * real, as carriers are centred. */
#pragma once
#include "dsp/cplx.h"
#include "dsp/toa.h"
#include <math.h>
#include <stdbool.h>

enum {
    DELAY_BINS_MAX = 24, /* of a profile, a multiple of the vector width */
    DELAY_BINS_MAX_CARRIER = 8191,
    DELAY_BINS_PHASES = 256, /* of the response between two bins, interpolated linearly */
    DELAY_BINS_REACH = 48,   /* a path further than so many bins from a bin does not reach it */
    DELAY_BINS_ROW = 2 * DELAY_BINS_REACH,
};
#define DELAY_BINS_NOISE 1.36 /* noise bandwidth of the window, carriers */

struct delay_bins {
    size_t n_carrier;
    double spacing_hz;
    double step_m; /* between bins */
    float window[DELAY_BINS_MAX_CARRIER];
    float response[DELAY_BINS_PHASES + 1][DELAY_BINS_ROW]; /* [phase f][REACH + i]: in bin i */
    float noise[DELAY_BINS_MAX];                           /* correlation i bins apart */
};

/* Setup only. n_carrier 31..DELAY_BINS_MAX_CARRIER, spacing_hz > 0. */
void delay_bins_init(struct delay_bins *bins, size_t n_carrier, double spacing_hz);

/* RT-safe. h: [n_ant x n_carrier]. y: [n_ant], the bin at length_m. */
void delay_bins_transform(const struct delay_bins *bins, const cplxf *h, size_t n_ant,
                          double length_m, cplx *y);

/* RT-safe. k: [n] = scale times what bins 0 .. n - 1 see of a path `ahead` bins behind bin 0.
 * n <= DELAY_BINS_MAX. False if the path is out of reach. */
static inline bool delay_bins_see(const struct delay_bins *bins, double ahead, float scale, int n,
                                  float *k)
{
    const double whole = floor(ahead);
    if (!(whole > DELAY_BINS_MAX - DELAY_BINS_REACH && whole <= DELAY_BINS_REACH))
        return false;
    const double phase = (ahead - whole) * DELAY_BINS_PHASES;
    const int f = (int)phase;
    const float t = (float)(phase - f);
    const float *low = bins->response[f] + DELAY_BINS_REACH - (int)whole,
                *high = low + DELAY_BINS_ROW;
    for (int q = 0; q < n; q++)
        k[q] = scale * (low[q] + t * (high[q] - low[q]));
    return true;
}
