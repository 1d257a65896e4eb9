/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A simulated experiment as YAML. docs/calibration.md lists the keys; every one has a default. */
#pragma once
#include "base/config.h"
#include "calib/scenario.h"

struct scenario_file {
    struct scenario scenario; /* points into this struct */
    size_t failed[PIXEL_MAX_FAILURES];
    cplx coefficient[PIXEL_MAX_FAILURES];
};

/* path NULL: defaults and sets alone. Errors as config_load, with line and column. */
int scenario_file_read(const char *path, const struct config_sets *sets, struct scenario_file *out,
                       struct status *err) MUST_CHECK;
