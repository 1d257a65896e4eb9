/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Kind runtime, [S1] III-F: calib/runtime_trial.h by this thread's processor clock. The one kind
 * whose figures no run repeats exactly. */
#pragma once
#include "calib/experiment.h"

/* Its scenario is a struct surface_trial. */
extern const struct experiment_kind experiment_runtime;
