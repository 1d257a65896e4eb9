/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Relative responses of transmit channels from their leak into the receive array: every channel
 * sends pilots alone, in turn, and what is heard is the product of a transmit channel, a receive
 * channel and a way whose length the geometry tells. The best product of that form (rank one) gives
 * the transmit channels up to a common factor, whatever the receive channels are. RT-safe. */
#pragma once
#include "dsp/precode.h"
#include "dsp/slot.h"

struct tx_sounding_cfg {
    size_t n_tx, n_rx; /* 1..PRECODE_MAX_TX, 1..SLOT_MAX_ANT */
    struct vec3 tx[PRECODE_MAX_TX], rx[SLOT_MAX_ANT];
    double carrier_hz, spacing_hz;
    size_t n_carrier;
};

struct tx_sounding {
    cplxf own[PRECODE_MAX_TX]; /* of each transmit channel; channel 0 is 1 */
    cplxf heard[SLOT_MAX_ANT]; /* of each receive channel, channel 0 of which is 1 */
    float
        match; /* 0..1: share of what was heard that has this form; walls and noise take the rest */
};

/* h: [n_tx x n_rx x K], what each receive channel heard of each transmit channel. delay_s: from the
 * transmitter's clock to the receiver's, without the way (the radio's own latency, less where the
 * FFT began). Returns 0, or ERR_NO_PEAK when a channel was not heard. */
int tx_sounding_estimate(const struct tx_sounding_cfg *cfg, const cplxf *h, double delay_s,
                         struct tx_sounding *out) MUST_CHECK;
