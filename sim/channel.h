/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The channel of a scene at one instant, as spectra per link and group of paths. What each group
 * holds: docs/simulator.md and SIGNAL section 2. A radio is 0 for the base station and 1 + u for
 * user u. Not thread-safe. */
#pragma once
#include "sim/pixels.h"
#include "sim/spectrum.h"

enum channel_group {
    CHANNEL_STATIC, /* leak, walls, clutter */
    CHANNEL_MOVING, /* user echoes; between base station and user: the direct hop */
    CHANNEL_RIS1_STATIC,
    CHANNEL_RIS1_MOVING,
    CHANNEL_RIS2_STATIC,
    CHANNEL_RIS2_MOVING,
    CHANNEL_CROSS, /* by RIS 1, a user and RIS 2, either way round */
    CHANNEL_N_GROUP,
};

struct channel;

/* Setup only. scene must outlive it. n_bin: power of two >= 256. RISs start all zero (phase 0).
 * NULL with the reason in *err. */
struct channel *channel_create(const struct scene *scene, size_t n_bin, struct status *err);
void channel_destroy(struct channel **channel);

/* Base profile of a RIS: state < 2^bits of each element, [rows x columns]; the groups of that RIS
 * hold for it, and with opposite sign for its complement. */
void channel_set_profile(struct channel *channel, size_t ris, const uint8_t *states);

/* Health of the elements of a RIS, [rows x columns]; all healthy at first. What a stuck one
 * reflects does not follow the profile's sign, so it counts with the static and moving groups.
 * Costs as a new profile does. */
void channel_set_pixels(struct channel *channel, size_t ris, const struct pixel *pixels);

/* Moves the users to where they are at this room time. Spectra are then made when asked for. */
void channel_move(struct channel *channel, double time_s);

/* What one transmit port does to one receive port. h: [CHANNEL_N_GROUP x n_bin], groups absent are
 * not written. rate_rad_s: [CHANNEL_N_GROUP], the group's phase rate at the instant, a mean over
 * its paths by power. Returns the bit mask of the groups present. */
unsigned channel_link(struct channel *channel, unsigned tx_radio, unsigned tx_port,
                      unsigned rx_radio, unsigned rx_port, float complex *h, double *rate_rad_s);
