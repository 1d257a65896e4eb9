/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The portable random generator: splitmix64 and the draws that recorded test cases share between
 * languages. Integers are exact everywhere, doubles to about 1e-15. RT-safe. */
#pragma once
#include "dsp/cplx.h"

struct rng {
    uint64_t state; /* the seed itself before the first draw */
};

static inline struct rng rng_seed(uint64_t seed)
{
    return (struct rng){seed};
}

uint64_t rng_next(struct rng *rng);

/* Uniform in [0, 1), 53 bits. One draw. */
double rng_u01(struct rng *rng);

/* Normal pair, mean 0, variance 1 each (Box-Muller). Always two draws. */
void rng_normal2(struct rng *rng, double out[2]);

/* Circular complex normal, E|z|^2 = 1. Two draws. */
cplx rng_cn(struct rng *rng);
