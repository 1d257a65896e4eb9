/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A recorded train of pilots becomes one complex value per profile: the surface's path gated by its
 * delay relative to the first arrival, each pilot relative to its own first-arrival tap (which
 * removes phase noise, drift and the radios' clocks), half the difference of a profile and its
 * inverse (which removes every path that does not step), and the antennas combined by their
 * principal vector (MRC without knowing the channel). docs/calibration.md, "Live". */
#pragma once
#include "calib/pixel_pilots.h"
#include "host/bs_config.h"
#include "host/report.h"

struct pilot_extract;

/* Setup only. NULL: says why. */
struct pilot_extract *pilot_extract_create(const struct bs_cfg *cfg, const struct schedule *s,
                                           struct status *err);
void pilot_extract_destroy(struct pilot_extract **extract);

/* DSP thread, RT-safe; budget 6 ms in profile lab. report: the finished cycle of the same index.
 * ERR_STATE: the cycle has no undisturbed fix, or the block has a gap; ERR_NO_PEAK: no train where
 * the answer says it should be. */
int pilot_extract_run(struct pilot_extract *extract, const struct block *block,
                      const struct cycle_report *report, struct pixel_pilots *out) MUST_CHECK;
