/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "dsp/delay_bins.h"
#include <assert.h>

static double carrier_hz(const struct delay_bins *bins, size_t k)
{
    return ((double)k - 0.5 * (double)(bins->n_carrier - 1)) * bins->spacing_hz;
}

static void fill_window(struct delay_bins *bins)
{
    size_t K = bins->n_carrier;
    double sum = 0;
    for (size_t k = 0; k < K; k++)
        sum += 0.54 - 0.46 * cos(2 * PI * (double)k / (double)(K - 1));
    for (size_t k = 0; k < K; k++)
        bins->window[k] = (float)((0.54 - 0.46 * cos(2 * PI * (double)k / (double)(K - 1))) / sum);
}

/* sum_k weight_k cos(2 pi f_k L / c), weight the window or its square; phasors of eight carriers
 * turn on by recurrence, in double. */
static double window_response(const struct delay_bins *bins, double length_m, bool squared)
{
    enum { LANES = 8 };
    const double turn = 2 * PI * length_m / SPEED_OF_LIGHT;
    const cplx step = cexp(I * turn * bins->spacing_hz * LANES);
    double re[LANES], im[LANES], sum = 0;
    for (size_t l = 0; l < LANES; l++) {
        re[l] = cos(turn * carrier_hz(bins, l));
        im[l] = sin(turn * carrier_hz(bins, l));
    }
    for (size_t k = 0; k < bins->n_carrier; k += LANES)
        for (size_t l = 0; l < LANES; l++) {
            const double w = k + l < bins->n_carrier ? bins->window[k + l] : 0, x = re[l];
            sum += (squared ? w * w : w) * x;
            re[l] = x * creal(step) - im[l] * cimag(step);
            im[l] = x * cimag(step) + im[l] * creal(step);
        }
    return sum;
}

void delay_bins_init(struct delay_bins *bins, size_t n_carrier, double spacing_hz)
{
    assert(n_carrier >= 31 && n_carrier <= DELAY_BINS_MAX_CARRIER && spacing_hz > 0);
    bins->n_carrier = n_carrier;
    bins->spacing_hz = spacing_hz;
    bins->step_m = SPEED_OF_LIGHT / (1.25 * (double)n_carrier * spacing_hz);
    fill_window(bins);
    for (int f = 0; f <= DELAY_BINS_PHASES; f++)
        for (int i = 0; i < DELAY_BINS_ROW; i++)
            bins->response[f][i] = (float)window_response(
                bins, (i - DELAY_BINS_REACH - (double)f / DELAY_BINS_PHASES) * bins->step_m, false);
    for (int i = 0; i < DELAY_BINS_MAX; i++)
        bins->noise[i] =
            (float)(window_response(bins, i * bins->step_m, true) / window_response(bins, 0, true));
}

/* The phasor turns by recurrence, in double. */
void delay_bins_transform(const struct delay_bins *bins, const cplxf *h, size_t n_ant,
                          double length_m, cplx *y)
{
    size_t K = bins->n_carrier;
    double turn = 2 * PI * length_m / SPEED_OF_LIGHT;
    cplx phasor = cexp(I * turn * carrier_hz(bins, 0)), step = cexp(I * turn * bins->spacing_hz);
    for (size_t j = 0; j < n_ant; j++)
        y[j] = 0;
    for (size_t k = 0; k < K; k++) {
        cplx w = bins->window[k] * phasor;
        for (size_t j = 0; j < n_ant; j++)
            y[j] += w * h[j * K + k];
        phasor *= step;
    }
}
