/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Broken pixels of the room's surfaces: what an element does instead of what its board was told.
 * The board knows nothing of it; its read-back returns its memory. Pure functions of room time, so
 * a run that is repeated breaks alike. RT-safe. */
#pragma once
#include <complex.h>

#include "sim/scene.h"

/* Health of one element: its coefficient is factor times the commanded one, or, when stuck >= 0,
 * factor times that state's whatever is commanded. Healthy: 1, -1. */
struct pixel {
    double complex factor;
    int stuck;
};

/* States of all elements at a time, [columns * rows]. Where failures overlap, the one listed last
 * wins. Returns the number of broken ones. */
size_t pixels_at(const struct scene_ris *ris, double time_s, struct pixel *out);

/* First time after time_s at which anything of that surface breaks or heals, INFINITY: never. */
double pixels_next(const struct scene_ris *ris, double time_s);

/* What a calibration should find: the part of the coefficient that follows the command, 1 healthy,
 * 0 stuck or dead. */
static inline double complex pixel_mask(const struct pixel *pixel)
{
    return pixel->stuck >= 0 ? 0 : pixel->factor;
}

/* Elements or states that the surface does not have: ERR_ARG with the cure. what leads the message.
 */
int pixels_check(const struct scene_ris *ris, const char *what, struct status *err) MUST_CHECK;
