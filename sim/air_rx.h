/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What a simulated receiver's converters see. Every sample is a pure function of the segment, the
 * seed, the front end's settings and the sample index, never of when or in which pieces it is
 * computed.
 *
 * Chain: sum over TX ports of packet * response (overlap-save, 2048-point FFT, 1536 new samples
 * each) with the clock difference of the two devices (carrier and sample clock), receive phase
 * noise, LO phase and gain of the channel, thermal noise, gain, ADC noise, clipping at full scale,
 * 16 bits. Full scale (amplitude 1.0) at gain G dB is -G dBm at the antenna port. */
#pragma once
#include "sim/air.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { AIR_HOP = 1536 }; /* samples computed at once, on a grid from sample 0 */

/* Gain and tuning of all receive channels of a radio over time, shared by its streams. */
struct air_front;
struct air_front *air_front_create(struct air *air,
                                   unsigned radio); /* setup only; NULL: no memory */
void air_front_destroy(struct air_front **front);
/* From device sample k on (AIR_NEVER is not a time). Tuning redraws the LO phase of the channel. */
void air_front_gain(struct air_front *front, unsigned channel, int64_t k, double gain_db);
void air_front_tune(struct air_front *front, unsigned channel, int64_t k, double freq_hz);

struct air_rx_cfg {
    struct air *air;
    unsigned radio;
    struct air_front *front;
    unsigned n_channel;
    const unsigned *channel; /* [n_channel] receive ports of the radio, copied */
};

struct air_rx; /* plans, cached responses and one computed block per channel */
/* Setup only; NULL with the reason in *err. */
struct air_rx *air_rx_create(const struct air_rx_cfg *cfg, struct status *err);
void air_rx_destroy(struct air_rx **rx);

/* A new capture [k_start, k_end), k_end AIR_NEVER for an open one. Nothing sent at or after k_end
 * has any influence on it. */
void air_rx_start(struct air_rx *rx, int64_t k_start, int64_t k_end);
/* The tick the clock and the room's horizon must have reached before samples up to k can be read.
 */
int64_t air_rx_ready_tick(const struct air_rx *rx, int64_t k);
/* RT-safe, except that a port or link allocates its spectrum when it is first heard. Samples [k, k
 * + n) of the capture as sc16 pairs into out[channel]. */
void air_rx_read(struct air_rx *rx, int64_t k, size_t n, int16_t *const out[]);

#ifdef __cplusplus
}
#endif
