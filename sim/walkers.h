/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Users that a scene does not list: as the first one, but for an ID, a radio, a height and a way of
 * their own, named "drawn", from the scene's seed. Setup only. */
#pragma once
#include "sim/scene.h"

/* As many users as wanted, 1..SCENE_MAX_USERS: those beyond are left out, missing ones are drawn.
 * Walker i has draws of its own, so that a larger crowd begins as a smaller one. ERR_ARG: the scene
 * lists none to begin with. */
int walkers_complete(struct scene *scene, const char *file, size_t wanted,
                     struct status *err) MUST_CHECK;
