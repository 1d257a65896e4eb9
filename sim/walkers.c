/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "sim/walkers.h"
#include "base/log.h"
#include "sim/draw.h"
#include <stdio.h>
#include <string.h>

enum { CORNERS = 6, DRAWS = 32 /* of one walker */ };

/* The inner half of the room, which the surfaces light, on each axis. */
static void draw_way(const struct scene *scene, size_t i, struct scene_path *path)
{
    const uint64_t at = (uint64_t)i * DRAWS;
    *path = (struct scene_path){.loop = true, .n_waypoints = CORNERS};
    snprintf(path->name, sizeof path->name, "drawn");
    path->speed_mps = 0.4 + 0.8 * draw_uniform(scene->seed, DRAW_WALKER, at);
    const double height_m = 0.9 + 0.8 * draw_uniform(scene->seed, DRAW_WALKER, at + 1);
    for (uint64_t c = 0; c < CORNERS; c++) {
        for (uint64_t axis = 0; axis < 2; axis++) {
            const double low = scene->room_min_m[axis], size = scene->room_max_m[axis] - low;
            const double u = draw_uniform(scene->seed, DRAW_WALKER, at + 2 + 2 * c + axis);
            path->waypoints_m[c][axis] = low + size * (0.25 + 0.5 * u);
        }
        path->waypoints_m[c][2] = scene->room_min_m[2] + height_m;
    }
}

static bool is_taken(const struct scene *scene, size_t n, int id)
{
    for (size_t i = 0; i < n; i++)
        if (scene->users[i].id == id)
            return true;
    return false;
}

static void draw_walker(struct scene *scene, size_t i)
{
    struct scene_user *user = &scene->users[i];
    *user = scene->users[0];
    user->id = (int)i + 1;
    while (is_taken(scene, i, user->id))
        user->id++;
    snprintf(user->radio, sizeof user->radio, "ue%zu", i + 1);
    user->path[0] = '\0';
    user->n_paths = 1;
    draw_way(scene, i, &user->paths[0]);
}

int walkers_complete(struct scene *scene, const char *file, size_t wanted, struct status *err)
{
    if (scene->n_users == 0)
        return status_set(err, ERR_ARG,
                          "%s: lists no user that others could be drawn after; list one", file);
    for (size_t i = scene->n_users; i < wanted; i++)
        draw_walker(scene, i);
    scene->n_users = wanted;
    return OK;
}
