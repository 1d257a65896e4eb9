/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Frames behind a burst: a pilot symbol, which gives the channel, and data symbols at once after
 * it, each with its own prefix. What the carrier offset turns data against pilot is taken out by
 * the window's cfo_hz, the small rest inside the modem. */
#pragma once
#include "dsp/modem.h"
#include "dsp/slot.h"

struct frame_rx; /* channel of the last pilot, scratch */

/* Setup only. n_ant 1..SLOT_MAX_ANT. NULL if out of range (says why in *err). */
struct frame_rx *frame_rx_create(const struct waveform_cfg *cfg, size_t n_ant,
                                 struct status *err) MUST_CHECK;
void frame_rx_destroy(struct frame_rx **rx);

/* RT-safe. x: [n_ant] captures that stay valid for the calls below. win->first: first sample of the
 * pilot's prefix; all symbols begin their FFT N/16 before the end of the prefix, so `first` may be
 * late by as much, or early by the other half less the channel's length. */
void frame_rx_pilot(struct frame_rx *rx, const struct sc16 *const *x,
                    const struct slot_window *win);

/* RT-safe. Channel of the pilot: [n_ant x K]; valid until the next pilot. */
const cplxf *frame_rx_channel(const struct frame_rx *rx);

/* RT-safe. Reads the index-th symbol behind the pilot, 1, 2, ...: fills bytes with the modem's
 * payload. The capture must hold index + 1 symbols from win->first on. *present, when not NULL:
 * power of the symbol relative to the pilot's, 1 when something was sent there, 0 in silence.
 * Returns what frame_modem_demodulate() returns. */
int frame_rx_read(struct frame_rx *rx, size_t index, struct frame_modem *modem, uint8_t *bytes,
                  struct frame_modem_quality *quality, float *present) MUST_CHECK;
