/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * From captured samples to the frequency response of every slot: average the periods, FFT, divide
 * by the sequence. Also the carriers of a single OFDM symbol. H = 1 is a cable of unit gain without
 * delay from the transmitter's full scale to the receiver's. A delay of up to one period is
 * absorbed by the prefix and shows as a phase slope over carriers. */
#pragma once
#include "dsp/waveform.h"

#define SLOT_MAX_ANT 8

struct slot_est;

/* Where in the capture, and how the transmitter's clock differs from ours. */
struct slot_window {
    size_t first;   /* index of the first sample of the first slot or symbol (its prefix) */
    size_t n_slots; /* >= 1; not used by slot_symbol */
    double
        cfo_hz;  /* carrier offset to remove, phase 0 at sample 0 of the capture. 0: faster path */
    double skew; /* relative offset of the transmitter's sample clock, e.g. cfo_hz / carrier_hz;
                  * the delay drift it causes from slot to slot is removed */
};

/* Setup only. n_ant 1..SLOT_MAX_ANT. NULL if out of range (says why in *err, may be NULL). */
struct slot_est *slot_est_create(const struct waveform_cfg *cfg, size_t n_ant, struct status *err);
void slot_est_destroy(struct slot_est **est);

/* RT-safe; lab cycle 64 slots x 4 antennas: budget 4 ms. x: [n_ant] pointers to captures that hold
 * at least first + n_slots * slot samples. h: [n_slots x n_ant x K]. */
void slot_estimate(struct slot_est *est, const struct sc16 *const *x, const struct slot_window *win,
                   cplxf *h);

/* RT-safe. One symbol. h: [n_ant x K], divided by the sequence: of a pilot it is the channel, of a
 * data symbol channel times s[k mod n] with the same scale. win->first: first sample of the prefix;
 * advance_samps: the FFT starts that much before the end of the prefix (0..N/8), so that a receiver
 * that is late by as much stays inside the symbol; the delay this adds is the same in every symbol.
 */
void slot_symbol(struct slot_est *est, const struct sc16 *const *x, const struct slot_window *win,
                 size_t advance_samps, cplxf *h);
