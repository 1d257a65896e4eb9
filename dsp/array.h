/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Array responses on spherical waves: what a point source at p does to a set of antennas.
 * Near-field always; a far point simply gives the plane wave. [S1] eq. (6), with true distances. */
#pragma once
#include "dsp/cplx.h"
#include "dsp/geometry.h"

/* RT-safe. out[i] = exp(-j 2 pi turns[i]); absolute error below 3e-7 for |turns| up to 1e6.
 * Vectorises: about 1-2 ns a value. turns and out must not overlap. */
void phasors(const float *turns, cplxf *out, size_t n);

/* RT-safe. Steering vector of n antennas at element[] towards p:
 *   out[i] = exp(-j 2 pi (|p - element[i]| - |p - ref|) / wavelength_m),  |out[i]| = 1.
 * Distances are subtracted in double, without cancellation, before the phase is taken in float. */
void array_steer(const struct vec3 *element, size_t n, struct vec3 ref, struct vec3 p,
                 double wavelength_m, cplxf *out);

/* RT-safe. |a^H v| / (|a| |v|), 0..1: how much a measured antenna vector looks like a steering
 * vector. 0 if either is null. [S1] eq. (35). */
float array_match(const cplxf *a, const cplxf *v, size_t n);

/* RT-safe. How far the direction of a measured antenna vector v lies from that of a steering vector
 * a, as a difference of sines along the line on which the antennas lie at x[] wavelengths:
 *   the s in -1..1 that makes | sum_i conj(a_i) v_i exp(-j 2 pi x_i s) | largest.
 * Antennas half a wavelength apart tell all of these apart. */
double array_sine_off(const cplxf *a, const cplxf *v, const double *x, size_t n);
