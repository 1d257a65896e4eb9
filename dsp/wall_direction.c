/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "dsp/wall_direction.h"

#include "dsp/cplx.h"

#include <assert.h>
#include <math.h>

static double sinc(double x)
{
    return fabs(x) < 1e-9 ? 1 : sin(PI * x) / (PI * x);
}

static double sine_of(const struct wall_map *map, struct vec3 axis, struct vec3 from)
{
    return vec3_sine(vec3_sub(from, map->anchors.rx), axis, NULL);
}

/* |sum_m x_m exp(j 2 pi x_m s)|^2 */
static double leverage(const double *x, size_t n, double s)
{
    cplx sum = 0;
    for (size_t m = 0; m < n; m++)
        sum += x[m] * cexp(I * 2 * PI * x[m] * s);
    return cplx_norm(sum);
}

double wall_direction_sigma(const struct wall_map *map, struct vec3 u, struct vec3 axis,
                            const double *x, size_t n, double bandwidth_hz)
{
    assert(map && x && n >= 2 && bandwidth_hz > 0);
    const double sine = sine_of(map, axis, u), direct_m = vec3_dist(u, map->anchors.rx);
    struct wall_paths paths;
    double square = 0, sum = 0;
    wall_paths_list(map, WALL_ANSWER, u, &paths);
    for (size_t i = 0; i < paths.n; i++) {
        const size_t way = paths.way[i].first;
        if (way == 0)
            continue;
        const double off = sine_of(map, axis, wall_map_image(map, u, way)) - sine,
                     lobe = sinc(bandwidth_hz / SPEED_OF_LIGHT * (paths.length_m[i] - direct_m));
        sum += 0.5 * paths.power[i] * lobe * lobe * leverage(x, n, off);
    }
    for (size_t m = 0; m < n; m++)
        square += x[m] * x[m];
    return sqrt(sum) / (2 * PI * square);
}
