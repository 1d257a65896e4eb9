/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * [S1] figure 7 as a Monte Carlo run: users drawn in a box are located by three path lengths and a
 * known height, and frames of bits are sent to them. Draws follow the portable generator
 * (dsp/rng.h), one generator per call started at the given seed, in this order:
 *   locate  n U for x, n for y, n for z of the box; with fading CN(0,1) [n x 3]; normals [n x 3];
 *           length k of user i gets sigma / |h_ik| times its normal
 *   bits    all bits (top bit of a draw); with fading CN(0,1) of every symbol; CN(0,1) noise
 *   joint   the users; of each block all bits, with fading CN(0,1) of every symbol, CN(0,1) noise
 * h = sqrt(K / (K + 1)) + CN(0,1) / sqrt(K + 1). Reentrant; memory of their own while they run. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dsp/geometry.h"

enum link_error {
    LINK_CALIBRATED, /* the paper's: so many metres of rms at 20 dB, whatever the waveform */
    LINK_BOUND,      /* CRLB of a frame of n_samples at the bandwidth, E/N0 = SNR n_samples */
};

enum link_scheme { LINK_BPSK, LINK_QAM16 }; /* Gray; 00 -3, 01 -1, 11 +1, 10 +3 on each axis */

struct link_trial {
    double snr_db;   /* of a sample (lengths), E_b/N0 (bits) */
    double k_factor; /* Rice factor of every path and symbol, linear; INFINITY: no fading */
    enum link_error error;
    double rms_at_20db_m; /* LINK_CALIBRATED */
    double bandwidth_hz;  /* LINK_BOUND */
    double n_samples;
    enum link_scheme scheme;
    struct vec3 bs_m, ris_m[2];       /* transmitter and receiver stand at bs_m */
    struct vec3 box_min_m, box_max_m; /* of the users */
    double threshold_m;               /* "located": at most so far off in plan */
    size_t n_users, n_bits, frame_bits;
    uint64_t seed;
};

/* [S1] VI: BS (0, 0, 10), RISs (50, 0, 6) and (0, 50, 6), users in [10, 40]^2 x [1, 1.8] m, 20 000
 * of them; 1 m at 20 dB; 500 kHz, 10 samples; BPSK, 400 000 bits, frames of 40; threshold 1 m; no
 * fading, seed 1. */
struct link_trial link_trial_default(void);

/* Standard deviation of a path length without fading [m]. */
double link_sigma_m(const struct link_trial *trial);

/* Error in plan [m] of n_users: cramer_m by the closed form for a known height, [S1] (47)-(48);
 * wnls_m (may be NULL) by least squares on the lengths from there, sigmas without fading. Returns
 * 0, ERR_NO_MEMORY, or ERR_GEOMETRY when the anchors stand in one line in plan. */
int link_locate(const struct link_trial *trial, double *cramer_m, double *wnls_m) MUST_CHECK;

/* Share of users within the threshold in theory: the closed form and least squares linearised at
 * each of n_users places, their errors Gaussian in the plan; with fading each place with one draw
 * of |h| of its three paths, which gives the lengths their variances sigma^2 / |h|^2. Places and
 * |h| are those of link_locate. Returns as link_locate. */
struct link_share {
    double cramer, wnls;
};
int link_located(const struct link_trial *trial, struct link_share *out) MUST_CHECK;

/* How many of n_bits arrive wrong, the channel known to the receiver (n_bits: a multiple of four
 * for LINK_QAM16). Returns 0 or ERR_NO_MEMORY. */
int link_send(const struct link_trial *trial, size_t *n_wrong) MUST_CHECK;

/* The same in theory: probability that a bit is wrong, [S1] (39)-(40), over Rice fading by its
 * moment generating function. */
double link_ber(const struct link_trial *trial);

/* Joint success, [S1] (44): a user is located by the closed form and a frame of BPSK arrives whole.
 * Bits from a generator of their own, seed ^ 0xC0FFEE, in blocks of 2000 users. */
struct link_joint {
    size_t n_success, n_located, n_wrong; /* of n_users, n_users, n_users * frame_bits */
};
int link_joint(const struct link_trial *trial, struct link_joint *out) MUST_CHECK;
