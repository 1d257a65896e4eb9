/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "dsp/fft.h"
#include <assert.h>
#include <fftw3.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define ALIGNMENT 64

static pthread_mutex_t planner = PTHREAD_MUTEX_INITIALIZER;

struct fft {
    fftwf_plan plan;
};

void *fft_alloc(size_t bytes)
{
    size_t rounded = (bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    void *p = aligned_alloc(ALIGNMENT, rounded);
    return p ? memset(p, 0, rounded) : NULL;
}

void fft_free(void *p)
{
    free(p);
}

static fftwf_plan plan_many(int n, int howmany, int sign)
{
    size_t bytes = sizeof(cplxf) * (size_t)n * (size_t)howmany;
    cplxf *in = fft_alloc(bytes), *out = fft_alloc(bytes);
    fftwf_plan plan = NULL;
    if (in && out) {
        pthread_mutex_lock(&planner);
        plan = fftwf_plan_many_dft(1, &n, howmany, in, NULL, 1, n, out, NULL, 1, n, sign,
                                   FFTW_ESTIMATE | FFTW_PRESERVE_INPUT);
        pthread_mutex_unlock(&planner);
    }
    fft_free(in);
    fft_free(out);
    return plan;
}

struct fft *fft_create(size_t n, size_t howmany, enum fft_sign sign)
{
    assert(n >= 1 && n <= 1u << 24 && howmany >= 1 && howmany <= 1u << 16);
    struct fft *fft = malloc(sizeof *fft);
    if (!fft)
        return NULL;
    fft->plan = plan_many((int)n, (int)howmany, sign);
    if (!fft->plan)
        fft_destroy(&fft);
    return fft;
}

void fft_destroy(struct fft **fft)
{
    if (!*fft)
        return;
    if ((*fft)->plan) {
        pthread_mutex_lock(&planner);
        fftwf_destroy_plan((*fft)->plan);
        pthread_mutex_unlock(&planner);
    }
    free(*fft);
    *fft = NULL;
}

void fft_run(const struct fft *fft, const cplxf *in, cplxf *out)
{
    assert(in != out && (uintptr_t)in % ALIGNMENT == 0 && (uintptr_t)out % ALIGNMENT == 0);
    fftwf_execute_dft(fft->plan, (cplxf *)(uintptr_t)in, out); /* FFTW_PRESERVE_INPUT */
}
