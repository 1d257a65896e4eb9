/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * One RIS element by element, with the delay of every element and every wall image. A path through
 * the RIS is sum_n h_n Gamma_n g_n, transposed, never conjugated. Across the aperture the delays of
 * a pair of images differ by little, so their sum is evaluated exactly at a few Chebyshev
 * frequencies after removing the pair's centre delay, and interpolated: error below 1e-7 of sum_n
 * |h_n g_n|. */
#pragma once
#include "sim/spectrum.h"

struct aperture;     /* geometry and frequency nodes of one RIS */
struct aperture_hop; /* hops from one point to all its elements */

/* Setup only. scene and grid must outlive it. NULL with the reason: no memory, or a surface too
 * wide for the interpolation. */
struct aperture *aperture_create(const struct scene *scene, size_t ris, const struct grid *grid,
                                 struct status *err);
void aperture_destroy(struct aperture **aperture);
size_t aperture_n_elements(const struct aperture *aperture);

struct aperture_hop *aperture_hop_create(const struct aperture *aperture); /* NULL: no memory */
void aperture_hop_destroy(struct aperture_hop **hop);

/* RT-safe from here on. */

/* All hops between the point and the elements. factor: complex [n_elements] on every image of the
 * element's hop (fading), or NULL. */
void aperture_hop_set(const struct aperture *aperture, const struct hop_end *end,
                      const double complex *factor, struct aperture_hop *out);

/* out = hops times the reflection coefficients gamma[n_elements]; out may be in. */
void aperture_hop_reflect(const struct aperture *aperture, const struct aperture_hop *in,
                          const double complex *gamma, struct aperture_hop *out);

/* The path reflected -> RIS -> b, carrier phase included. image_power: [HOP_MAX_IMAGES], power in
 * band of the paths that reach the RIS by each image of `reflected`; may be NULL. */
void aperture_through(const struct aperture *aperture, const struct aperture_hop *reflected,
                      const struct aperture_hop *b, struct spectrum *out, double *image_power);
