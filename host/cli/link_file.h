/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The scenario of kinds location, bits and joint as settings. docs/sweeps.md lists the keys. */
#pragma once
#include "base/config.h"
#include "calib/link_trial.h"

/* Defaults and sets. Errors as config_load. */
int link_file_read(const struct config_sets *sets, struct link_trial *out,
                   struct status *err) MUST_CHECK;
