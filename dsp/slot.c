/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "dsp/slot.h"
#include "dsp/fft.h"
#include "dsp/phasor.h"
#include <assert.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#define BLOCK 256 /* components summed at a time: the sums stay in the first-level cache */

struct slot_est {
    struct waveform_cfg cfg;
    size_t n_ant;
    struct fft *analysis; /* n_ant periods at once */
    cplxf *unspread;      /* conj(x_k) and the scale to full-scale units, of one period [k] */
    cplxf *mean, *bins;   /* [n_ant x n] */
    cplxf *rotor;         /* [n] carrier offset within a period */
    cplxf *slope;         /* [k] what a drift of the clock does to the carriers */
};

static bool allocate(struct slot_est *e)
{
    size_t n = e->cfg.n, all = e->n_ant * n;
    e->analysis = fft_create(n, e->n_ant, FFT_FORWARD);
    e->unspread = fft_alloc(e->cfg.k * sizeof(cplxf));
    e->mean = fft_alloc(all * sizeof(cplxf));
    e->bins = fft_alloc(all * sizeof(cplxf));
    e->rotor = fft_alloc(n * sizeof(cplxf));
    e->slope = fft_alloc(e->cfg.k * sizeof(cplxf));
    return e->analysis && e->unspread && e->mean && e->bins && e->rotor && e->slope;
}

struct slot_est *slot_est_create(const struct waveform_cfg *cfg, size_t n_ant, struct status *err)
{
    struct status local;
    err = err ? err : &local;
    if (waveform_check(cfg, err))
        return NULL;
    if (n_ant < 1 || n_ant > SLOT_MAX_ANT) {
        err->code = ERR_ARG;
        snprintf(err->text, sizeof err->text, "slot: %zu antennas, must be 1 to %d", n_ant,
                 SLOT_MAX_ANT);
        return NULL;
    }
    struct slot_est *e = calloc(1, sizeof *e);
    if (e) {
        e->cfg = *cfg;
        e->n_ant = n_ant;
    }
    if (!e || !allocate(e)) {
        slot_est_destroy(&e);
        *err = (struct status){ERR_NO_MEMORY, "slot: out of memory"};
        return NULL;
    }
    waveform_sequence(cfg, e->unspread);
    float scale = (float)(sqrt((double)cfg->k) / ((double)cfg->n * cfg->rms * 32767.0));
    for (size_t k = 0; k < cfg->k; k++)
        e->unspread[k] = conjf(e->unspread[k]) * scale;
    return e;
}

void slot_est_destroy(struct slot_est **est)
{
    if (!*est)
        return;
    fft_destroy(&(*est)->analysis);
    fft_free((*est)->unspread);
    fft_free((*est)->mean);
    fft_free((*est)->bins);
    fft_free((*est)->rotor);
    fft_free((*est)->slope);
    free(*est);
    *est = NULL;
}

/* out[i] = sum over periods of x[p n + i]; exact in integers. Bound by memory: 0.2 ns a sample. */
static void sum_periods(const struct sc16 *x, size_t n, size_t periods, cplxf *out)
{
    const int16_t *in = &x->i;
    float *sum = (float *)out;
    for (size_t b = 0; b < 2 * n; b += BLOCK) {
        int32_t acc[BLOCK] = {0};
        size_t len = 2 * n - b < BLOCK ? 2 * n - b : BLOCK;
        for (size_t p = 0; p < periods; p++)
            for (size_t i = 0; i < len; i++)
                acc[i] += in[2 * n * p + b + i];
        for (size_t i = 0; i < len; i++)
            sum[b + i] = (float)acc[i];
    }
}

/* The same with a carrier offset of `cfo` cycles a sample removed, phase 0 at `index` before x: one
 * factor per period, then one rotor for all of them. */
static void sum_periods_cfo(const struct slot_est *e, const struct sc16 *x, size_t index,
                            size_t periods, double cfo, cplxf *out)
{
    size_t n = e->cfg.n;
    for (size_t i = 0; i < n; i++)
        out[i] = 0;
    for (size_t p = 0; p < periods; p++) {
        cplxf c = phasor(-cfo * (double)(index + p * n));
        const struct sc16 *xp = x + p * n;
        for (size_t i = 0; i < n; i++)
            out[i] += c * CMPLXF((float)xp[i].i, (float)xp[i].q);
    }
    for (size_t i = 0; i < n; i++)
        out[i] *= e->rotor[i];
}

static void prepare_rotor(struct slot_est *e, double cfo)
{
    if (cfo != 0)
        phasor_ramp(0, -cfo, e->cfg.n, e->rotor);
}

/* Carriers of `periods` periods that start at index; h: [n_ant x K]. */
static void analyse(struct slot_est *e, const struct sc16 *const *x, size_t index, size_t periods,
                    double cfo, cplxf *h)
{
    size_t n = e->cfg.n, n_carrier = e->cfg.k, half = (n_carrier - 1) / 2;
    for (size_t a = 0; a < e->n_ant; a++) {
        if (cfo == 0)
            sum_periods(x[a] + index, n, periods, e->mean + a * n);
        else
            sum_periods_cfo(e, x[a] + index, index, periods, cfo, e->mean + a * n);
    }
    fft_run(e->analysis, e->mean, e->bins);
    float scale = 1.0f / (float)periods;
    for (size_t a = 0; a < e->n_ant; a++) {
        const cplxf *below = e->bins + a * n + n - half, *above = e->bins + a * n;
        for (size_t k = 0; k < half; k++)
            h[a * n_carrier + k] = below[k] * e->unspread[k] * scale;
        for (size_t k = half; k < n_carrier; k++)
            h[a * n_carrier + k] = above[k - half] * e->unspread[k] * scale;
    }
}

/* A sender whose clock runs fast by `skew` arrives earlier from slot to slot, t seconds after the
 * first sample by skew t: take the phase slope exp(j 2 pi f_k skew t) away. */
static void remove_skew(struct slot_est *e, double skew_t, cplxf *h)
{
    size_t n_carrier = e->cfg.k;
    double step = -waveform_spacing_hz(&e->cfg) * skew_t;
    phasor_ramp(-0.5 * step * (double)(n_carrier - 1), step, n_carrier, e->slope);
    for (size_t a = 0; a < e->n_ant; a++)
        for (size_t k = 0; k < n_carrier; k++)
            h[a * n_carrier + k] *= e->slope[k];
}

void slot_estimate(struct slot_est *e, const struct sc16 *const *x, const struct slot_window *win,
                   cplxf *h)
{
    assert(win->n_slots >= 1);
    size_t slot = waveform_slot_samps(&e->cfg);
    double cfo = win->cfo_hz / e->cfg.rate_hz;
    prepare_rotor(e, cfo);
    for (size_t s = 0; s < win->n_slots; s++, h += e->n_ant * e->cfg.k) {
        size_t after_prefix = s * slot + e->cfg.n;
        analyse(e, x, win->first + after_prefix, e->cfg.periods, cfo, h);
        if (win->skew != 0) {
            double middle = (double)after_prefix + 0.5 * (double)(slot - e->cfg.n);
            remove_skew(e, win->skew * middle / e->cfg.rate_hz, h);
        }
    }
}

void slot_symbol(struct slot_est *e, const struct sc16 *const *x, const struct slot_window *win,
                 size_t advance_samps, cplxf *h)
{
    size_t prefix = waveform_prefix_samps(&e->cfg);
    assert(advance_samps <= prefix);
    double cfo = win->cfo_hz / e->cfg.rate_hz;
    prepare_rotor(e, cfo);
    analyse(e, x, win->first + prefix - advance_samps, 1, cfo, h);
}
