/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The pilots of a recording as calibration datasets, a file for each surface that has some. */
#pragma once
#include "calib/pixel_pilots.h"
#include "host/replay.h"

struct export_pilots;

/* NULL: says why. */
struct export_pilots *export_pilots_create(const struct replay *replay, struct status *err);
void export_pilots_destroy(struct export_pilots **pilots);

void export_pilots_add(struct export_pilots *pilots, const struct pixel_pilots *train);
/* PREFIX-pixels-NAME.h5 for the board NAME, replaced; a line of each on stdout, and where no train
 * could be used, a warning. ERR_IO, ERR_NO_MEMORY. */
int export_pilots_write(struct export_pilots *pilots, const char *prefix,
                        struct status *err) MUST_CHECK;
