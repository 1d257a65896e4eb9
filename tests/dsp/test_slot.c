/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Waveform and slot estimate as a pair: what is sent comes back as the channel it went through. */
#include "dsp/rng.h"
#include "dsp/slot.h"
#include "tests/dsp/golden.h"
#include <math.h>

enum { N = 1024, K = 811, ANT = 2, SLOTS = 8, MARGIN = 4 * N };
static struct sc16 sent[MARGIN + (SLOTS * 9 + 4) * N], got[ANT][MARGIN + (SLOTS * 9 + 4) * N];
static cplxf h[SLOTS * ANT * K], pilot[ANT * K], data[ANT * K];

/* The period's spectrum, so that a test can evaluate the periodic waveform at any time. */
static cplx spectrum[K];

static void take_spectrum(const struct waveform_cfg *cfg)
{
    cplxf x[K];
    waveform_sequence(cfg, x);
    for (size_t k = 0; k < K; k++)
        spectrum[k] = cfg->rms / sqrt(K) * (cplx)x[k];
}

static cplx waveform_at(double samps)
{
    cplx sum = 0, step = cexp(I * 2 * PI * samps / N);
    cplx r = cexp(-I * 2 * PI * 405 * samps / N);
    for (size_t k = 0; k < K; k++, r *= step)
        sum += spectrum[k] * r;
    return sum;
}

static struct sc16 to_sc16(cplx v)
{
    return (struct sc16){(int16_t)lrint(32767 * creal(v)), (int16_t)lrint(32767 * cimag(v))};
}

static void periods_are_the_sequence(void **state)
{
    (void)state;
    struct waveform_cfg cfg = waveform_lab();
    struct waveform *wf = waveform_create(&cfg, NULL);
    take_spectrum(&cfg);
    const cplxf *period = waveform_period(wf);
    double power = 0, peak = 0;
    for (size_t i = 0; i < N; i++) {
        assert_true(cabs((cplx)period[i] - waveform_at((double)i)) < 1e-6);
        power += (double)cplxf_norm(period[i]) / N;
        peak = fmax(peak, (double)cabsf(period[i]));
    }
    assert_true(fabs(sqrt(power) - cfg.rms) < 1e-6);
    assert_true(peak < 0.5); /* a chirp: hardly above its rms */
    waveform_slots(wf, 1, sent);
    for (size_t i = 0; i < 9 * N; i++) {
        struct sc16 want = to_sc16((cplx)period[i % N]);
        assert_true(abs(sent[i].i - want.i) <= 1 && abs(sent[i].q - want.q) <= 1);
    }
    waveform_destroy(&wf);
    assert_null(wf);
}

static void a_cable_has_gain_one(void **state)
{
    (void)state;
    struct waveform_cfg cfg = waveform_lab();
    struct waveform *wf = waveform_create(&cfg, NULL);
    struct slot_est *est = slot_est_create(&cfg, ANT, NULL);
    const size_t delay[ANT] = {0, 164};
    waveform_slots(wf, SLOTS, sent + MARGIN);
    for (size_t a = 0; a < ANT; a++)
        memcpy(got[a] + delay[a], sent, (MARGIN + SLOTS * 9 * N) * sizeof *sent);
    const struct sc16 *x[ANT] = {got[0], got[1]};
    slot_estimate(est, x, &(struct slot_window){.first = MARGIN, .n_slots = SLOTS}, h);
    for (size_t i = 0; i < SLOTS * ANT * K; i++) {
        size_t a = i / K % ANT;
        double cycles = ((double)(i % K) - 405) / N * (double)delay[a];
        assert_true(cabs((cplx)h[i] - cexp(-I * 2 * PI * cycles)) < 1e-3);
    }
    slot_est_destroy(&est);
    assert_null(est);
    waveform_destroy(&wf);
}

/* A sender whose clocks run fast by 4 ppm: 23 kHz of carrier, 4 ps of sample clock in each us. */
static void offsets_of_another_clock_are_removed(void **state)
{
    (void)state;
    struct waveform_cfg cfg = waveform_lab();
    struct slot_est *est = slot_est_create(&cfg, ANT, NULL);
    double skew = 4e-6, cfo_hz = skew * 5.8e9, delay = 12.3;
    take_spectrum(&cfg);
    for (size_t i = 0; i < SLOTS * 9 * N; i++) {
        double t = (double)(i + MARGIN) / cfg.rate_hz;
        cplx v = waveform_at((double)i * (1 + skew) - delay) * cexp(I * 2 * PI * cfo_hz * t);
        got[0][MARGIN + i] = got[1][MARGIN + i] = to_sc16(v);
    }
    const struct sc16 *x[ANT] = {got[0], got[1]};
    struct slot_window win = {MARGIN, SLOTS, cfo_hz, skew};
    slot_estimate(est, x, &win, h);
    for (size_t i = 0; i < SLOTS * ANT * K; i++) {
        double cycles = ((double)(i % K) - 405) / N * delay;
        assert_true(cabs((cplx)h[i] - cexp(-I * 2 * PI * cycles)) < 8e-3); /* 160 Hz at the edge */
    }
    slot_est_destroy(&est);
}

static void symbols_carry_data(void **state)
{
    (void)state;
    enum { SYMBOLS = 10 };
    struct waveform_cfg cfg = waveform_lab();
    struct waveform *wf = waveform_create(&cfg, NULL);
    struct slot_est *est = slot_est_create(&cfg, ANT, NULL);
    size_t len = waveform_symbol_samps(&cfg), late = 20;
    struct rng rng = rng_seed(3);
    cplxf s[SYMBOLS], one = 1;
    memset(got, 0, sizeof got);
    for (int trial = 0; trial < 50; trial++) {
        for (size_t i = 0; i < SYMBOLS; i++) /* 16-QAM */
            s[i] = (CMPLXF((float)(rng_next(&rng) >> 62), (float)(rng_next(&rng) >> 62)) * 2 -
                    CMPLXF(3, 3)) /
                   sqrtf(10);
        assert_int_equal(waveform_symbol(wf, &one, 1, got[0] + MARGIN), 0);
        assert_int_equal(waveform_symbol(wf, s, SYMBOLS, got[0] + MARGIN + len), 0);
        memcpy(got[1] + late, got[0], (MARGIN + 2 * len) * sizeof **got);
        const struct sc16 *x[ANT] = {got[0], got[1]};
        slot_symbol(est, x, &(struct slot_window){.first = MARGIN}, 32, pilot);
        slot_symbol(est, x, &(struct slot_window){.first = MARGIN + len}, 32, data);
        for (size_t i = 0; i < ANT * K; i++) {
            assert_true(cabsf(data[i] / pilot[i] - s[i % K % SYMBOLS]) < 0.02f);
            assert_true(fabsf(cabsf(pilot[i]) - 1) < 0.01f);
        }
    }
    slot_est_destroy(&est);
    waveform_destroy(&wf);
}

static void clipping_is_counted(void **state)
{
    (void)state;
    cplxf in[4] = {0.5f, 1.5f, -2.0f * I, 1.0f};
    struct sc16 out[4];
    assert_int_equal(waveform_to_sc16(in, 4, out), 2);
    assert_int_equal(out[1].i, 32767);
    assert_int_equal(out[2].q, -32767);
    assert_int_equal(out[0].i, 16384);
}

static void bad_settings_are_refused(void **state)
{
    (void)state;
    struct waveform_cfg good = waveform_lab(), bad[9];
    for (size_t i = 0; i < 9; i++)
        bad[i] = good;
    bad[0].n = 1000;
    bad[1].k = 810;
    bad[2].k = 1025;
    bad[3].root = 811;
    bad[4].periods = 0;
    bad[5].code_reps = 65;
    bad[6].rate_hz = 0;
    bad[7].rms = 0.7;
    bad[8].slots_per_code = 4;
    for (size_t i = 0; i < 9; i++) {
        struct status err = {0};
        assert_null(waveform_create(&bad[i], &err));
        assert_int_equal(err.code, ERR_ARG);
        assert_true(strlen(err.text) > 0);
        assert_null(slot_est_create(&bad[i], 1, &err));
        assert_int_equal(waveform_check(&bad[i], NULL), ERR_ARG);
    }
    assert_null(slot_est_create(&good, 0, NULL));
    assert_null(slot_est_create(&good, SLOT_MAX_ANT + 1, NULL));
    struct waveform *no_wf = NULL;
    struct slot_est *no_est = NULL;
    waveform_destroy(&no_wf);
    slot_est_destroy(&no_est);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(periods_are_the_sequence),
        cmocka_unit_test(a_cable_has_gain_one),
        cmocka_unit_test(offsets_of_another_clock_are_removed),
        cmocka_unit_test(symbols_carry_data),
        cmocka_unit_test(clipping_is_counted),
        cmocka_unit_test(bad_settings_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
