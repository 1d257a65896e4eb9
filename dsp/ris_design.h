/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Choosing RIS profiles. Phases are in rad, profile states are 0..2^bits-1 (phase 2 pi state /
 * 2^bits), both [elements] in the panel's order. Everything is deterministic and setup only.
 * docs/signal-model.md, section "RIS". */
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

/* Nearest of 2^bits phases with the common phase offset that keeps |sum row[m] Gamma_m| at point i
 * largest (all boundary offsets are tried: exact). bits 1..3. */
void ris_quantise(const struct ris_model *model, size_t i, const double *theta, unsigned bits,
                  uint8_t *state);

/* Wide beam over the model's region: soft max-min (p-norm 6 of the inverse levels) by L-BFGS with
 * analytic gradient from several starts. Returns 0, ERR_NO_MEMORY, or ERR_STATE if the optimiser
 * fails. */
int ris_wide(const struct ris_model *model, double *theta) MUST_CHECK;

/* The same objective over states: best common offset of theta, then coordinate descent over the
 * elements until nothing improves. bits 1..3. */
int ris_wide_quantise(const struct ris_model *model, const double *theta, unsigned bits,
                      uint8_t *state) MUST_CHECK;

/* Codebook: one focused and quantised beam per point of the model's region. states: [points x
 * elements]. */
int ris_codebook(const struct ris_model *model, unsigned bits, uint8_t *states) MUST_CHECK;
