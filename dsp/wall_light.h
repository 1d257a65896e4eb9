/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * How a RIS profile lights the images that walls make of user and base station, against how it
 * lights the two themselves. What it sends to an image it was not laid out for does not depend on
 * where the user is, so the darker the user's place, the more walls weigh in a length by it:
 *
 *     f_jk = sum_m Gamma_m exp(-j 2 pi (|u_j - e_m| + |b_k - e_m|) / lambda)
 *     light^2 = sum_jk w_jk |f_jk|^2 / (|f_00|^2 sum_jk w_jk),   jk != 00
 *     w_jk = p_jk s'(B (L_jk - L_00) / c)^2,   s'(x) = (cos(pi x) - sin(pi x) / (pi x)) / x
 *
 * u_j, b_k: user and BS or their images; e_m: elements; p_jk, L_jk: power and length of that way by
 * the walls alone (dsp/wall_paths.h); s': the slope of the pulse there, by which a weak path moves
 * the peak. docs/signal-model.md, section "Position". */
#pragma once
#include "dsp/cplx.h"
#include "dsp/wall_paths.h"

struct wall_light_cfg {
    struct wall_map walls;
    size_t ris; /* of the map's anchors: 0, 1 */
    struct panel panel;
    struct vec3 bs;      /* phase centre of the BS array */
    double wavelength_m; /* > 0 */
    double bandwidth_hz; /* B > 0 */
};

struct wall_light;

/* Setup only. NULL if cfg is out of range or memory is short (says why in *err). */
struct wall_light *wall_light_create(const struct wall_light_cfg *cfg, struct status *err);
void wall_light_destroy(struct wall_light **light);

/* RT-safe, about 6 us for 256 elements; scratch of the object, so one thread at a time. gamma:
 * [elements], row * columns + column. For a user at u: 1 where a map has no such images, or the
 * user is behind the panel; at most 100. */
double wall_light_at(struct wall_light *light, const cplx *gamma, struct vec3 u);
