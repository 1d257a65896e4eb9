/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Single-precision FFT plans. The only file that talks to FFTW: the planner is not thread-safe, so
 * it runs under one lock, and always with FFTW_ESTIMATE, so that two runs give the same bits. */
#pragma once
#include "dsp/cplx.h"
#include <stddef.h>

enum fft_sign { FFT_FORWARD = -1, FFT_BACKWARD = 1 }; /* of the exponent; neither scales */

struct fft;

/* The smallest power of two that holds n points, n <= 2^31. */
static inline size_t fft_size(size_t n)
{
    size_t size = 1;
    while (size < n)
        size *= 2;
    return size;
}

/* Setup only. howmany transforms of n points, one behind the other. NULL if out of memory. */
struct fft *fft_create(size_t n, size_t howmany, enum fft_sign sign);
void fft_destroy(struct fft **fft);

/* RT-safe. in, out: [howmany x n], different buffers from fft_alloc; in is left as it was. */
void fft_run(const struct fft *fft, const cplxf *in, cplxf *out);

/* Setup only. Zeroed memory, 64-byte aligned; NULL if out of memory. Free with fft_free, which
 * accepts NULL. */
void *fft_alloc(size_t bytes) __attribute__((malloc));
void fft_free(void *p);
