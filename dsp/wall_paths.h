/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The paths that a room with six flat walls allows between the base station, a user and a RIS: on
 * every hop the direct way or one reflection. Lengths and expected powers, no phases. RT-safe. */
#pragma once
#include "dsp/geometry.h"

struct wall_map {
    struct anchors anchors;
    struct room_box room;
    double factor[6];      /* amplitude of one reflection by face x-, x+, y-, y+, z-, z+; 0..1 */
    struct vec3 boresight; /* of the BS antennas; null: isotropic */
    struct vec3 face[2];   /* unit normal of each RIS (amplitude ~ sqrt(cos)); null: isotropic */
};

/* What cannot be in a map, or NULL. */
const char *wall_map_fault(const struct wall_map *map);

enum { WALL_PATHS_MAX = 160, WALL_HOPS = ROOM_IMAGES };

struct wall_paths {
    size_t n;
    double length_m[WALL_PATHS_MAX];
    double power[WALL_PATHS_MAX]; /* relative to the way without walls: 1 */
    struct {
        /* Way of each hop, 0 direct, 1..6 by a wall: TX-user, user-RX; TX-user, user-RIS, RIS-RX;
         * RX-user, user-RIS, RIS-TX if back; user-RX; user-RIS, RIS-RX. */
        unsigned char first, second, third;
        unsigned char back; /* RIS: 0 TX-user-RIS-RX, 1 TX-RIS-user-RX */
    } way[WALL_PATHS_MAX];
};

enum { WALL_ANSWER = 3 }; /* streams 0..2: of the burst; 3..5: of the user's own signal */

/* All paths of stream 0 (TX-user-RX), 1 or 2 (by RIS), WALL_ANSWER (user-RX), + 1 or + 2
 * (user-RIS-RX) for a user at u that carry at least 1e-3 of the power of the way without walls (by
 * a RIS, of TX-user-RIS-RX); the strongest WALL_PATHS_MAX. None where the way without walls carries
 * nothing: the user, or the BS, is behind the RIS's face. */
void wall_paths_list(const struct wall_map *map, size_t stream, struct vec3 u,
                     struct wall_paths *paths);

/* Where a hop of that way seems to come from: p itself, or its image in a wall. */
static inline struct vec3 wall_map_image(const struct wall_map *map, struct vec3 p, size_t way)
{
    return room_image(&map->room, p, way);
}

/* Path i's last hop, few as many share it: < WALL_HOPS the user's of that way, behind the RIS's. */
static inline size_t wall_paths_arrival(const struct wall_paths *paths, size_t stream, size_t i)
{
    if (stream == WALL_ANSWER || paths->way[i].back)
        return paths->way[i].first;
    if (stream == 0)
        return paths->way[i].second;
    return WALL_HOPS + (stream > WALL_ANSWER ? paths->way[i].second : paths->way[i].third);
}

/* Amplitude pattern of an antenna of the BS at a, max(cos, 0.03) about the boresight; 1 if null. */
double wall_map_gain(const struct wall_map *map, struct vec3 a, struct vec3 towards);
