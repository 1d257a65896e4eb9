/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "dsp/wall_shift.h"

#include <assert.h>
#include <math.h>

enum { SPOTS = 5 };
static const double reach = 0.6; /* of the half axes */

static void lay_spots(const struct fix *fix, struct vec3 spot[SPOTS])
{
    struct ellipse e;
    fix_ellipse95(fix, &e);
    const double c = cos(e.angle_rad), s = sin(e.angle_rad);
    const double x[SPOTS] = {0, e.major_m * c, -e.major_m * c, -e.minor_m * s, e.minor_m * s},
                 y[SPOTS] = {0, e.major_m * s, -e.major_m * s, e.minor_m * c, -e.minor_m * c};
    for (size_t k = 0; k < SPOTS; k++)
        spot[k] = vec3_add(fix->position, (struct vec3){reach * x[k], reach * y[k], 0});
}

/* Of L1..L3 and A1..A3. */
static double light_of(enum fix_row row, const double light[2])
{
    const size_t by = row % ROW_A1;
    return by == ROW_L2 || by == ROW_L3 ? light[by - ROW_L2] : 1;
}

static struct wall_shift over(const struct wall_shift *shift, size_t n)
{
    const double weight = 1.0 / (double)n;
    double mean = 0, square = 0;
    for (size_t i = 0; i < n; i++) {
        mean += weight * shift[i].mean_m;
        square += weight * shift[i].sigma_m * shift[i].sigma_m;
    }
    return (struct wall_shift){mean, sqrt(square)};
}

void wall_shift_expect(const struct wall_shift_view *view, const struct fix *fix,
                       struct wall_shift out[ROW_COUNT])
{
    assert(view && fix && out);
    struct vec3 spot[SPOTS];
    double light[SPOTS][2];
    lay_spots(fix, spot);
    for (size_t k = 0; k < SPOTS; k++)
        for (size_t i = 0; i < 2; i++)
            light[k][i] = wall_light_at(view->light[i], view->gamma[i], spot[k]);
    for (enum fix_row row = ROW_L1; row < ROW_COUNT; row++) {
        struct wall_shift there[SPOTS];
        size_t n = 0;
        for (size_t k = 0; k < SPOTS; k++)
            n += wall_error_at(view->error, row, spot[k], light_of(row, light[k]), &there[n]);
        out[row] = over(there, n);
    }
}
