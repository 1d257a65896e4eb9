/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Frequency grids of the room's responses. A response is computed on a coarse grid of n_coarse bins
 * over the sample rate, enough for its longest delay, tapered smoothly to zero between 0.42 and 0.5
 * of the rate, and expanded to n_bin bins by zero-padding in time. Bins are in FFT order.
 * Arrays are split into real and imaginary part so that the compiler vectorises them. */
#pragma once
#include <complex.h>
#include <stddef.h>

#include "frames/status.h"
#include "sim/hop.h"

#define SPECTRUM_BAND 0.42 /* of the rate, each side: exact within, tapered beyond */

enum {
    SPECTRUM_MAX_COARSE = 512,
    SPECTRUM_MAX_NODES = 20,
};

struct spectrum {
    double re[SPECTRUM_MAX_COARSE], im[SPECTRUM_MAX_COARSE];
};

struct grid;

/* Setup only. n_bin: power of two. max_length_m: longest path; NULL with the reason when its
 * response is longer than a receiver of the air allows for, or than n_bin samples. */
struct grid *grid_create(double carrier_hz, double rate_hz, size_t n_bin, double max_length_m,
                         struct status *err);
void grid_destroy(struct grid **grid);

size_t grid_n_coarse(const struct grid *grid);
const double *grid_offset_hz(const struct grid *grid); /* [n_coarse], from the carrier */

/* RT-safe from here on; one thread per grid. */

/* cos and sin of 2 pi x, |error| < 1e-13 for |x| < 1e6; x, c, s: [n]. */
void turns(const double *x, double *c, double *s, size_t n);

/* out = sum of the hop's images, carrier phase included. */
void spectrum_hop(const struct grid *grid, const struct hop *hop, struct spectrum *out);

/* out = amplitude exp(-j 2 pi (f_0 + f) length / c); f_0 = carrier, or 0 for a pure delay. */
void spectrum_delay(const struct grid *grid, double f_0_hz, double length_m, struct spectrum *out);

/* a *= by */
void spectrum_scale(const struct grid *grid, double complex by, struct spectrum *a);

/* sum += scale a b */
void spectrum_multiply_add(const struct grid *grid, double scale, const struct spectrum *a,
                           const struct spectrum *b, struct spectrum *sum);

/* Tapers and expands to out[n_bin]. */
void spectrum_expand(struct grid *grid, const struct spectrum *in, float complex *out);
