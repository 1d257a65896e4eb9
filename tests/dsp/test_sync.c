/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Acquisition: where the burst starts and ends, and its carrier offset, in noise and multipath. */
#include "dsp/rng.h"
#include "dsp/sync.h"
#include "tests/dsp/golden.h"
#include <math.h>

enum { N = 1024, SLOTS = 64, BURST = SLOTS * 9 * N, SYMBOL = N + N / 8 };
enum { BEFORE = 12345, WINDOW = BEFORE + BURST + 3 * SYMBOL + 9000 };
static struct sc16 tx[BURST + 3 * SYMBOL], rx[WINDOW];

/* Burst, pilot and two data symbols through two paths, late by BEFORE samples, with offset and
 * noise. */
static void receive(double cfo_hz, double amplitude, double noise_var, uint64_t seed)
{
    struct waveform_cfg cfg = waveform_lab();
    struct waveform *wf = waveform_create(&cfg, NULL);
    struct rng rng = rng_seed(seed);
    cplxf s[10];
    for (size_t i = 0; i < 10; i++)
        s[i] = (cplxf)cexp(I * PI / 2 * (double)(rng_next(&rng) >> 62));
    waveform_slots(wf, SLOTS, tx);
    for (size_t i = 0; i < 3; i++)
        waveform_symbol(wf, s, i == 0 ? 1 : 10, tx + BURST + i * SYMBOL);
    waveform_destroy(&wf);
    for (size_t i = 0; i < WINDOW; i++) {
        cplx v = 0;
        for (size_t path = 0; path < 2; path++) {
            long at = (long)i - BEFORE - 7 * (long)path;
            if (at >= 0 && at < BURST + 3 * SYMBOL)
                v += (path ? 0.3 * I : 1) * CMPLX(tx[at].i, tx[at].q);
        }
        double cycles = cfo_hz * (double)i / cfg.rate_hz;
        v = v * amplitude * cexp(I * 2 * PI * (cycles - floor(cycles))) +
            32767 * sqrt(noise_var) * rng_cn(&rng);
        rx[i] = (struct sc16){(int16_t)lrint(creal(v)), (int16_t)lrint(cimag(v))};
    }
}

static struct sync *lab_sync(void)
{
    struct waveform_cfg cfg = waveform_lab();
    return sync_create(&cfg, WINDOW, NULL);
}

static void a_burst_is_found_whole(void **state)
{
    (void)state;
    struct sync *sync = lab_sync();
    static const double cfo_hz[] = {0, 29e3, -29e3}, snr_db[] = {30, 10, 0};
    for (size_t i = 0; i < 3; i++) {
        double amplitude = 0.05, power = pow(0.25 * amplitude, 2) * 1.09;
        receive(cfo_hz[i], amplitude, power / pow(10, snr_db[i] / 10), i);
        struct sync_burst b;
        assert_int_equal(sync_search(sync, rx, WINDOW, &b), OK);
        print_message("SNR %.0f dB: start %+.2f end %+.2f samples, cfo %+.2f Hz (sigma %.2f), "
                      "plateau %.3f, SNR %.1f dB\n",
                      snr_db[i], b.start_samps - BEFORE, b.end_samps - BEFORE - BURST,
                      b.cfo_hz - cfo_hz[i], b.cfo_sigma_hz, (double)b.plateau, (double)b.snr_db);
        assert_true(b.start_seen && b.end_seen);
        assert_true(fabs(b.start_samps - BEFORE) < 0.7);
        assert_true(fabs(b.end_samps - BEFORE - BURST) < 0.7);
        assert_true(fabs(b.cfo_hz - cfo_hz[i]) < 5 * b.cfo_sigma_hz + 0.1);
        assert_true(b.cfo_sigma_hz < 10);
        assert_true(fabs((double)b.snr_db - snr_db[i]) < 1.5);
    }
    sync_destroy(&sync);
    assert_null(sync);
}

static void a_short_window_says_what_it_saw(void **state)
{
    (void)state;
    struct sync *sync = lab_sync();
    struct sync_burst b;
    receive(12e3, 0.05, 1e-6, 9);
    double cfo_hz;
    assert_true(sync_plateau(sync, rx + BEFORE + 5000, 20000, &cfo_hz) > 0.95f);
    assert_true(fabs(cfo_hz - 12e3) < 50);
    assert_true(sync_plateau(sync, rx, BEFORE - 100, NULL) < 0.1f);
    /* the middle */
    assert_int_equal(sync_search(sync, rx + BEFORE + 50 * N + 17, 40 * N, &b), OK);
    assert_false(b.start_seen || b.end_seen);
    assert_true(fabs(remainder(b.start_samps + 17, N)) < 0.7);
    /* its start */
    assert_int_equal(sync_search(sync, rx + BEFORE - 5000, 30 * N, &b), OK);
    assert_true(b.start_seen && !b.end_seen);
    assert_true(fabs(b.start_samps - 5000) < 0.7);
    /* its end */
    assert_int_equal(sync_search(sync, rx + BEFORE + BURST - 20 * N - 5, 23 * N, &b), OK);
    assert_true(!b.start_seen && b.end_seen);
    assert_true(fabs(b.end_samps - 20 * N - 5) < 0.7);
    sync_destroy(&sync);
}

/* Frames without a burst, of the receivers that know no more than the pilot. */
static void a_pilot_alone_is_found(void **state)
{
    (void)state;
    enum { FROM = BEFORE + BURST - 6000, LOOK = 3 * SYMBOL + 9000 };
    static const double cfo_hz[] = {0, 2e3, -2e3}, snr_db[] = {30, 10, 3};
    struct sync *sync = lab_sync();
    struct sync_burst b;
    for (size_t i = 0; i < 3; i++) {
        double amplitude = 0.05, power = pow(0.25 * amplitude, 2) * 1.09;
        receive(cfo_hz[i], amplitude, power / pow(10, snr_db[i] / 10), i);
        memset(rx + FROM, 0, 5900 * sizeof rx[0]); /* what is left of the slots is no period long */
        assert_int_equal(sync_pilot(sync, rx + FROM, LOOK, &b), OK);
        print_message("SNR %.0f dB: pilot %+.2f samples, cfo %+.0f Hz (sigma %.0f), SNR %.1f dB\n",
                      snr_db[i], b.end_samps - 6000, b.cfo_hz - cfo_hz[i], b.cfo_sigma_hz,
                      (double)b.snr_db);
        assert_true(fabs(b.end_samps - 6000) < 0.7 && b.start_samps == b.end_samps);
        assert_true(fabs(b.cfo_hz - cfo_hz[i]) < 5 * b.cfo_sigma_hz + 200);
        const double rest = 0.09 + 1.09 * pow(10, -snr_db[i] / 10); /* second path, noise */
        assert_true(fabs((double)b.snr_db + 10 * log10(rest)) < 1);
    }
    receive(0, 0, 1e-4, 4);
    assert_int_equal(sync_pilot(sync, rx, 20 * N, &b), ERR_NOT_FOUND);
    sync_destroy(&sync);
}

static void noise_and_data_are_no_burst(void **state)
{
    (void)state;
    struct sync *sync = lab_sync();
    struct sync_burst b;
    receive(0, 0, 1e-4, 4);
    assert_int_equal(sync_search(sync, rx, WINDOW, &b), ERR_NOT_FOUND);
    receive(0, 0.05, 1e-8, 4);
    assert_int_equal(sync_search(sync, rx + BEFORE + BURST, 3 * SYMBOL + 4000, &b), ERR_NOT_FOUND);
    memset(rx, 0, sizeof rx);
    assert_int_equal(sync_search(sync, rx, WINDOW, &b), ERR_NOT_FOUND);
    sync_destroy(&sync);
}

static void bad_settings_are_refused(void **state)
{
    (void)state;
    struct waveform_cfg good = waveform_lab(), bad = good;
    struct status err = {0};
    bad.root = 0;
    assert_null(sync_create(&bad, WINDOW, &err));
    assert_int_equal(err.code, ERR_ARG);
    assert_null(sync_create(&good, 3 * N, &err));
    assert_int_equal(err.code, ERR_ARG);
    struct sync *none = NULL;
    sync_destroy(&none);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_burst_is_found_whole),
        cmocka_unit_test(a_short_window_says_what_it_saw),
        cmocka_unit_test(a_pilot_alone_is_found),
        cmocka_unit_test(noise_and_data_are_no_burst),
        cmocka_unit_test(bad_settings_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
