/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What a base station without a radio is made of. What cannot be made fails the test. */
#pragma once
#include "host/pipeline.h"

/* yaml: the whole configuration. */
void base_rig_configure(const char *yaml, struct bs_cfg *cfg, struct schedule *schedule);
/* Of a surface of 16 x 16 elements of one bit, all in the same state; its hash tells it from the
 * other's. */
const struct profile_set *base_rig_profile(size_t surface);
/* cfg->profiles: those. */
struct pipeline *base_rig_pipeline(const struct pipeline_cfg *cfg);
/* FOLDER/user-ID.key */
void base_rig_key_file(const char *folder, int user);
