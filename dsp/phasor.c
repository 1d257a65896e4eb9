/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "dsp/phasor.h"
#include <math.h>

enum { BLOCK = 32 }; /* values that share their first phasor */

static void sine(double cycles, double *re, double *im)
{
    double phase = 2 * PI * (cycles - floor(cycles));
    *re = cos(phase);
    *im = sin(phase);
}

cplxf phasor(double cycles)
{
    double re, im;
    sine(cycles, &re, &im);
    return CMPLXF((float)re, (float)im);
}

/* exp(j (a + b)) = exp(j a) exp(j b): a from block to block, b within one. */
void phasor_ramp(double first, double step, size_t n, cplxf *out)
{
    double re[BLOCK], im[BLOCK];
    for (size_t i = 0; i < BLOCK; i++)
        sine((double)i * step, &re[i], &im[i]);
    for (size_t b = 0; b < n; b += BLOCK) {
        double c, s;
        float *to = (float *)(out + b);
        size_t len = n - b < BLOCK ? n - b : BLOCK;
        sine(first + (double)b * step, &c, &s);
        for (size_t i = 0; i < len; i++) {
            to[2 * i] = (float)(c * re[i] - s * im[i]);
            to[2 * i + 1] = (float)(c * im[i] + s * re[i]);
        }
    }
}
