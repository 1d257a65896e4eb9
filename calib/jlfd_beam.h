/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The default estimator: joint variable projection with beam search. Agnostic start, beam search in
 * its tangent plane, the best leaves refined jointly (position, gain and all coefficients free),
 * the best of them by its score (Occam factor) touches the next tangent plane. While the residual
 * does not explain the data the beam widens tenfold, up to the last width. Then the polish, and
 * coefficients beyond the unit disc are held on it. docs/calibration.md. */
#pragma once
#include "calib/agnostic.h"
#include "calib/beam.h"
#include "calib/jlfd_score.h"

struct jlfd_beam_cfg {
    size_t first_width; /* >= 1; 0: 5 */
    size_t last_width;  /* >= first_width; 0: 3000, or what 128 MB hold */
};

struct jlfd_beam;

/* Setup only; one workspace per thread, the model must outlive it. NULL when memory is short. */
struct jlfd_beam *jlfd_beam_create(const struct pixel_model *model,
                                   const struct jlfd_beam_cfg *cfg);
void jlfd_beam_destroy(struct jlfd_beam **ws);

/* RT-safe: no allocation. Failures found are relative to data->mask: a known pixel is listed only
 * if it differs. Returns 0, ERR_ARG (y not finite, noise_var not positive) or ERR_GEOMETRY. */
int jlfd_beam_run(struct jlfd_beam *ws, const struct jlfd_data *data,
                  struct pixel_estimate *out) MUST_CHECK;

/* The tangent planes of the last run. */
const struct jlfd_path *jlfd_beam_path(const struct jlfd_beam *ws);

/* The same from a position known beforehand (u, v, q): no coarse search. */
int jlfd_beam_run_from(struct jlfd_beam *ws, const struct jlfd_data *data, const double uvq[3],
                       struct pixel_estimate *out) MUST_CHECK;
