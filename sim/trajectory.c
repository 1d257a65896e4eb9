/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "sim/trajectory.h"

#include "sim/vec3.h"

struct walk {
    const struct scene_path *path;
    double length_m; /* of one pass */
};

static const double *waypoint(const struct scene_path *path, size_t i)
{
    return path->waypoints_m[i % path->n_waypoints];
}

static size_t n_legs(const struct scene_path *path)
{
    return path->n_waypoints - (path->loop ? 0 : 1);
}

static double leg_length(const struct scene_path *path, size_t leg)
{
    return vec3_distance(waypoint(path, leg), waypoint(path, leg + 1));
}

/* Position at arc length s of one pass, and its integral from 0 to s. */
static void pass_at(const struct walk *walk, double s, double position[3], double integral[3])
{
    const struct scene_path *path = walk->path;
    memset(integral, 0, 3 * sizeof *integral);
    memcpy(position, waypoint(path, 0), 3 * sizeof *position);
    for (size_t leg = 0; leg < n_legs(path); leg++) {
        double length = leg_length(path, leg), part = s < length ? s : length;
        const double *a = waypoint(path, leg), *b = waypoint(path, leg + 1);
        for (int i = 0; i < 3 && length > 0; i++) {
            position[i] = a[i] + (b[i] - a[i]) * part / length;
            integral[i] += 0.5 * (a[i] + position[i]) * part;
        }
        s -= part;
        if (s <= 0)
            return;
    }
}

/* The same for any s: laps of a loop, or standing at the ends of an open path. */
static void walk_at(const struct walk *walk, double s, double position[3], double integral[3])
{
    double total = walk->length_m, lap[3], end[3];
    if (walk->path->loop) {
        double laps = floor(s / total);
        pass_at(walk, total, end, lap);
        pass_at(walk, s - laps * total, position, integral);
        vec3_axpy(integral, laps, lap, integral);
        return;
    }
    double inside = fmin(fmax(s, 0.0), total);
    pass_at(walk, inside, position, integral);
    vec3_axpy(integral, s - inside, position, integral);
}

static void leg_velocity(const struct walk *walk, double s, double velocity[3])
{
    const double step = 1e-6;
    double a[3], b[3], unused[3];
    walk_at(walk, s, a, unused);
    walk_at(walk, s + step, b, unused);
    vec3_sub(b, a, velocity);
    if (vec3_unit(velocity) > 0)
        for (int i = 0; i < 3; i++)
            velocity[i] *= walk->path->speed_mps;
}

static bool behind_a_wall(const struct scene_user *user, double since_s)
{
    size_t ends = 0;
    while (ends < user->n_away && since_s >= user->away_s[ends])
        ends++;
    return ends % 2 == 1;
}

void trajectory_at(const struct scene_user *user, double time_s, struct trajectory_point *out)
{
    memset(out, 0, sizeof *out);
    if (time_s < user->enter_s || behind_a_wall(user, time_s - user->enter_s))
        return;
    struct walk walk = {.path = &user->paths[user->path_index]};
    for (size_t leg = 0; leg < n_legs(walk.path); leg++)
        walk.length_m += leg_length(walk.path, leg);
    double speed = walk.path->speed_mps, s = speed * (time_s - user->enter_s);
    double window = speed * user->smooth_s, ahead[3], behind[3], from[3], to[3];
    out->present = true;
    if (walk.length_m <= 0 || window <= 0) {
        walk_at(&walk, s, out->position_m, ahead);
        if (walk.length_m > 0)
            leg_velocity(&walk, s, out->velocity_mps);
        return;
    }
    /* The mean over the window is exact through the integral; its derivative is the chord. */
    walk_at(&walk, s + window / 2, to, ahead);
    walk_at(&walk, s - window / 2, from, behind);
    for (int i = 0; i < 3; i++) {
        out->position_m[i] = (ahead[i] - behind[i]) / window;
        out->velocity_mps[i] = speed * (to[i] - from[i]) / window;
    }
}
