/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Clipping of received samples: many of them share the same greatest value. */
#pragma once
#include "dsp/cplx.h"
#include <stdbool.h>
#include <stddef.h>

/* RT-safe, 0.3 ns a sample: looks at 1024 samples of every 8192. True when more than 1 in 500 of
 * the components looked at has the greatest magnitude that occurs, and that is at least 1024 (a
 * converter's limit need not be full scale, but quiet noise repeats its greatest value too), or
 * when more than 8 are at full scale. */
bool clip_found(const struct sc16 *x, size_t n);
