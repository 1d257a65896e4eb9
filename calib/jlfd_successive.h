/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Successive estimators, [S2] Algorithm 2: one more pixel is declared at a time, until no failure
 * wins over "no further failure".
 *   PUBLISHED  position and gain against coefficients in turn, MAP stop: the baseline, for what
 *              it is (stuck for 4-14 % of masks at T = 20, alarms on 15-35 % of healthy surfaces)
 *   OCCAM      the same with the sweep on the unit disc and the Laplace (Occam) factor
 *   JOINT      joint variable projection after each declaration: a beam of one */
#pragma once
#include "calib/agnostic.h"
#include "calib/jlfd_sweep.h"

enum jlfd_successive_kind { SUCCESSIVE_PUBLISHED, SUCCESSIVE_OCCAM, SUCCESSIVE_JOINT };

/* What was declared, why, and where that led. */
struct jlfd_step {
    size_t best, second;
    double delta, delta_second;
    struct varpro_fit fit; /* after the update; not set when delta >= 0 (the end) */
};

struct jlfd_successive;

/* Setup only; one workspace per thread, the model must outlive it. NULL when memory is short. */
struct jlfd_successive *jlfd_successive_create(const struct pixel_model *model,
                                               enum jlfd_successive_kind kind);
void jlfd_successive_destroy(struct jlfd_successive **ws);

/* RT-safe. Returns 0, ERR_ARG (noise_var not positive) or ERR_GEOMETRY. */
int jlfd_successive_run(struct jlfd_successive *ws, const struct jlfd_data *data,
                        struct pixel_estimate *out) MUST_CHECK;

/* The declared pixels of the last run. */
const struct jlfd_path *jlfd_successive_path(const struct jlfd_successive *ws);

/* The steps of the last run, *n of them. */
const struct jlfd_step *jlfd_successive_steps(const struct jlfd_successive *ws, size_t *n);
