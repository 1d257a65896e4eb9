/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Inside of the channel: what channel.c keeps and channel_link.c makes links of. */
#pragma once
#include "sim/aperture.h"
#include "sim/channel.h"
#include "sim/trajectory.h"

/* A spectrum with its mean rate of length and its mean power over the grid. */
struct path {
    bool ready;
    struct spectrum h;
    double rate_mps, power;
};

/* Between one user and one antenna of the base station. */
struct user_antenna {
    struct path direct; /* and by what is stuck */
    struct path through[SCENE_MAX_RIS];
};

/* Elements of one RIS, as far as they follow their profile and as far as they are stuck. */
enum part { FOLLOWING, STUCK, N_PART };

struct user_state {
    struct trajectory_point at;
    struct aperture_hop *reflected[SCENE_MAX_RIS][N_PART]; /* user to the elements, times Gamma */
    bool reflected_ready[SCENE_MAX_RIS][N_PART];
    struct user_antenna *antennas; /* [n_antennas] */
};

/* Antennas of the base station count on from the transmit to the receive ones. */
struct antenna {
    struct hop_end end;
    struct aperture_hop *hops[SCENE_MAX_RIS]; /* to the elements */
};

struct channel {
    const struct scene *scene;
    struct grid *grid;
    size_t n_bin, n_antennas;
    struct aperture *apertures[SCENE_MAX_RIS];
    struct aperture_hop *scratch_hop[SCENE_MAX_RIS];
    double complex *gamma[SCENE_MAX_RIS][N_PART];
    uint8_t *states[SCENE_MAX_RIS];
    struct pixel *pixels[SCENE_MAX_RIS];
    bool stuck[SCENE_MAX_RIS]; /* any element is */
    struct antenna *antennas;
    struct user_state users[SCENE_MAX_USERS];
    uint64_t fading_block;
    float complex *clutter;                         /* [n_tx x n_rx x n_bin] */
    float complex *mirrored[SCENE_MAX_RIS][N_PART]; /* static paths by each RIS, same shape; */
    bool mirrored_ready[SCENE_MAX_RIS][N_PART];     /* made when the base station sends */
    struct spectrum sum;
};

/* Static paths between all antennas of the base station by a part of a surface, made when first
 * asked for: [n_tx x n_rx x n_bin], valid until its profile or pixels change. */
const float complex *channel_mirrored_by(struct channel *channel, size_t ris, enum part part);
