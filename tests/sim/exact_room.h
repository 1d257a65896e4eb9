/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The room's physics once more, written for the tests as one plain sum per frequency, sharing no
 * code with sim/. Slow and exact. */
#pragma once
#include <complex.h>
#include <math.h>
#include <string.h>

#include "sim/scene.h"

struct exact_end {
    const double *at;
    const double *axis; /* NULL: isotropic */
    double gain;        /* of power, on the axis */
    double floor;       /* < 0: an element, whose power goes with the cosine */
};

static inline double exact_gain(const struct exact_end *end, const double to[3])
{
    if (!end->axis)
        return 1;
    double dot = 0, r2 = 0, a2 = 0;
    for (int i = 0; i < 3; i++) {
        dot += (to[i] - end->at[i]) * end->axis[i];
        r2 += (to[i] - end->at[i]) * (to[i] - end->at[i]);
        a2 += end->axis[i] * end->axis[i];
    }
    double cosine = dot / sqrt(r2 * a2);
    if (end->floor >= 0)
        return sqrt(end->gain) * (cosine > end->floor ? cosine : end->floor);
    return cosine > 0 ? sqrt(end->gain * cosine) : 0;
}

/* One hop at frequency f: line of sight and six images. */
static inline double complex exact_hop(const struct scene *s, const struct exact_end *a,
                                       const struct exact_end *b, double f)
{
    const double c = 299792458.0;
    double complex sum = 0;
    for (int image = -1; image < 6; image++) {
        double a_seen[3], b_seen[3], factor = 1, r2 = 0;
        memcpy(a_seen, a->at, sizeof a_seen);
        memcpy(b_seen, b->at, sizeof b_seen);
        if (image >= 0) {
            double wall = image & 1 ? s->room_max_m[image >> 1] : s->room_min_m[image >> 1];
            a_seen[image >> 1] = wall + (wall - a_seen[image >> 1]);
            b_seen[image >> 1] = wall + (wall - b_seen[image >> 1]);
            factor = s->wall_factor[image];
        }
        for (int i = 0; i < 3; i++)
            r2 += (a_seen[i] - b->at[i]) * (a_seen[i] - b->at[i]);
        double r = sqrt(r2);
        sum += factor * c / s->carrier_hz / (4 * M_PI * r) * exact_gain(a, b_seen) *
               exact_gain(b, a_seen) * cexp(-2 * M_PI * I * f * r / c);
    }
    return sum;
}

static inline struct exact_end exact_antenna(const struct scene *s, const double *at)
{
    return (struct exact_end){at, s->bs_antenna.boresight, s->bs_antenna.peak_power_gain,
                              s->bs_antenna.floor};
}

/* By a surface: sum over the elements of both hops and the coefficient, never conjugated. */
static inline double complex exact_surface(const struct scene *s, int k, const uint8_t *states,
                                           const struct exact_end *a, const struct exact_end *b,
                                           double f)
{
    const struct scene_ris *ris = &s->ris[k];
    double n[3] = {ris->normal[0], ris->normal[1], ris->normal[2]};
    double lambda = 299792458.0 / s->carrier_hz, d = ris->spacing_m;
    double x[3] = {-n[1], n[0], 0}; /* up cross normal, for a horizontal normal */
    double complex sum = 0;
    for (int row = 0; row < ris->rows; row++)
        for (int column = 0; column < ris->columns; column++) {
            double across = (column - 0.5 * (ris->columns - 1)) * d;
            double up = (row - 0.5 * (ris->rows - 1)) * d;
            double at[3] = {ris->position_m[0] + across * x[0], ris->position_m[1] + across * x[1],
                            ris->position_m[2] + up};
            struct exact_end element = {at, n, 4 * M_PI * d * d / (lambda * lambda), -1};
            double phase = 2 * M_PI * states[row * ris->columns + column] / (1 << ris->bits);
            sum += exact_hop(s, a, &element, f) * cexp(I * phase) * exact_hop(s, &element, b, f);
        }
    return sum * pow(10, -ris->loss_db / 20);
}
