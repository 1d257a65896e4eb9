/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Figures of surfaces through gnuplot, always with their numbers beside as CSV. Setup only. */
#pragma once
#include "dsp/ris_model.h"
#include "frames/ris_profile.h"

/* PREFIX.csv, and PREFIX.png and PREFIX.svg if gnuplot is there: levels [n_x x n_y] of the region's
 * lowest height, x fastest. title NULL: the CSV alone. Returns 0, ERR_NOT_FOUND when only the CSV
 * could be made (gnuplot is absent: *err has the cure), ERR_IO. */
int ris_plot_levels(const char *prefix, const char *title, const struct ris_region *region,
                    const double *level_db, struct status *err) MUST_CHECK;

/* The same of a pattern: column, row, state; PNG only. */
int ris_plot_pattern(const char *prefix, const char *title, struct ris_shape shape,
                     const uint8_t *pattern, struct status *err) MUST_CHECK;
