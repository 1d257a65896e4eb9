/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Frequency responses from every TX port to the channels of a receiver, as the room publishes them:
 * its groups summed with the signs of the surfaces and their Doppler phases, once per snapshot and
 * Doppler step of three blocks, and kept. */
#pragma once
#include "sim/air_layout.h"
#include "sim/air_rx.h"

struct air_response;

/* Setup only; NULL: no memory. For the receive ports channel[n_channel] of the radio. */
struct air_response *air_response_create(struct air *air, unsigned radio, unsigned n_channel,
                                         const unsigned *channel);
void air_response_destroy(struct air_response **response);

/* RT-safe, except that a link allocates its response when it is first heard. From a port of a
 * radio to channel[ch] in the block that begins at device sample n0 of the receiver:
 * [2 AIR_N_BIN], interleaved, scaled by 1 / AIR_N_BIN; NULL where there is no such link. */
const float *air_response_at(struct air_response *response, unsigned tx_radio, unsigned port,
                             unsigned ch, const struct air_snap *snap, int64_t n0);
