/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What the known walls do to a measured direction. Images of a user's signal that lie in the same
 * delay cell turn the wave front at the array. To first order in their amplitudes a_i exp(j phi_i),
 * relative to the direct way's, the phase of antenna m moves by
 *
 *     sum_i a_i sinc(B (L_i - L_0) / c) sin(phi_i + 2 pi x_m (s_i - s_0)),
 *
 * and the sine with it, by the least squares' share x_m / (2 pi sum x^2) of each. L, s: length and
 * sine of a way, 0 the direct one; phases phi_i uniform. docs/signal-model.md, section "Position".
 */
#pragma once
#include "dsp/wall_paths.h"

/* RT-safe. Deviation of the sine at which the signal of a user at u is seen along axis, a unit
 * vector. x: [n] antennas on it, from their middle [wavelengths], n >= 2. bandwidth_hz: B > 0. */
double wall_direction_sigma(const struct wall_map *map, struct vec3 u, struct vec3 axis,
                            const double *x, size_t n, double bandwidth_hz);
