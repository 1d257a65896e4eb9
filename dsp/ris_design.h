/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Choosing RIS profiles. Phases are in rad, profile states are 0..2^bits-1 (what they
 * reflect: struct ris_states), both [elements] in the panel's order. Everything is deterministic
 * and setup only. docs/signal-model.md, section "RIS". */
#pragma once
#include "dsp/ris_model.h"

/* [S1] (14): alternate beamformer and phases for the sensing path user -> RIS -> BS until |h_eff|^2
 * stops growing. h_eff[a] = direct[a] + sum_n from_ris[a * n_element + n] exp(j theta_n) user[n].
 */
struct ris_align_cfg {
    size_t n_ant, n_element;
    const cplx *direct;   /* [n_ant], NULL: the reflected path alone */
    const cplx *from_ris; /* [n_ant x n_element] RIS to BS */
    const cplx *user;     /* [n_element] user to RIS */
    double tolerance;     /* stop when the objective grows by less than this fraction, > 0 */
    size_t max_steps;     /* >= 1 */
};

/* theta: in the start, out the result. trace (may be NULL): [max_steps + 1] objective |h_eff|^2
 * from the start on. Returns the number of steps made, or ERR_ARG / ERR_NO_MEMORY. */
int ris_align(const struct ris_align_cfg *cfg, double *theta, double *trace) MUST_CHECK;

/* Focus on point i of the model: theta_m = -arg(row[m]). */
void ris_focus(const struct ris_model *model, size_t i, double *theta);

/* The states nearest to theta plus the common phase offset that keeps |sum row[m] Gamma_m| largest
 * (exact: every offset that rounds differently is tried). row: [n] cascaded amplitudes of the place
 * that counts. ERR_NO_MEMORY. */
int ris_quantise(const cplx *row, size_t n, const double *theta, const struct ris_states *states,
                 uint8_t *state) MUST_CHECK;

/* A focus that does its best for the neighbourhood: of the offsets within 0.1 dB of the best at
 * point i (at most 2^18 / elements of them, evenly spread), the one with the highest p5
 * + median level over the model's region. */
int ris_focus_profile(const struct ris_model *model, size_t i, const struct ris_states *states,
                      uint8_t *state) MUST_CHECK;

/* The static configuration of [S1]: (14) by ris_align for the path user -> RIS -> BS, then states.
 * The direct path is resolved by its delay, so it takes no part. antenna: [n_ant] of the BS.
 * Returns OK, ERR_NO_MEMORY, or ERR_GEOMETRY when the user or the BS is behind the panel. */
int ris_static_profile(const struct ris_model *model, const struct vec3 *antenna, size_t n_ant,
                       struct vec3 user, const struct ris_states *states,
                       uint8_t *state) MUST_CHECK;

/* Wide beam over the model's region: soft max-min (p-norm 6 of the inverse levels) by L-BFGS with
 * analytic gradient from eight ray-optical starts. 4 x 4 m want a grid of 13 x 13: half a
 * wavelength over the aperture. ERR_NO_MEMORY, ERR_GEOMETRY if the whole region is behind the
 * panel, ERR_STATE if the optimiser fails. */
#define RIS_WIDE_GRID 13
int ris_wide(const struct ris_model *model, double *theta) MUST_CHECK;

/* The same objective over states: each of the continuous optima rounded with 16 common offsets,
 * then coordinate descent over the elements until nothing improves; the best of all. 16 x 16
 * elements and 1 bit: about 0.4 s. */
int ris_wide_profile(const struct ris_model *model, const struct ris_states *states,
                     uint8_t *state) MUST_CHECK;

/* Codebook: one focused and quantised beam per point of the model's region, which the caller makes
 * of the centres of q x q cells. state: [points x elements]. */
int ris_codebook(const struct ris_model *model, const struct ris_states *states,
                 uint8_t *state) MUST_CHECK;

/* The region whose grid points are the centres of q x q cells of `region`. */
struct ris_region ris_region_cells(const struct ris_region *region, size_t q);
