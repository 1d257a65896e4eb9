/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Arrival estimates against recorded cases and against their bound. */
#include "dsp/rng.h"
#include "dsp/toa.h"
#include "tests/dsp/golden.h"
#include <math.h>

/* The recorded case: 816 carriers of a 100 MS/s, N = 1024 waveform. */
enum { K = 816, TRIALS = 600 };
static const double spacing_hz = 100e6 / 1024;

static struct toa_cfg recorded(size_t n_ant, size_t n_carrier, double spacing)
{
    return (struct toa_cfg){.n_ant = n_ant,
                            .n_carrier = n_carrier,
                            .spacing_hz = spacing,
                            .n_fft = 8 * n_carrier,
                            .window = TOA_RECTANGULAR,
                            .parabola_of_root = true};
}

static struct toa_cfg live(size_t n_ant)
{
    return (struct toa_cfg){.n_ant = n_ant,
                            .n_carrier = K,
                            .spacing_hz = spacing_hz,
                            .n_fft = 8192,
                            .min_db = 12,
                            .window = TOA_HAMMING};
}

static void add_path(cplxf *h, size_t n_carrier, double spacing, double length_m, cplx amp)
{
    for (size_t k = 0; k < n_carrier; k++) {
        double f = ((double)k - 0.5 * (double)(n_carrier - 1)) * spacing;
        h[k] += (cplxf)(amp * cexp(-I * 2 * PI * f * length_m / SPEED_OF_LIGHT));
    }
}

static void add_noise(struct rng *rng, cplxf *h, size_t n, double noise_var)
{
    for (size_t i = 0; i < n; i++)
        h[i] += (cplxf)(sqrt(noise_var) * rng_cn(rng));
}

static void small_recorded_vector(void **state)
{
    (void)state;
    json_t *doc = golden_load("toa_single.json"), *c = json_object_get(doc, "golden_small");
    enum { SMALL = 32 };
    double chip_s = 1 / golden_number(c, "B");
    cplxf h[SMALL];
    for (size_t k = 0; k < SMALL; k++)
        h[k] = CMPLXF((float)golden_item(c, "h_re", k), (float)golden_item(c, "h_im", k));
    struct toa_cfg cfg = recorded(1, SMALL, 1 / chip_s / SMALL);
    struct toa_gate all = {0, SPEED_OF_LIGHT * SMALL * chip_s};
    struct toa toa;
    struct toa_est *est = toa_est_create(&cfg, NULL);
    assert_int_equal(toa_estimate(est, h, &all, (float)golden_number(c, "s2"), &toa), OK);
    double parabola_s = toa.coarse_m / SPEED_OF_LIGHT, ml_s = toa.length_m / SPEED_OF_LIGHT;
    assert_true(fabs(parabola_s - golden_number(c, "parab_os8")) < 1e-6 * chip_s);
    assert_true(fabs(ml_s - golden_number(c, "ml")) < 1e-6 * chip_s);
    /* the reference's bound is that of amplitude 1, ours that of the amplitude found */
    double crlb_s = toa.sigma_m / SPEED_OF_LIGHT * (double)cabsf(toa.amp[0]);
    assert_true(fabs(crlb_s / golden_number(c, "crlb") - 1) < 1e-4);
    toa_est_destroy(&est);

    cfg.n_fft = SMALL;
    est = toa_est_create(&cfg, NULL);
    assert_int_equal(toa_estimate(est, h, &all, 1, &toa), OK);
    assert_true(fabs(toa.coarse_m / SPEED_OF_LIGHT - golden_number(c, "parab_chip")) <
                1e-6 * chip_s);
    toa_est_destroy(&est);
    json_decref(doc);
}

/* RMSE over the recorded trials; draws in the recorded order. */
static void recorded_rmse(struct toa_est *est, uint64_t seed, double e_n0_db, double *coarse_m,
                          double *fine_m)
{
    struct rng rng = rng_seed(seed);
    double band_hz = K * spacing_hz, noise_var = K / pow(10, e_n0_db / 10);
    struct toa_gate all = {0, SPEED_OF_LIGHT / spacing_hz};
    double coarse = 0, fine = 0;
    for (int t = 0; t < TRIALS; t++) {
        cplxf h[K] = {0};
        double length = SPEED_OF_LIGHT * (20 + 8 * rng_u01(&rng)) / band_hz;
        add_path(h, K, spacing_hz, length, cexp(I * 2 * PI * rng_u01(&rng)));
        add_noise(&rng, h, K, noise_var);
        struct toa toa;
        assert_int_equal(toa_estimate(est, h, &all, (float)noise_var, &toa), OK);
        coarse += pow(toa.coarse_m - length, 2) / TRIALS;
        fine += pow(toa.length_m - length, 2) / TRIALS;
    }
    *coarse_m = sqrt(coarse);
    *fine_m = sqrt(fine);
}

static void recorded_trials_give_the_recorded_rmse(void **state)
{
    (void)state;
    json_t *doc = golden_load("toa_single.json"), *all = json_object_get(doc, "single_80MHz");
    struct toa_cfg cfg = recorded(1, K, spacing_hz);
    struct toa_est *est = toa_est_create(&cfg, NULL);
    static const int e_n0_db[] = {14, 17, 20, 25, 30, 40, 60};
    for (size_t i = 0; i < sizeof e_n0_db / sizeof *e_n0_db; i++) {
        char name[8];
        snprintf(name, sizeof name, "%d", e_n0_db[i]);
        json_t *c = json_object_get(all, name);
        double coarse_m, fine_m, crlb_m = golden_number(c, "crlb_L_m");
        recorded_rmse(est, (uint64_t)golden_number(c, "seed"), e_n0_db[i], &coarse_m, &fine_m);
        double coarse = golden_number(json_object_get(c, "parab_os8"), "rmse_over_crlb");
        double fine = golden_number(json_object_get(c, "ml"), "rmse_over_crlb");
        print_message("E/N0 %d dB: parabola %.4f (%.4f), ML %.4f (%.4f) of the bound\n", e_n0_db[i],
                      coarse_m / crlb_m, coarse, fine_m / crlb_m, fine);
        assert_true(fabs(coarse_m / crlb_m - coarse) < 1e-3);
        assert_true(fabs(fine_m / crlb_m - fine) < 1e-3);
    }
    toa_est_destroy(&est);
    json_decref(doc);
}

/* The live settings, four antennas, the gate of a room, own noise estimate; E/N0 in one antenna. */
static void live_estimates_reach_the_bound(void **state)
{
    (void)state;
    struct toa_cfg cfg = live(4);
    struct toa_est *est = toa_est_create(&cfg, NULL);
    struct toa_gate gate = {2, 30};
    struct rng rng = rng_seed(11);
    for (int db = 17; db <= 50; db += 3) {
        double ratio = 0, sigma_m = 0;
        for (int t = 0; t < TRIALS; t++) {
            cplxf h[4 * K] = {0};
            double length = 4 + 20 * rng_u01(&rng), noise_var = K / pow(10, db / 10.0);
            for (size_t a = 0; a < 4; a++)
                add_path(h + a * K, K, spacing_hz, length, cexp(I * 2 * PI * rng_u01(&rng)));
            add_noise(&rng, h, 4 * K, noise_var);
            struct toa toa;
            assert_int_equal(toa_estimate(est, h, &gate, 0, &toa), OK);
            ratio += pow((toa.length_m - length) / toa.sigma_m, 2) / TRIALS;
            sigma_m += toa.sigma_m / TRIALS;
        }
        print_message("E/N0 %d dB: RMSE %.3f of the bound, sigma %.1f mm\n", db, sqrt(ratio),
                      1e3 * sigma_m);
        assert_in_range((unsigned)(1e3 * sqrt(ratio)), 900, 1100);
    }
    toa_est_destroy(&est);
}

static void noise_is_measured_from_the_profile(void **state)
{
    (void)state;
    for (size_t n_ant = 1; n_ant <= 4; n_ant *= 2) {
        struct toa_cfg cfg = live(n_ant);
        struct toa_est *est = toa_est_create(&cfg, NULL);
        struct toa_gate gate = {2, 30};
        struct rng rng = rng_seed(n_ant);
        double mean = 0;
        for (int t = 0; t < 50; t++) {
            cplxf h[4 * K] = {0};
            add_path(h, K, spacing_hz, 10, 1);
            add_noise(&rng, h, n_ant * K, 0.3);
            struct toa toa;
            assert_int_equal(toa_estimate(est, h, &gate, 0, &toa), OK);
            mean += (double)toa.noise_var / 50;
        }
        assert_true(fabs(mean / 0.3 - 1) < 0.05);
        toa_est_destroy(&est);
    }
}

static void the_gate_hides_a_stronger_path(void **state)
{
    (void)state;
    struct toa_cfg cfg = live(1);
    struct toa_est *est = toa_est_create(&cfg, NULL);
    cplxf h[K] = {0};
    struct toa toa;
    struct rng rng = rng_seed(5);
    add_path(h, K, spacing_hz, 3, 10);
    add_path(h, K, spacing_hz, 20, 1);
    add_noise(&rng, h, K, 1e-3);
    assert_int_equal(toa_estimate(est, h, &(struct toa_gate){12, 30}, 0, &toa), OK);
    assert_true(fabs(toa.length_m - 20) < 0.3); /* the stronger path's side lobes remain */
    assert_int_equal(toa_estimate(est, h, &(struct toa_gate){-5, 30}, 0, &toa), OK);
    assert_true(fabs(toa.length_m - 3) < 0.03);
    toa_est_destroy(&est);
}

static void noise_alone_is_no_path(void **state)
{
    (void)state;
    struct toa_cfg cfg = live(4);
    struct toa_est *est = toa_est_create(&cfg, NULL);
    struct rng rng = rng_seed(6);
    for (int t = 0; t < 20; t++) {
        cplxf h[4 * K] = {0};
        struct toa toa;
        add_noise(&rng, h, 4 * K, 1);
        assert_int_equal(toa_estimate(est, h, &(struct toa_gate){2, 30}, 0, &toa), ERR_NO_PEAK);
        assert_true(toa.peak_db < 12);
    }
    cplxf nothing[4 * K] = {0};
    struct toa toa;
    assert_int_equal(toa_estimate(est, nothing, &(struct toa_gate){2, 30}, 0, &toa), ERR_NO_PEAK);
    toa_est_destroy(&est);
}

static void bad_settings_are_refused(void **state)
{
    (void)state;
    struct toa_cfg good = live(4), bad[6];
    for (size_t i = 0; i < 6; i++)
        bad[i] = good;
    bad[0].n_ant = 0;
    bad[1].n_carrier = 2;
    bad[2].spacing_hz = 0;
    bad[3].n_fft = K - 1;
    bad[4].min_db = -1;
    bad[5].spacing_hz = NAN;
    for (size_t i = 0; i < 6; i++) {
        struct status err = {0};
        assert_null(toa_est_create(&bad[i], &err));
        assert_int_equal(err.code, ERR_ARG);
        assert_true(strlen(err.text) > 0);
    }
    struct toa_est *est = toa_est_create(&good, NULL), *none = NULL;
    cplxf h[4 * K] = {0};
    struct toa toa;
    assert_int_equal(toa_estimate(est, h, &(struct toa_gate){5, 5}, 0, &toa), ERR_ARG);
    assert_int_equal(toa_estimate(est, h, &(struct toa_gate){0, 4000}, 0, &toa), ERR_ARG);
    assert_int_equal(toa_estimate(est, h, &(struct toa_gate){NAN, 9}, 0, &toa), ERR_ARG);
    toa_est_destroy(&est);
    assert_null(est);
    toa_est_destroy(&none);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(small_recorded_vector),
        cmocka_unit_test(recorded_trials_give_the_recorded_rmse),
        cmocka_unit_test(live_estimates_reach_the_bound),
        cmocka_unit_test(noise_is_measured_from_the_profile),
        cmocka_unit_test(the_gate_hides_a_stronger_path),
        cmocka_unit_test(noise_alone_is_no_path),
        cmocka_unit_test(bad_settings_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
