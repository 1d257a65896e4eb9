/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* Place of the vertex of the parabola through values at -1, 0, +1; 0 where they do not bend down.
 */
static inline double vertex(double before, double at, double after)
{
    const double bend = before - 2 * at + after;
    return bend < 0 ? 0.5 * (before - after) / bend : 0;
}
