/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Complex sample types and the three constants that every formula needs. */
#pragma once
#include <complex.h>
#include <stdint.h>

/* glibc offers these two to gcc alone. */
#ifndef CMPLX
#define CMPLX(re, im)  __builtin_complex((double)(re), (double)(im))
#define CMPLXF(re, im) __builtin_complex((float)(re), (float)(im))
#endif

typedef float complex cplxf;
typedef double complex cplx;

/* One received or transmitted sample as the radio carries it, full scale 32767. */
struct sc16 {
    int16_t i, q;
};

#define SPEED_OF_LIGHT 299792458.0
#define PI 3.14159265358979323846

static inline float cplxf_norm(cplxf z)
{
    return crealf(z) * crealf(z) + cimagf(z) * cimagf(z);
}

static inline double cplx_norm(cplx z)
{
    return creal(z) * creal(z) + cimag(z) * cimag(z);
}
