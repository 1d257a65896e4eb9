/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What does not change while the daemon runs, told to whoever draws it: room, antennas, surfaces,
 * users, when what happens in a cycle, and what each profile of a surface looks like. */
#pragma once
#include "host/bs_config.h"
#include "host/profile_set.h"
#include <jansson.h>

struct control_scene {
    const struct bs_cfg *cfg; /* all borrowed */
    const struct schedule *schedule;
    const struct profile_set *profiles; /* [BS_RIS] */
};

/* Answer to {"cmd":"describe"}; the caller owns it. NULL: out of memory. */
json_t *control_scene_describe(const struct control_scene *scene);

/* Answer to {"cmd":"pattern","surface":NAME,"profile":N}: state of each element, row by row, one
 * hex digit each. NULL: no such surface or profile, says so in *err. */
json_t *control_scene_pattern(const struct control_scene *scene, const json_t *args,
                              struct status *err);

/* Number of the surface of this name, or ERR_NOT_FOUND with the names that there are. */
int control_scene_surface(const struct bs_cfg *cfg, const char *name,
                          struct status *err) MUST_CHECK;
