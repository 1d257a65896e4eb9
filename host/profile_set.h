/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The profiles that one surface uses in turn: number 0 is its base, lit while nobody is tracked;
 * with beams, one for each cell of the region follows. Plain data: made by host/bs/profiles.h, read
 * by the pipeline. */
#pragma once
#include "dsp/ris_states.h"
#include "frames/ris_profile.h"
#include <stdbool.h>

enum {
    PROFILE_BEAMS_SIDE = 5,
    PROFILES_MAX = 1 + PROFILE_BEAMS_SIDE * PROFILE_BEAMS_SIDE,
    PROFILE_BASE = 0
};

struct profile_set {
    struct ris_shape shape;
    bool plays_sequences;     /* the board does; else it shows one profile a cycle */
    struct ris_states states; /* what the elements do in a stream of coded sensing */
    size_t n;                 /* profiles, 1..PROFILES_MAX */
    size_t n_broken;          /* pixels known to be broken when the profiles were designed */
    cplx mask[RIS_SIDE_MAX * RIS_SIDE_MAX]; /* what they reflect of it; 1 healthy */
    uint8_t state[PROFILES_MAX][RIS_SIDE_MAX * RIS_SIDE_MAX];
    uint64_t hash[PROFILES_MAX];
    uint64_t hash_flipped[PROFILES_MAX]; /* with the sign of the whole profile flipped */
};

static inline size_t profile_elements(const struct profile_set *set)
{
    return (size_t)set->shape.columns * set->shape.rows;
}
