/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A whole burst heard by a clock that is 5 ppm off: its ends must be found although the timing
 * walks by three samples on the way. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "dsp/fft.h"
#include "dsp/rng.h"
#include "dsp/sync.h"

#define LEAD 5000

static const double carrier_hz = 5.8e9;

struct air {
    struct waveform_cfg cfg;
    cplxf *bins, *time;
    struct fft *synthesis;
    struct sc16 *samp;
    size_t n;
    struct rng rng;
};

static void put_noise(struct air *air)
{
    for (size_t i = 0; i < air->n; i++) {
        double pair[2];
        rng_normal2(&air->rng, pair);
        air->samp[i].i = (int16_t)lrint(60 * pair[0]);
        air->samp[i].q = (int16_t)lrint(60 * pair[1]);
    }
}

/* One period at sample `at`, delayed by a fraction, turned by the carrier offset. */
static void put_period(struct air *air, size_t at, double delay_samps, double cfo_hz)
{
    const struct waveform_cfg *c = &air->cfg;
    cplxf *x = calloc(c->k, sizeof *x);
    assert_non_null(x);
    waveform_sequence(c, x);
    memset(air->bins, 0, c->n * sizeof *air->bins);
    for (size_t k = 0; k < c->k; k++) {
        double turns = -delay_samps * ((double)k - 0.5 * (double)(c->k - 1)) / (double)c->n;
        air->bins[waveform_bin(c, k)] =
            x[k] * (cplxf)cexp(I * 2 * PI * turns) * (float)(0.1 / sqrt((double)c->k));
    }
    fft_run(air->synthesis, air->bins, air->time);
    for (size_t i = 0; i < c->n; i++) {
        double turns = cfo_hz * (double)(at + i) / c->rate_hz;
        cplxf s = air->time[i] * (cplxf)cexp(I * 2 * PI * (turns - floor(turns))) * 32767.0f;
        air->samp[at + i].i = (int16_t)(air->samp[at + i].i + lrintf(crealf(s)));
        air->samp[at + i].q = (int16_t)(air->samp[at + i].q + lrintf(cimagf(s)));
    }
    free(x);
}

static void check_offset(struct air *air, struct sync *sync, double ppm)
{
    const size_t period = air->cfg.n;
    const size_t n_period = waveform_burst_slots(&air->cfg) * (1 + air->cfg.periods);
    struct sync_burst burst;
    put_noise(air);
    for (size_t p = 0; p < n_period; p++)
        put_period(air, LEAD + p * period, -ppm * 1e-6 * ((double)p + 0.5) * (double)period,
                   ppm * 1e-6 * carrier_hz);
    assert_int_equal(sync_search(sync, air->samp, air->n, &burst), OK);
    const double end = LEAD + (double)(n_period * period) * (1 - ppm * 1e-6);
    assert_true(burst.start_seen && burst.end_seen);
    assert_float_equal(burst.start_samps, LEAD, 0.3);
    assert_float_equal(burst.end_samps, end, 0.3);
    assert_float_equal(burst.cfo_hz, ppm * 1e-6 * carrier_hz, 20);
}

static void ends_are_found_whatever_the_clocks(void **state)
{
    (void)state;
    struct air air = {.cfg = waveform_lab(), .rng = rng_seed(3)};
    struct status err = {0};
    air.n = 2 * LEAD + waveform_burst_slots(&air.cfg) * waveform_slot_samps(&air.cfg);
    air.bins = fft_alloc(air.cfg.n * sizeof *air.bins);
    air.time = fft_alloc(air.cfg.n * sizeof *air.time);
    air.synthesis = fft_create(air.cfg.n, 1, FFT_BACKWARD);
    air.samp = calloc(air.n, sizeof *air.samp);
    struct sync *sync = sync_create(&air.cfg, air.n, &err);
    assert_true(air.bins && air.time && air.synthesis && air.samp && sync);
    const double ppm[] = {-5, 0, 3.9, 5};
    for (size_t i = 0; i < sizeof ppm / sizeof ppm[0]; i++)
        check_offset(&air, sync, ppm[i]);
    sync_destroy(&sync);
    fft_destroy(&air.synthesis);
    fft_free(air.bins);
    fft_free(air.time);
    free(air.samp);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(ends_are_found_whatever_the_clocks)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
