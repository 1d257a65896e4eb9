/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Beams of data: maximum ratio transmission w = h^* / |h| over the transmit channels, [S1] (7), of
 * carrier and channel, from where the user is or from what the base station heard of him. h is the
 * channel as the samples see it: that of the air times the transmit channel's own response. Power
 * is that of one channel however many send: sum over channels |w|^2 = 1 on every carrier. RT-safe.
 */
#pragma once
#include "dsp/array.h"

enum { PRECODE_MAX_TX = 32 }; /* antennas; [S1] has 31 */

struct precode_cfg {
    size_t n_tx;                         /* 1..PRECODE_MAX_TX */
    struct vec3 antenna[PRECODE_MAX_TX]; /* transmit antennas */
    double carrier_hz, spacing_hz;
    size_t n_carrier; /* K, odd; carrier k is (k - (K-1)/2) spacing_hz off */
};

/* w: [n_tx x K]. Spherical waves over the direct path, true distances: h_i = own_i / r_i
 * exp(-j 2 pi f r_i / c). own: [n_tx] response of each channel, as calibrated; NULL: all alike.
 * A user on an antenna, or channels that are all 0, get all power on channel 0. */
void precode_position(const struct precode_cfg *cfg, struct vec3 user, const cplxf *own, cplxf *w);

/* TDD reciprocity: the air is the same both ways between the same antennas. heard: [n_tx x K]
 * channel from the user to the antennas, as received by the receive channels that share them;
 * heard_own: [n_tx] response of these, own: of the transmit channels. Every way through the room is
 * in it. */
void precode_reciprocal(const struct precode_cfg *cfg, const cplxf *heard, const cplxf *heard_own,
                        const cplxf *own, cplxf *w);

/* Power that such a beam brings to the user, relative to all power on channel 0 [dB]; mean over the
 * carriers. By the channel that was heard: it knows nothing of what has moved since. */
float precode_reciprocal_gain_db(const struct precode_cfg *cfg, const cplxf *heard,
                                 const cplxf *heard_own, const cplxf *own);

/* Power that beams of these weights bring to a place over the direct path, relative to all power on
 * channel 0 [dB]; of the middle carrier. With `aimed` right it is that of MRT, 10 log10 n_tx where
 * the channels are alike and far. */
float precode_gain_db(const struct precode_cfg *cfg, const cplxf *own, const cplxf *w,
                      struct vec3 place);

/* How much less arrives at `place` when the beam aims at `aimed` [dB, >= 0]:
 * -20 log10 |a(aimed)^H a(place)| / n. For a line of n antennas half a wavelength apart, seen from
 * broadside, 3 dB at 0.886 / n of the distance: 0.0286 with [S1]'s 31. */
float precode_pointing_loss_db(const struct precode_cfg *cfg, struct vec3 aimed, struct vec3 place);

/* The same expected over a Gaussian position error of covariance cov [m^2] about `aimed`: mean of
 * the power at +-sqrt(3) deviations along the columns of cov's Cholesky factor (exact to third
 * order).
 */
float precode_expected_loss_db(const struct precode_cfg *cfg, struct vec3 aimed,
                               const double cov[3][3]);

/* Power budget, [S1] (8), (17), (18): SNR of a carrier at the receiver [dB]. */
struct precode_budget {
    double tx_dbm;      /* of all channels together */
    double tx_gain_dbi; /* of one antenna */
    double rx_gain_dbi;
    double noise_figure_db;
    size_t n_tx, n_rx; /* MRT over the former, MRC over the latter */
    double distance_m, carrier_hz, bandwidth_hz;
};
double precode_budget_snr_db(const struct precode_budget *budget);
