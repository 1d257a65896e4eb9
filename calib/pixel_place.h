/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The pilots of one cycle, given the coefficients of a surface:
 *   y_t = sum_m W[t,m] v_m c_m sum_q alpha_q u_mq(p) + n_t
 * v: element to base station; u_q: user to element, q = 0 the direct hop and q = 1..6 its image in
 * each wall of the room, whose phases nobody can predict to a wavelength, so every alpha_q is an
 * unknown of the cycle. Estimates alpha and p, and removes what they can explain from the evidence
 * about c. docs/calibration.md, "Live". One thread owns a place. */
#pragma once
#include "calib/pixel_pilots.h"

enum { PIXEL_IMAGES = ROOM_IMAGES, PIXEL_NUISANCE = PIXEL_IMAGES + 3 };

struct pixel_place_cfg {
    struct panel panel;
    struct vec3 bs; /* phase centre of the receiving antennas */
    double carrier_hz;
    struct room_box room;
    double wall_factor[6]; /* of a reflection by face x-, x+, y-, y+, z-, z+; all 0: only direct */
    double model_error;    /* rms per pixel that no parameter explains: 0.12 */
    size_t n_profile;      /* T/2: 6..PIXEL_PROFILES_MAX */
    const cplx *profiles;  /* [n_profile x M] commanded coefficients; copied */
};

struct pixel_place_fit {
    struct vec3 position;
    double cov[3][3];
    double sigma2;      /* variance of a pilot pair that the fit leaves, at least the model's */
    double unexplained; /* of the pilots' power, 0..1 */
};

struct pixel_place;

/* Setup only. NULL: out of range or no memory, says why. */
struct pixel_place *pixel_place_create(const struct pixel_place_cfg *cfg, struct status *err);
void pixel_place_destroy(struct pixel_place **place);

/* Fits place and gains to y [n_profile] with the coefficients c [M], position known as
 * N(prior, cov). ERR_GEOMETRY: the user is behind the surface, or the fit does not converge. */
int pixel_place_fit(struct pixel_place *place, const cplx *c, const struct pixel_pilots *pilots,
                    struct pixel_place_fit *out) MUST_CHECK;

/* The same pilots without the prior: what this surface alone says of the user's place. */
int pixel_place_alone(struct pixel_place *place, const cplx *c, const struct pixel_pilots *pilots,
                      struct pixel_place_fit *out) MUST_CHECK;

/* After pixel_place_fit with c: h [n_profile x M], r [n_profile], whitened: r = h (c_true - c) +
 * white noise of variance 1, with what place and gains can explain counted as noise. */
int pixel_place_evidence(struct pixel_place *place, cplx *h, cplx *r) MUST_CHECK;

/* After pixel_place_fit: responses of the elements to the direct hop, [M]; unit mean power. */
const cplx *pixel_place_direct(const struct pixel_place *place);

/* Ways from the surface to the base station by each wall, relative to the direct one: [6 x M], rows
 * of walls behind the face are zero. */
void pixel_place_walls(const struct pixel_place *place, cplx *out);
