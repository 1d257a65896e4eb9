/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "sim/spectrum.h"

#include <assert.h>
#include <fftw3.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/air.h"

/* The taper's response falls below -130 dB of its peak within this many samples each way. */
#define TAPER_SAMPS 80

_Static_assert(AIR_MAX_POST + TAPER_SAMPS <= SPECTRUM_MAX_COARSE, "the longest response fits");
_Static_assert(TAPER_SAMPS <= AIR_MAX_PRE, "the taper rings before delay 0, too");

struct grid {
    double carrier_hz, rate_hz;
    size_t n_coarse, n_bin;
    double offset_hz[SPECTRUM_MAX_COARSE];
    double taper[SPECTRUM_MAX_COARSE]; /* with the 1/n_coarse of the expansion */
    fftwf_complex *coarse, *fine;
    fftwf_plan inverse, forward;
};

/* Gaussian edge: 1 below SPECTRUM_BAND, 0 at half the rate, both to 1e-6, and a compact response.
 */
static double taper_at(double f)
{
    double middle = (SPECTRUM_BAND + 0.5) / 2, half = (0.5 - SPECTRUM_BAND) / 2;
    return 0.5 * erfc(3.4 * (fabs(f) - middle) / half);
}

static void fill_bins(struct grid *grid)
{
    size_t n = grid->n_coarse;
    for (size_t k = 0; k < n; k++) {
        double f = ((double)k - (k < n / 2 ? 0.0 : (double)n)) / (double)n;
        grid->offset_hz[k] = f * grid->rate_hz;
        grid->taper[k] = taper_at(f) / (double)n;
    }
}

struct grid *grid_create(double carrier_hz, double rate_hz, size_t n_bin, double max_length_m,
                         struct status *err)
{
    double delay = max_length_m / SCENE_LIGHT_MPS * rate_hz;
    int limit = AIR_MAX_POST - TAPER_SAMPS;
    limit = (int)n_bin - 2 * TAPER_SAMPS < limit ? (int)n_bin - 2 * TAPER_SAMPS : limit;
    if (delay > limit) {
        err->code = ERR_ARG;
        snprintf(err->text, sizeof err->text,
                 "the room is too large for the sample rate: paths of %.0f m last %.0f samples, at "
                 "most %d fit; make the room smaller or lower rate_hz",
                 max_length_m, delay, limit);
        return NULL;
    }
    size_t n = 64;
    while (n < delay + 2 * TAPER_SAMPS)
        n *= 2;
    struct grid *grid = calloc(1, sizeof *grid);
    if (!grid)
        return NULL;
    *grid =
        (struct grid){.carrier_hz = carrier_hz, .rate_hz = rate_hz, .n_coarse = n, .n_bin = n_bin};
    fill_bins(grid);
    grid->coarse = fftwf_alloc_complex(n);
    grid->fine = fftwf_alloc_complex(n_bin);
    grid->inverse =
        fftwf_plan_dft_1d((int)n, grid->coarse, grid->coarse, FFTW_BACKWARD, FFTW_ESTIMATE);
    grid->forward =
        fftwf_plan_dft_1d((int)n_bin, grid->fine, grid->fine, FFTW_FORWARD, FFTW_ESTIMATE);
    if (!grid->coarse || !grid->fine || !grid->inverse || !grid->forward) {
        err->code = ERR_NO_MEMORY;
        snprintf(err->text, sizeof err->text, "no memory for the room's frequency grid");
        grid_destroy(&grid);
    }
    return grid;
}

void grid_destroy(struct grid **grid)
{
    if (!grid || !*grid)
        return;
    if ((*grid)->inverse)
        fftwf_destroy_plan((*grid)->inverse);
    if ((*grid)->forward)
        fftwf_destroy_plan((*grid)->forward);
    fftwf_free((*grid)->coarse);
    fftwf_free((*grid)->fine);
    free(*grid);
    *grid = NULL;
}

size_t grid_n_coarse(const struct grid *grid)
{
    return grid->n_coarse;
}

const double *grid_offset_hz(const struct grid *grid)
{
    return grid->offset_hz;
}

/* sin of 2 pi y for |y| <= 1/4: odd Taylor polynomial to degree 19, error 1e-16 relative. */
static inline double quarter_sine(double y)
{
    double z = 6.28318530717958647693 * y, q = z * z;
    double p = -8.22063524662432972e-18;
    p = p * q + 2.81145725434552076e-15;
    p = p * q - 7.64716373181981648e-13;
    p = p * q + 1.60590438368216146e-10;
    p = p * q - 2.50521083854417188e-08;
    p = p * q + 2.75573192239858907e-06;
    p = p * q - 1.98412698412698413e-04;
    p = p * q + 8.33333333333333333e-03;
    p = p * q - 1.66666666666666667e-01;
    return z + z * q * p;
}

void turns(const double *x, double *c, double *s, size_t n)
{
#pragma omp simd
    for (size_t i = 0; i < n; i++) {
        double y = x[i] - rint(x[i]); /* in [-1/2, 1/2]; fold into the quarter around zero */
        double fold = y < 0.5 - y ? y : 0.5 - y;
        fold = fold > -0.5 - y ? fold : -0.5 - y;
        s[i] = quarter_sine(fold);
        c[i] = quarter_sine(0.25 - fabs(y));
    }
}

void spectrum_delay(const struct grid *grid, double f_0_hz, double length_m, struct spectrum *out)
{
    double x[SPECTRUM_MAX_COARSE], delay_s = length_m / SCENE_LIGHT_MPS;
    for (size_t k = 0; k < grid->n_coarse; k++)
        x[k] = -(f_0_hz + grid->offset_hz[k]) * delay_s;
    turns(x, out->re, out->im, grid->n_coarse);
}

void spectrum_hop(const struct grid *grid, const struct hop *hop, struct spectrum *out)
{
    struct spectrum image;
    memset(out, 0, sizeof *out);
    for (size_t i = 0; i < hop->n; i++) {
        spectrum_delay(grid, grid->carrier_hz, hop->length_m[i], &image);
        for (size_t k = 0; k < grid->n_coarse; k++) {
            out->re[k] += hop->amplitude[i] * image.re[k];
            out->im[k] += hop->amplitude[i] * image.im[k];
        }
    }
}

void spectrum_scale(const struct grid *grid, double complex by, struct spectrum *a)
{
    for (size_t k = 0; k < grid->n_coarse; k++) {
        double re = a->re[k] * creal(by) - a->im[k] * cimag(by);
        a->im[k] = a->re[k] * cimag(by) + a->im[k] * creal(by);
        a->re[k] = re;
    }
}

void spectrum_multiply_add(const struct grid *grid, double scale, const struct spectrum *a,
                           const struct spectrum *b, struct spectrum *sum)
{
    for (size_t k = 0; k < grid->n_coarse; k++) {
        sum->re[k] += scale * (a->re[k] * b->re[k] - a->im[k] * b->im[k]);
        sum->im[k] += scale * (a->re[k] * b->im[k] + a->im[k] * b->re[k]);
    }
}

void spectrum_expand(struct grid *grid, const struct spectrum *in, float complex *out)
{
    size_t n = grid->n_coarse, n_bin = grid->n_bin;
    for (size_t k = 0; k < n; k++) {
        float re = (float)(grid->taper[k] * in->re[k]), im = (float)(grid->taper[k] * in->im[k]);
        grid->coarse[k] = re + I * im;
    }
    fftwf_execute(grid->inverse);
    /* Time n - TAPER_SAMPS .. n - 1 is the taper's response before the first arrival: it stays at
     * the end of the longer block. */
    memset(grid->fine, 0, n_bin * sizeof *grid->fine);
    memcpy(grid->fine, grid->coarse, (n - TAPER_SAMPS) * sizeof *grid->fine);
    memcpy(grid->fine + n_bin - TAPER_SAMPS, grid->coarse + n - TAPER_SAMPS,
           TAPER_SAMPS * sizeof *grid->fine);
    fftwf_execute(grid->forward);
    memcpy(out, grid->fine, n_bin * sizeof *out);
}
