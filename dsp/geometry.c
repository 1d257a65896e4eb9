/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "dsp/geometry.h"

#include <assert.h>
#include <stdio.h>

struct vec3 vec3_unit(struct vec3 a)
{
    double r = vec3_norm(a);
    return r > 0 ? vec3_scale(a, 1 / r) : a;
}

double vec3_sine(struct vec3 to, struct vec3 axis, struct vec3 *gradient)
{
    const double r = vec3_norm(to), sine = vec3_dot(to, axis) / r;
    if (gradient)
        *gradient = vec3_scale(vec3_sub(axis, vec3_scale(to, sine / r)), 1 / r);
    return sine;
}

bool room_contains(const struct room_box *room, struct vec3 p, double margin_m)
{
    assert(room);
    return p.x >= room->min.x - margin_m && p.x <= room->max.x + margin_m &&
           p.y >= room->min.y - margin_m && p.y <= room->max.y + margin_m &&
           p.z >= room->min.z - margin_m && p.z <= room->max.z + margin_m;
}

struct vec3 room_image(const struct room_box *room, struct vec3 p, size_t i)
{
    const struct vec3 *wall = i % 2 ? &room->min : &room->max;
    assert(i < ROOM_IMAGES);
    if (i == 0)
        return p;
    if (i <= 2)
        p.x = 2 * wall->x - p.x;
    else if (i <= 4)
        p.y = 2 * wall->y - p.y;
    else
        p.z = 2 * wall->z - p.z;
    return p;
}

/* Ratio of the singular values of [a2 b2; a3 b3], the plan vectors from the BS to the two panels:
 * the eigenvalues of M M^T are (t +- sqrt(t^2 - 4 D^2)) / 2. */
static double plan_condition(struct vec3 bs, const struct vec3 ris[2])
{
    struct vec3 a = vec3_sub(ris[0], bs), b = vec3_sub(ris[1], bs);
    double det = a.x * b.y - a.y * b.x;
    double t = a.x * a.x + a.y * a.y + b.x * b.x + b.y * b.y;
    double root = sqrt(fmax(0, t * t - 4 * det * det));
    return det != 0 ? (t + root) / (2 * fabs(det)) : INFINITY;
}

/* A swap of L2 and L3 mirrors the solution when both panels are equally far from the BS and equally
 * high: then no residual betrays it. */
static bool is_mirror_symmetric(struct vec3 bs, const struct vec3 ris[2])
{
    double far = vec3_dist(bs, ris[0]) - vec3_dist(bs, ris[1]);
    return fabs(far) < GEOMETRY_MIRROR_TOLERANCE &&
           fabs(ris[0].z - ris[1].z) < GEOMETRY_MIRROR_TOLERANCE;
}

static int refuse(struct status *err, int code)
{
    err->code = code;
    return code;
}

int geometry_check(const struct anchors *anchors, const struct room_box *room,
                   struct geometry_report *report, struct status *err)
{
    assert(anchors && room && report && err);
    static const char *const names[] = {"TX", "RX", "RIS1", "RIS2"};
    const struct vec3 points[] = {anchors->tx, anchors->rx, anchors->ris[0], anchors->ris[1]};
    struct vec3 bs = anchors_bs(anchors);

    *err = (struct status){.code = OK};
    report->condition = plan_condition(bs, anchors->ris);
    report->mirror_symmetric = is_mirror_symmetric(bs, anchors->ris);
    for (size_t i = 0; i < 4; i++) {
        if (room_contains(room, points[i], 0))
            continue;
        snprintf(err->text, sizeof err->text,
                 "%s at (%.2f, %.2f, %.2f) is outside the room: correct its position or "
                 "room.min_m/max_m",
                 names[i], points[i].x, points[i].y, points[i].z);
        return refuse(err, ERR_GEOMETRY);
    }
    if (report->condition < GEOMETRY_MAX_CONDITION)
        return OK;
    snprintf(err->text, sizeof err->text,
             "BS, RIS1 and RIS2 are nearly collinear in plan (condition number %.3g, limit %.0f): "
             "move a RIS to another wall",
             report->condition, GEOMETRY_MAX_CONDITION);
    return refuse(err, ERR_GEOMETRY);
}

struct vec3 antenna_line_element(const struct antenna_line *line, size_t i)
{
    assert(line && i < line->n_element);
    double along = ((double)i - 0.5 * (double)(line->n_element - 1)) * line->spacing_m;
    return vec3_add(line->centre, vec3_scale(vec3_unit(line->axis), along));
}

int panel_init(struct panel *panel, const struct panel_cfg *cfg)
{
    assert(panel && cfg);
    if (cfg->columns == 0 || cfg->rows == 0 || !(cfg->spacing_m > 0))
        return ERR_ARG;
    struct vec3 z = vec3_unit(cfg->normal);
    struct vec3 x = vec3_cross(vec3_unit(cfg->up), z);
    if (!(vec3_norm(x) > 1e-6))
        return ERR_GEOMETRY;
    x = vec3_unit(x);
    *panel = (struct panel){.position = cfg->position,
                            .x = x,
                            .y = vec3_cross(z, x),
                            .z = z,
                            .columns = cfg->columns,
                            .rows = cfg->rows,
                            .spacing_m = cfg->spacing_m};
    return OK;
}

struct vec3 panel_bisector(struct vec3 panel, struct vec3 a, struct vec3 b)
{
    struct vec3 sum = vec3_add(vec3_unit(vec3_sub(a, panel)), vec3_unit(vec3_sub(b, panel)));
    return vec3_unit((struct vec3){sum.x, sum.y, 0});
}

struct vec3 panel_element(const struct panel *panel, size_t m)
{
    assert(panel && m < panel_elements(panel));
    double column = (double)(m % panel->columns) - 0.5 * (double)(panel->columns - 1);
    double row = (double)(m / panel->columns) - 0.5 * (double)(panel->rows - 1);
    struct vec3 in_face = vec3_add(vec3_scale(panel->x, column * panel->spacing_m),
                                   vec3_scale(panel->y, row * panel->spacing_m));
    return vec3_add(panel->position, in_face);
}
