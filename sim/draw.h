/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Random draws of the room that depend on nothing but a key: the same (seed, purpose, index) gives
 * the same number in any order of calls. */
#pragma once
#include <math.h>
#include <stdint.h>

enum draw_purpose {
    DRAW_CLUTTER = 1,
    DRAW_CLUTTER_RCS = 2,
    DRAW_FADING = 3,
    DRAW_WALKER = 4,
};

static inline uint64_t draw_mix(uint64_t z)
{
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ull;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBull;
    return z ^ (z >> 31);
}

static inline uint64_t draw_bits(uint64_t seed, enum draw_purpose purpose, uint64_t index)
{
    uint64_t key = draw_mix(seed + 0x9E3779B97F4A7C15ull * (uint64_t)purpose);
    return draw_mix(key + 0x9E3779B97F4A7C15ull * (index + 1));
}

/* Uniform in [0, 1). */
static inline double draw_uniform(uint64_t seed, enum draw_purpose purpose, uint64_t index)
{
    return (double)(draw_bits(seed, purpose, index) >> 11) * 0x1p-53;
}

/* Two independent standard normals; uses indices 2 index and 2 index + 1 of the purpose. */
static inline void draw_normal_pair(uint64_t seed, enum draw_purpose purpose, uint64_t index,
                                    double out[2])
{
    double u = 1.0 - draw_uniform(seed, purpose, 2 * index);
    double angle = 6.283185307179586 * draw_uniform(seed, purpose, 2 * index + 1);
    double radius = sqrt(-2.0 * log(u));
    out[0] = radius * cos(angle);
    out[1] = radius * sin(angle);
}
