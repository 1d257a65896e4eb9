/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * One hop of the room between two points: the line of sight and the first-order image in every
 * wall. Amplitude lambda/(4 pi r) times the square root of both antenna gains, lambda at the
 * carrier; delay exact. [S1] (1)-(5), SIGNAL section 2. RT-safe, pure functions. */
#pragma once
#include "sim/scene.h"

enum { HOP_MAX_IMAGES = 7 };

/* An end of a hop. kind says what pattern the direction meets. */
struct hop_end {
    enum {
        HOP_ISOTROPIC, /* user, scatterer: 0 dBi */
        HOP_ANTENNA,   /* axis = boresight, gain = peak power gain, floor */
        HOP_ELEMENT,   /* RIS element: axis = normal, gain = peak power gain 4 pi A / lambda^2 */
    } kind;
    double position_m[3];
    double axis[3];
    double gain, floor;
    double pair[3]; /* ANTENNA of two in phase: from one to the other, in wavelengths */
};

/* The n images of a hop; entry 0 is the line of sight. An image of amplitude 0 stays listed, so
 * index i is the same wall for every hop of a scene. */
struct hop {
    size_t n;
    double amplitude[HOP_MAX_IMAGES];
    double length_m[HOP_MAX_IMAGES];
};

/* Images per hop of this scene: 1 + the walls that reflect. */
size_t hop_n_images(const struct scene *scene);

void hop_between(const struct scene *scene, const struct hop_end *a, const struct hop_end *b,
                 struct hop *out);

/* Rate of change of every image's length while b moves with the velocity [m/s]. */
void hop_rates(const struct scene *scene, const struct hop_end *a, const struct hop_end *b,
               const double velocity_mps[3], double rate_mps[HOP_MAX_IMAGES]);

/* Ends of the scene's antennas and elements, and of a free point. */
struct hop_end hop_end_antenna(const struct scene *scene, const double position_m[3]);
struct hop_end hop_end_transmitter(const struct scene *scene, const double position_m[3]);
struct hop_end hop_end_element(const struct scene *scene, const struct scene_ris *ris,
                               size_t element);
struct hop_end hop_end_point(const double position_m[3]);
