/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Where a user is at a room time: constant speed along a polyline, optionally averaged over a time
 * window, which rounds the corners as a walker does. */
#pragma once
#include "sim/scene.h"

struct trajectory_point {
    bool present;
    double position_m[3];
    double velocity_mps[3];
};

/* Pure function of the scene and the time. Absent (all zero) before the user enters and
 * behind a wall, where the walk goes on unseen. */
void trajectory_at(const struct scene_user *user, double time_s, struct trajectory_point *out);
