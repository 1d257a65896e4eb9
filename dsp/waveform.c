/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "dsp/waveform.h"
#include "dsp/fft.h"
#include <assert.h>
#include <math.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FULL_SCALE 32767.0f

struct waveform {
    struct waveform_cfg cfg;
    struct fft *synthesis; /* carriers to one period */
    cplxf *x;              /* sequence [k], times rms / sqrt K */
    cplxf *bins, *time;    /* [n] */
    cplxf *period;         /* [n] */
    struct sc16 *period16; /* [n] */
};

struct waveform_cfg waveform_lab(void)
{
    return (struct waveform_cfg){.n = 1024,
                                 .k = 811,
                                 .root = 310,
                                 .periods = 8,
                                 .slots_per_code = 8,
                                 .code_reps = 8,
                                 .rate_hz = 100e6,
                                 .rms = 0.25};
}

static unsigned gcd(unsigned a, unsigned b)
{
    return b ? gcd(b, a % b) : a;
}

__attribute__((format(printf, 2, 3))) static int bad(struct status *err, const char *fmt, ...)
{
    if (err) {
        va_list ap;
        va_start(ap, fmt);
        err->code = ERR_ARG;
        vsnprintf(err->text, sizeof err->text, fmt, ap);
        va_end(ap);
    }
    return ERR_ARG;
}

int waveform_check(const struct waveform_cfg *c, struct status *err)
{
    if (c->n < 32 || c->n > 8192 || c->n % 16)
        return bad(err, "waveform: N is %zu, must be a multiple of 16 from 32 to 8192", c->n);
    if (c->k < 3 || c->k >= c->n || c->k % 2 == 0)
        return bad(err, "waveform: K is %zu, must be odd, from 3 to N-1 = %zu", c->k, c->n - 1);
    if (c->root < 1 || c->root >= c->k || gcd(c->root, (unsigned)c->k) != 1)
        return bad(err, "waveform: root %u must be coprime to K = %zu and below it", c->root, c->k);
    if (c->periods < 1 || c->periods > 64)
        return bad(err, "waveform: %zu periods per slot, must be 1 to 64", c->periods);
    if (c->slots_per_code != 8)
        return bad(err, "waveform: %zu slots per code, the codes have 8", c->slots_per_code);
    if (c->code_reps > 64)
        return bad(err, "waveform: %zu code repetitions, must be 0 to 64", c->code_reps);
    if (!(c->rate_hz > 0) || !isfinite(c->rate_hz))
        return bad(err, "waveform: rate %g Hz, must be positive", c->rate_hz);
    if (!(c->rms > 0) || !(c->rms <= 0.5))
        return bad(err, "waveform: rms amplitude %g, must be above 0 and at most 0.5", c->rms);
    return OK;
}

void waveform_sequence(const struct waveform_cfg *cfg, cplxf *x)
{
    uint64_t turn = 2 * (uint64_t)cfg->k; /* the phase in units of pi / K, modulo one turn */
    for (uint64_t n = 0; n < cfg->k; n++) {
        uint64_t p = cfg->root * (n * (n + 1)) % turn;
        double phase = -PI * (double)p / (double)cfg->k;
        x[n] = CMPLXF((float)cos(phase), (float)sin(phase));
    }
}

static void synthesise(struct waveform *wf, const cplxf *s, size_t n, cplxf *time)
{
    for (size_t k = 0, i = 0; k < wf->cfg.k; k++, i = i + 1 == n ? 0 : i + 1)
        wf->bins[waveform_bin(&wf->cfg, k)] = wf->x[k] * s[i];
    fft_run(wf->synthesis, wf->bins, time);
}

static bool allocate(struct waveform *wf)
{
    size_t n = wf->cfg.n;
    wf->synthesis = fft_create(n, 1, FFT_BACKWARD);
    wf->x = fft_alloc(wf->cfg.k * sizeof(cplxf));
    wf->bins = fft_alloc(n * sizeof(cplxf));
    wf->time = fft_alloc(n * sizeof(cplxf));
    wf->period = fft_alloc(n * sizeof(cplxf));
    wf->period16 = fft_alloc(n * sizeof(struct sc16));
    return wf->synthesis && wf->x && wf->bins && wf->time && wf->period && wf->period16;
}

struct waveform *waveform_create(const struct waveform_cfg *cfg, struct status *err)
{
    if (waveform_check(cfg, err))
        return NULL;
    struct waveform *wf = calloc(1, sizeof *wf);
    if (wf)
        wf->cfg = *cfg;
    if (!wf || !allocate(wf)) {
        waveform_destroy(&wf);
        if (err)
            *err = (struct status){ERR_NO_MEMORY, "waveform: out of memory"};
        return NULL;
    }
    waveform_sequence(cfg, wf->x);
    float scale = (float)(cfg->rms / sqrt((double)cfg->k));
    for (size_t k = 0; k < cfg->k; k++)
        wf->x[k] *= scale;
    synthesise(wf, &(cplxf){1}, 1, wf->period);
    waveform_to_sc16(wf->period, cfg->n, wf->period16);
    return wf;
}

void waveform_destroy(struct waveform **wf)
{
    if (!*wf)
        return;
    fft_destroy(&(*wf)->synthesis);
    fft_free((*wf)->x);
    fft_free((*wf)->bins);
    fft_free((*wf)->time);
    fft_free((*wf)->period);
    fft_free((*wf)->period16);
    free(*wf);
    *wf = NULL;
}

const cplxf *waveform_period(const struct waveform *wf)
{
    return wf->period;
}

void waveform_slots(const struct waveform *wf, size_t n_slots, struct sc16 *out)
{
    size_t n = wf->cfg.n;
    for (size_t p = 0; p < n_slots * (1 + wf->cfg.periods); p++)
        memcpy(out + p * n, wf->period16, n * sizeof *out);
}

size_t waveform_symbol(struct waveform *wf, const cplxf *s, size_t n, struct sc16 *out)
{
    assert(n >= 1 && n <= wf->cfg.k);
    size_t prefix = waveform_prefix_samps(&wf->cfg);
    synthesise(wf, s, n, wf->time);
    size_t clipped = waveform_to_sc16(wf->time, wf->cfg.n, out + prefix);
    memcpy(out, out + wf->cfg.n, prefix * sizeof *out);
    return clipped;
}

static int16_t quantise(float v, bool *clipped)
{
    float scaled = v * FULL_SCALE;
    if (!(fabsf(scaled) <= FULL_SCALE)) {
        *clipped = true;
        scaled = scaled > 0 ? FULL_SCALE : -FULL_SCALE;
    }
    return (int16_t)lrintf(scaled);
}

size_t waveform_to_sc16(const cplxf *in, size_t n, struct sc16 *out)
{
    size_t count = 0;
    for (size_t i = 0; i < n; i++) {
        bool clipped = false;
        out[i].i = quantise(crealf(in[i]), &clipped);
        out[i].q = quantise(cimagf(in[i]), &clipped);
        count += clipped;
    }
    return count;
}
