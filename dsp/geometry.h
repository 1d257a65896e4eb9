/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Where things stand: anchors of the trilateration, antenna lines, RIS panels, the room.
 * Everything is in one right-handed frame, z up, metres. Pure data and functions: RT-safe unless
 * said otherwise. docs/signal-model.md, section "Geometry". */
#pragma once
#include <math.h>
#include <stdbool.h>

#include "frames/status.h"

struct vec3 {
    double x, y, z;
};

static inline struct vec3 vec3_of(const double v[3])
{
    return (struct vec3){v[0], v[1], v[2]};
}

static inline struct vec3 vec3_add(struct vec3 a, struct vec3 b)
{
    return (struct vec3){a.x + b.x, a.y + b.y, a.z + b.z};
}

static inline struct vec3 vec3_sub(struct vec3 a, struct vec3 b)
{
    return (struct vec3){a.x - b.x, a.y - b.y, a.z - b.z};
}

static inline struct vec3 vec3_scale(struct vec3 a, double s)
{
    return (struct vec3){a.x * s, a.y * s, a.z * s};
}

static inline double vec3_dot(struct vec3 a, struct vec3 b)
{
    return a.x * b.x + a.y * b.y + a.z * b.z;
}

static inline struct vec3 vec3_cross(struct vec3 a, struct vec3 b)
{
    return (struct vec3){a.y * b.z - a.z * b.y, a.z * b.x - a.x * b.z, a.x * b.y - a.y * b.x};
}

static inline double vec3_norm(struct vec3 a)
{
    return sqrt(vec3_dot(a, a));
}

static inline double vec3_dist(struct vec3 a, struct vec3 b)
{
    return vec3_norm(vec3_sub(a, b));
}

/* a / |a|; the null vector stays null. */
struct vec3 vec3_unit(struct vec3 a);

/* Sine of the angle that a direction `to`, not null, makes with the broadside of a line of antennas
 * along the unit vector axis, and its gradient by the far end of `to` [1/m], unless NULL:
 *     s = axis . to / |to|,   gradient = (axis - s to / |to|) / |to| */
double vec3_sine(struct vec3 to, struct vec3 axis, struct vec3 *gradient);

/* The four points that every path length is made of. */
struct anchors {
    struct vec3 tx;     /* transmit antenna, the one that senses */
    struct vec3 rx;     /* centre of the receive array */
    struct vec3 ris[2]; /* centres of the panels */
};

/* Where the base station is, taken for one point: midway between its antennas. */
static inline struct vec3 anchors_bs(const struct anchors *a)
{
    return vec3_scale(vec3_add(a->tx, a->rx), 0.5);
}

struct room_box {
    struct vec3 min, max; /* min < max in every axis */
};

/* True if p is inside the box grown by margin_m on every side. */
bool room_contains(const struct room_box *room, struct vec3 p, double margin_m);

enum { ROOM_IMAGES = 7 };

/* Image i < ROOM_IMAGES of p: 0 itself, 1 + 2 axis in the room's low wall of that axis, one more in
 * the high one. */
struct vec3 room_image(const struct room_box *room, struct vec3 p, size_t i);

/* What geometry_check finds out about a placement. */
struct geometry_report {
    double condition; /* of the plan triangle (BS, RIS1, RIS2); 1 is a right isosceles corner */
    bool mirror_symmetric; /* a RIS1/RIS2 swap moves the fix but leaves chi^2 as it is: warn */
};

#define GEOMETRY_MAX_CONDITION    30.0 /* refused above: 1 cm of noise could become 30 cm */
#define GEOMETRY_MIRROR_TOLERANCE 0.3  /* [m] the two panels must differ by more than this */

/* Setup only. ERR_GEOMETRY if the anchors are nearly collinear in plan (the message carries the
 * condition number), if two anchors coincide, or if an anchor is outside the room. BS is the TX-RX
 * midpoint. *report is filled in every case. */
int geometry_check(const struct anchors *anchors, const struct room_box *room,
                   struct geometry_report *report, struct status *err) MUST_CHECK;

/* A uniform line of antennas. */
struct antenna_line {
    struct vec3 centre, axis; /* axis is normalised here; not null */
    double spacing_m;         /* > 0 */
    size_t n_element;         /* >= 1 */
};

/* Position of element i = 0..n_element-1, along +axis. */
struct vec3 antenna_line_element(const struct antenna_line *line, size_t i);

/* A rectangular RIS: its pose and its elements. Local z is the face's normal, x = up x normal, y =
 * normal x x. Element m = row * columns + column; columns count along local x, rows along local y,
 * centred on position. */
struct panel {
    struct vec3 position;
    struct vec3 x, y, z; /* orthonormal, local to global */
    size_t columns, rows;
    double spacing_m;
};

struct panel_cfg {
    struct vec3 position;   /* centre */
    struct vec3 normal, up; /* neither need be a unit vector; not parallel */
    size_t columns, rows;   /* >= 1 */
    double spacing_m;       /* > 0, both directions */
};

/* Setup only. ERR_GEOMETRY if normal and up are parallel or null, ERR_ARG for a bad count or
 * spacing. */
int panel_init(struct panel *panel, const struct panel_cfg *cfg) MUST_CHECK;

/* Horizontal bisector: the normal of a panel at `panel` that looks both at `a` and at `b`. */
struct vec3 panel_bisector(struct vec3 panel, struct vec3 a, struct vec3 b);

static inline size_t panel_elements(const struct panel *panel)
{
    return panel->columns * panel->rows;
}

/* Global position of element m. */
struct vec3 panel_element(const struct panel *panel, size_t m);
