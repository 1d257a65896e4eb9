/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A simulated experiment on broken pixels with all that evaluates it: model, estimators, bounds.
 * What depends on surface and profiles alone is kept from trial to trial. */
#pragma once
#include "calib/bounds.h"
#include "calib/experiment.h"
#include "calib/pixel_method.h"
#include "calib/scenario.h"

struct rig;

/* Setup only. NULL when memory is short. */
struct rig *rig_create(const struct experiment_cfg *cfg);
void rig_destroy(struct rig **rig);
const struct experiment_cfg *rig_cfg(const struct rig *rig);

/* Draws the scenario's trial. ERR_ARG, ERR_NO_MEMORY or ERR_GEOMETRY with the reason. */
int rig_load(struct rig *rig, const struct scenario *scenario, struct status *err) MUST_CHECK;

/* Of what is loaded; valid until the next load. The truth is in the frame of the RIS. */
const struct dataset *rig_data(const struct rig *rig);
struct vec3 rig_truth(const struct rig *rig);

/* All NaN where the bounds do not exist. cfg.bounds only. */
struct bounds rig_bounds(struct rig *rig);

/* False: this method found no position at all. */
bool rig_solve(struct rig *rig, enum pixel_method method, struct pixel_estimate *out);
size_t rig_path(const struct rig *rig, enum pixel_method method, struct vec3 *place, size_t max);
