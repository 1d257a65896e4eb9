/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * One cycle's live pilots over one surface. Plain data. */
#pragma once
#include <stdint.h>

#include "dsp/cplx.h"
#include "dsp/geometry.h"

enum { PIXEL_PROFILES_MAX = 31 };

struct pixel_pilots {
    uint64_t cycle;
    int64_t index;              /* of the schedule */
    double time_s;              /* device time */
    size_t ris;                 /* which surface */
    size_t n;                   /* profiles, each sent with its inverse */
    cplx y[PIXEL_PROFILES_MAX]; /* (y+ - y-) / 2, relative to the first arrival */
    double noise_var;           /* E|n|^2 of an entry */
    struct vec3 position;       /* of the user, from the fix */
    double cov[3][3];           /* [m^2] */
};
