/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What the known walls do to the lengths of a user of whom a fix says roughly where it is: mean and
 * rms of dsp/wall_error.h over the place and four around it, at 0.6 of the half axes of the 95 %
 * ellipse, which is as far as the fix is spread. What a profile shows (dsp/wall_light.h) changes
 * within decimetres, and a length that is off because it was dark makes a place where it is bright.
 * docs/signal-model.md, section "Position". */
#pragma once
#include "dsp/wall_error.h"
#include "dsp/wall_light.h"

struct wall_shift_view {
    const struct wall_error *error;
    struct wall_light *light[2]; /* of both surfaces; their scratch is used */
    const cplx *gamma[2];        /* [elements] of both profiles */
};

/* RT-safe. Of a row by a surface over those of the places that are in front of it; zero where none
 * is, and for the height. */
void wall_shift_expect(const struct wall_shift_view *view, const struct fix *fix,
                       struct wall_shift out[ROW_COUNT]);
