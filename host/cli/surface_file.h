/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The scenario of kinds pattern, beamwidth, coverage, map and runtime as settings. docs/sweeps.md
 * lists the keys. */
#pragma once
#include "base/config.h"
#include "calib/surface_trial.h"

/* Defaults and sets. Errors as config_load. */
int surface_file_read(const struct config_sets *sets, struct surface_trial *out,
                      struct status *err) MUST_CHECK;
