/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What the known walls do to a measured path length. Images inside the resolution cell pull the
 * peak of
 *
 *     P(L) = sum_j | sum_i a_i exp(j phi_i) b_ij sinc(B (L - L_i) / c) |^2
 *
 * to either side, mostly behind; which way, only their phases phi know, and those change within a
 * wavelength. a_i, L_i: the paths of dsp/wall_paths.h; b_ij: antenna j towards path i; every image
 * of a hop has one phase, drawn uniformly. Where a surface does not see the user and the base
 * station themselves but an image of one or both, a_i also has the factor of dsp/wall_light.h.
 * docs/signal-model.md, section "Position". */
#pragma once
#include "dsp/fix.h"
#include "dsp/toa.h"
#include "dsp/wall_paths.h"

struct wall_error_cfg {
    struct wall_map walls;
    double height_m[2];  /* of users, low < high */
    double bandwidth_hz; /* B > 0 */
    struct vec3 axis;    /* unit vector along the line of receive antennas */
    size_t n_ant;        /* 1..TOA_MAX_ANT */
    double spacing;      /* of antennas, wavelengths */
};

/* Of a length about its row's, over the phases [m]. */
struct wall_shift {
    double mean_m;
    double sigma_m; /* about zero, not about the mean, which rests on roughly known factors: rms, or
                       the 95 % point over 1.96 if that is more */
};

struct wall_error;

/* Setup only: some 10 ms, for every row, five lights and a grid of places. NULL if cfg is out of
 * range or memory is short (says why in *err). */
struct wall_error *wall_error_create(const struct wall_error_cfg *cfg, struct status *err);
void wall_error_destroy(struct wall_error **error);

/* RT-safe. For a user at u; outside the room as at the nearest place. By a surface, of the places
 * around u that are in front of it, and with `light` the amplitude with which its profile shows
 * images, over that with which it shows user and base station themselves: 1 alike, held to 1/4..4.
 * False, and zero, for the height and where there is no such place. */
bool wall_error_at(const struct wall_error *error, enum fix_row row, struct vec3 u, double light,
                   struct wall_shift *out);
