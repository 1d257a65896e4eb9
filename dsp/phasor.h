/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Unit phasors, the exponentials that carrier and clock offsets multiply by. RT-safe, no state. */
#pragma once
#include "dsp/cplx.h"
#include <stddef.h>

/* exp(j 2 pi cycles) */
cplxf phasor(double cycles);

/* out[i] = exp(j 2 pi (first + i step)), i < n, all in cycles; within 1e-7 of the exact value for n
 * up to 1e6. One sine in 32: 1 ns a value against 25. */
void phasor_ramp(double first, double step, size_t n, cplxf *out);
