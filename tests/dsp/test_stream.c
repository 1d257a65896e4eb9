/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Code separation against the recorded chain, its rejection of Doppler, and the two references. */
#include "dsp/rng.h"
#include "dsp/stream.h"
#include "dsp/toa.h"
#include "dsp/waveform.h"
#include "tests/dsp/golden.h"
#include <math.h>

enum { K = 811, ANT = 4, SLOTS = 64 };
static const double spacing_hz = 100e6 / 1024, slot_s = 92.16e-6;
static cplxf h[SLOTS * ANT * K], w[STREAM_COUNT * ANT * K];

static struct stream_cfg lab(void)
{
    return (struct stream_cfg){.n_ant = ANT,
                               .n_carrier = K,
                               .spacing_hz = spacing_hz,
                               .carrier_hz = 5.8e9,
                               .leak_m = {0.300, 0.301, 0.303, 0.306}};
}

static void recorded_chain(void **state)
{
    (void)state;
    enum { SMALL = 31, PAIR = 2, S = 8, LEN = PAIR * SMALL };
    json_t *doc = golden_load("misc.json"), *c = json_object_get(doc, "chain_small");
    double chip_s = 1 / golden_number(c, "B");
    struct waveform_cfg cfg = {.k = SMALL, .root = (unsigned)golden_number(c, "zc_root")};
    cplxf x[SMALL], y[S * LEN], got[STREAM_COUNT * LEN];
    waveform_sequence(&cfg, x);
    for (size_t i = 0; i < S * LEN; i++)
        y[i] = CMPLXF((float)golden_item(c, "Y_re", i), (float)golden_item(c, "Y_im", i)) *
               conjf(x[i % SMALL]);
    stream_mix(y, S, LEN, NULL, got);
    double largest = 0, error = 0;
    for (size_t i = 0; i < STREAM_COUNT * LEN; i++) {
        cplx want = CMPLX(golden_item(c, "W_re", i), golden_item(c, "W_im", i));
        largest = fmax(largest, cabs(want));
        error = fmax(error, cabs((cplx)got[i] - want));
    }
    assert_true(error < 1e-6 * largest);

    struct toa_cfg toa_cfg = {.n_ant = PAIR,
                              .n_carrier = SMALL,
                              .spacing_hz = 1 / chip_s / SMALL,
                              .n_fft = 8 * SMALL,
                              .window = TOA_RECTANGULAR,
                              .parabola_of_root = true};
    struct toa_est *est = toa_est_create(&toa_cfg, NULL);
    struct toa_gate all = {0, SPEED_OF_LIGHT * SMALL * chip_s};
    for (size_t q = 0; q < STREAM_COUNT; q++) {
        struct toa toa;
        assert_int_equal(toa_estimate(est, got + q * LEN, &all, 0, &toa), OK);
        double coarse_s = toa.coarse_m / SPEED_OF_LIGHT, fine_s = toa.length_m / SPEED_OF_LIGHT;
        assert_true(fabs(coarse_s - golden_item(c, "tau_parab_os8", q)) < 2e-6 * chip_s);
        assert_true(fabs(fine_s - golden_item(c, "tau_ml", q)) < 2e-6 * chip_s);
    }
    toa_est_destroy(&est);
    json_decref(doc);
}

static void codes_reject_doppler(void **state)
{
    (void)state;
    json_t *doc = golden_load("ris_code.json"), *c, *list;
    list = json_object_get(doc, "HAD8");
    for (size_t q = 0; q < STREAM_COUNT; q++)
        for (size_t s = 0; s < 8; s++)
            assert_int_equal(stream_code(q, s),
                             json_integer_value(json_array_get(json_array_get(list, q), s)));
    size_t i;
    json_array_foreach(json_object_get(doc, "rejection_dB_64slots"), i, c)
    {
        double fd = golden_number(c, "fd");
        cplxf tone[SLOTS], out[STREAM_COUNT];
        for (size_t s = 0; s < SLOTS; s++)
            tone[s] = (cplxf)cexp(I * 2 * PI * fd * slot_s * (double)s);
        stream_mix(tone, SLOTS, 1, NULL, out);
        for (size_t q = 1; q < STREAM_COUNT; q++) {
            double db = 20 * log10((double)(cabsf(out[q]) / cabsf(out[0])));
            assert_true(db <= -50 || fd > 60);
            if (golden_item(c, "had8", q - 1) > -80) /* below, single precision rounds */
                assert_true(fabs(db - golden_item(c, "had8", q - 1)) < 0.05);
        }
    }
    json_decref(doc);
}

/* One path of a code in all slots; slot_gain [SLOTS] and channel gain may be NULL. */
struct path {
    enum stream_name code;
    double length_m, latency_s;
    cplx amp;
};

static void add_path(const struct path *p, const cplx *slot_gain, const cplx *channel,
                     size_t n_slots)
{
    for (size_t a = 0; a < ANT; a++) {
        double delay = p->latency_s + p->length_m / SPEED_OF_LIGHT;
        cplx row[K];
        for (size_t k = 0; k < K; k++)
            row[k] = p->amp * (channel ? channel[a] : 1) *
                     cexp(-I * 2 * PI * ((double)k - 405) * spacing_hz * delay);
        for (size_t s = 0; s < n_slots; s++) {
            cplx g = stream_code(p->code, s) * (slot_gain ? slot_gain[s] : 1);
            for (size_t k = 0; k < K; k++)
                h[(s * ANT + a) * K + k] += (cplxf)(g * row[k]);
        }
    }
}

static void add_leak(double latency_s, const cplx *slot_gain, const cplx *channel)
{
    struct stream_cfg cfg = lab();
    for (size_t a = 0; a < ANT; a++) {
        double delay = latency_s + cfg.leak_m[a] / SPEED_OF_LIGHT;
        cplx amp = channel[a] * cexp(-I * 2 * PI * 5.8e9 * cfg.leak_m[a] / SPEED_OF_LIGHT);
        for (size_t s = 0; s < SLOTS; s++)
            for (size_t k = 0; k < K; k++)
                h[(s * ANT + a) * K + k] +=
                    (cplxf)(slot_gain[s] * amp *
                            cexp(-I * 2 * PI * ((double)k - 405) * spacing_hz * delay));
    }
}

static double length_of(struct toa_est *est, enum stream_name q, double lo, double hi,
                        struct toa *toa)
{
    int rc = toa_estimate(est, w + (size_t)q * ANT * K, &(struct toa_gate){lo, hi}, 0, toa);
    assert_int_equal(rc, OK);
    return toa->length_m;
}

static struct toa_est *lab_toa(void)
{
    struct toa_cfg cfg = {
        .n_ant = ANT, .n_carrier = K, .spacing_hz = spacing_hz, .n_fft = 8192, .min_db = 12};
    return toa_est_create(&cfg, NULL);
}

static void the_leak_is_the_reference(void **state)
{
    (void)state;
    struct rng rng = rng_seed(1);
    struct stream_cfg cfg = lab();
    struct stream *st = stream_create(&cfg, NULL);
    struct toa_est *est = lab_toa();
    static const double latencies[] = {0, 164.37e-8, 612.9e-8};
    for (size_t i = 0; i < 3; i++) {
        cplx wander[SLOTS], channel[ANT];
        for (size_t s = 0; s < SLOTS; s++)
            wander[s] = cexp(I * (0.05 * (rng_u01(&rng) - 0.5) + 0.001 * (double)s));
        for (size_t a = 0; a < ANT; a++)
            channel[a] = (0.9 + 0.2 * rng_u01(&rng)) * cexp(I * 2 * PI * rng_u01(&rng));
        memset(h, 0, sizeof h);
        add_leak(latencies[i], wander, channel);
        add_path(&(struct path){STREAM_RIS1, 13.2, latencies[i], 2e-4}, wander, channel, SLOTS);
        add_path(&(struct path){STREAM_RIS2, 15.9, latencies[i], 3e-4 * I}, wander, channel, SLOTS);
        struct stream_ref ref;
        struct toa toa;
        stream_reset(st);
        assert_int_equal(stream_separate(st, h, SLOTS, w, &ref), OK);
        assert_true(fabs(ref.delay_s - latencies[i]) < 1e-12);
        assert_true(fabs(length_of(est, STREAM_RIS1, 5, 30, &toa) - 13.2) < 1e-3);
        for (size_t a = 0; a < ANT; a++) /* channels are calibrated: one and the same amplitude */
            assert_true(cabsf(toa.amp[a] - 2e-4f) < 2e-6f);
        assert_true(fabs(length_of(est, STREAM_RIS2, 5, 30, &toa) - 15.9) < 1e-3);
        assert_true(ref.wander_rad > 0.01f && ref.wander_rad < 0.05f);
        for (size_t k = 0; k < K; k++) { /* what is left of the leak's wander in a RIS stream */
            assert_true(cabsf(w[ANT * K + k]) < 4e-4f);
            assert_true(fabsf(cabsf(w[k]) - 1) < 1e-2f);
        }
    }
    /* the leak is held: another latency is an error until the reset */
    struct stream_ref ref;
    cplx ones[SLOTS];
    for (size_t s = 0; s < SLOTS; s++)
        ones[s] = 1;
    memset(h, 0, sizeof h);
    add_leak(2e-6, ones, ones);
    assert_int_equal(stream_separate(st, h, SLOTS, w, &ref), ERR_STATE);
    stream_reset(st);
    assert_int_equal(stream_separate(st, h, SLOTS, w, &ref), OK);
    memset(h, 0, sizeof h);
    for (size_t i = 0; i < SLOTS * ANT * K; i++)
        h[i] = (cplxf)rng_cn(&rng);
    assert_int_equal(stream_separate(st, h, SLOTS, w, &ref), ERR_NO_PEAK);
    assert_int_equal(stream_separate_response(st, h, 8, w, &ref), ERR_NO_PEAK);
    stream_destroy(&st);
    toa_est_destroy(&est);
}

/* A direct path, RIS paths 30 dB below it at distances down to half a chip, phase noise. */
static void the_first_arrival_is_the_reference_of_a_response(void **state)
{
    (void)state;
    struct rng rng = rng_seed(2);
    struct stream_cfg cfg = lab();
    struct stream *st = stream_create(&cfg, NULL);
    struct toa_est *est = lab_toa();
    static const double extra_m[] = {2, 5, 9};
    for (size_t i = 0; i < 3; i++) {
        cplx wander[8];
        double n[2];
        for (size_t s = 0; s < 8; s++) {
            rng_normal2(&rng, n);
            wander[s] = cexp(I * (0.006 * n[0] + 0.01 * (double)s));
        }
        memset(h, 0, sizeof h);
        double late_s = 3.3e-6;
        add_path(&(struct path){STREAM_STATIC, 5, late_s, 1e-3}, wander, NULL, 8);
        add_path(&(struct path){STREAM_RIS1, 5 + extra_m[i], late_s, 3e-5}, wander, NULL, 8);
        add_path(&(struct path){STREAM_RIS2, 5 + 2 * extra_m[i], late_s, 2e-5}, wander, NULL, 8);
        struct stream_ref ref;
        struct toa toa;
        assert_int_equal(stream_separate_response(st, h, 8, w, &ref), OK);
        assert_true(fabs(ref.delay_s - late_s - 5 / SPEED_OF_LIGHT) < 1e-11);
        double l0 = length_of(est, STREAM_STATIC, -5, 30, &toa);
        double l1 = length_of(est, STREAM_RIS1, -2, 30, &toa);
        double l2 = length_of(est, STREAM_RIS2, -2, 30, &toa);
        print_message("extra %.0f m: errors %.3f %.3f %.3f m\n", extra_m[i], l0, l1 - extra_m[i],
                      l2 - 2 * extra_m[i]);
        assert_true(fabs(l0) < 1e-3);
        assert_true(fabs(l1 - extra_m[i]) < 0.2);
        assert_true(fabs(l2 - 2 * extra_m[i]) < 0.2);
    }
    stream_destroy(&st);
    toa_est_destroy(&est);
}

static void bad_settings_are_refused(void **state)
{
    (void)state;
    struct stream_cfg bad[5];
    for (size_t i = 0; i < 5; i++)
        bad[i] = lab();
    bad[0].n_ant = 9;
    bad[1].n_carrier = 0;
    bad[2].spacing_hz = -1;
    bad[3].carrier_hz = NAN;
    bad[4].leak_m[2] = -0.1;
    for (size_t i = 0; i < 5; i++) {
        struct status err = {0};
        assert_null(stream_create(&bad[i], &err));
        assert_int_equal(err.code, ERR_ARG);
        assert_true(strlen(err.text) > 0);
    }
    struct stream *none = NULL;
    stream_destroy(&none);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(recorded_chain),
        cmocka_unit_test(codes_reject_doppler),
        cmocka_unit_test(the_leak_is_the_reference),
        cmocka_unit_test(the_first_arrival_is_the_reference_of_a_response),
        cmocka_unit_test(bad_settings_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
