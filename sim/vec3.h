/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Three-vectors of doubles. */
#pragma once
#include <math.h>
#include <string.h>

static inline double vec3_dot(const double a[3], const double b[3])
{
    return a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
}

static inline double vec3_norm(const double a[3])
{
    return sqrt(vec3_dot(a, a));
}

static inline void vec3_sub(const double a[3], const double b[3], double out[3])
{
    for (int i = 0; i < 3; i++)
        out[i] = a[i] - b[i];
}

/* out = a + scale * b */
static inline void vec3_axpy(const double a[3], double scale, const double b[3], double out[3])
{
    for (int i = 0; i < 3; i++)
        out[i] = a[i] + scale * b[i];
}

static inline void vec3_cross(const double a[3], const double b[3], double out[3])
{
    double r[3] = {a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]};
    memcpy(out, r, sizeof r);
}

static inline double vec3_distance(const double a[3], const double b[3])
{
    double d[3];
    vec3_sub(a, b, d);
    return vec3_norm(d);
}

/* Scales to length 1; returns the length it had, 0 for a null vector, which stays as it is. */
static inline double vec3_unit(double a[3])
{
    double length = vec3_norm(a);
    for (int i = 0; length > 0 && i < 3; i++)
        a[i] /= length;
    return length;
}
