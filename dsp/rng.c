/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "dsp/rng.h"
#include <math.h>

uint64_t rng_next(struct rng *rng)
{
    uint64_t z = (rng->state += 0x9E3779B97F4A7C15u);
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return z ^ (z >> 31);
}

double rng_u01(struct rng *rng)
{
    return (double)(rng_next(rng) >> 11) * 0x1p-53;
}

void rng_normal2(struct rng *rng, double out[2])
{
    double u = (double)((rng_next(rng) >> 11) + 1) * 0x1p-53; /* (0, 1]: the logarithm is finite */
    double r = sqrt(-2 * log(u));
    double t = 2 * PI * rng_u01(rng);
    out[0] = r * cos(t);
    out[1] = r * sin(t);
}

cplx rng_cn(struct rng *rng)
{
    double n[2];
    rng_normal2(rng, n);
    return CMPLX(n[0] * sqrt(0.5), n[1] * sqrt(0.5));
}
