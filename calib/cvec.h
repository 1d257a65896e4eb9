/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Complex vectors of a few dozen values: too short for a call into BLAS. RT-safe. */
#pragma once
#include <stddef.h>

#include "dsp/cplx.h"

/* a^H b. */
static inline cplx cvec_dot(const cplx *a, const cplx *b, size_t n)
{
    double re = 0, im = 0;
    for (size_t i = 0; i < n; i++) {
        re += creal(a[i]) * creal(b[i]) + cimag(a[i]) * cimag(b[i]);
        im += creal(a[i]) * cimag(b[i]) - cimag(a[i]) * creal(b[i]);
    }
    return CMPLX(re, im);
}

static inline double cvec_norm2(const cplx *a, size_t n)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += cplx_norm(a[i]);
    return sum;
}

static inline cplx cvec_times(cplx a, cplx b)
{
    return CMPLX(creal(a) * creal(b) - cimag(a) * cimag(b),
                 creal(a) * cimag(b) + cimag(a) * creal(b));
}

static inline void cvec_subtract(cplx *v, cplx s, const cplx *q, size_t n)
{
    for (size_t i = 0; i < n; i++)
        v[i] -= cvec_times(s, q[i]);
}
