/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Overlap-save: the signal of all TX ports of one radio as it reaches the channels of a receiver.
 * The FFT of each port is shared by the receive channels. */
#pragma once
#include "sim/air_layout.h"
#include "sim/air_rx.h"

struct air_fir;

/* Setup only; NULL: no memory. For the receive ports channel[n_channel] of the radio. */
struct air_fir *air_fir_create(struct air *air, unsigned radio, unsigned n_channel,
                               const unsigned *channel);
void air_fir_destroy(struct air_fir **fir);

struct fir_block {
    int64_t n0;               /* first device sample of the receiver, a multiple of AIR_HOP */
    int n_valid;              /* samples of the block that matter; later inputs count as zero */
    const double *rx_freq_hz; /* [n_channel] tuning at the block's start */
};
/* RT-safe, except that a port or link allocates its spectrum when it is first heard. Adds to
 * acc[channel] ([2 AIR_HOP] floats, sqrt(W)) what all radios send. Returns true if there was
 * anything; acc is zeroed by the first contribution only, so false leaves it as it is. */
bool air_fir_run(struct air_fir *fir, const struct fir_block *block, float *const acc[]);
