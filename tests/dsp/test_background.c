/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The empty room: captured, refused when something moves, subtracted; and what replaces it. */
#include "dsp/background.h"
#include "dsp/rng.h"
#include "tests/dsp/golden.h"
#include <math.h>

enum { K = 811, ANT = 4, LEN = ANT * K };
static const double spacing_hz = 100e6 / 1024;
static cplxf w[LEN], out[LEN];

static struct background_cfg lab(void)
{
    return (struct background_cfg){.n_ant = ANT,
                                   .n_carrier = K,
                                   .spacing_hz = spacing_hz,
                                   .max_entries = 4,
                                   .min_cycles = 8,
                                   .room_m = 60,
                                   .motion_ratio = 4,
                                   .forget = 0.1,
                                   .settle_cycles = 10};
}

/* Static room, a person at length_m (amplitude 0: none), noise. */
static void make_cycle(struct rng *rng, double length_m, double amp, double noise_var)
{
    for (size_t a = 0; a < ANT; a++) {
        for (size_t k = 0; k < K; k++) {
            double f = ((double)k - 405) * spacing_hz;
            cplx v = 1 + 0.01 * cexp(-I * 2 * PI * f * 31 / SPEED_OF_LIGHT);
            v += amp * cexp(-I * 2 * PI * (f + 5.8e9) * length_m / SPEED_OF_LIGHT);
            w[a * K + k] = (cplxf)(v + sqrt(noise_var) * rng_cn(rng));
        }
    }
}

static double power(const cplxf *v)
{
    double sum = 0;
    for (size_t i = 0; i < LEN; i++)
        sum += (double)cplxf_norm(v[i]) / LEN;
    return sum;
}

static void an_empty_room_is_learned_and_subtracted(void **state)
{
    (void)state;
    struct background_cfg cfg = lab();
    struct background *bg = background_create(&cfg, NULL);
    struct rng rng = rng_seed(1);
    struct status err = {0};
    assert_int_equal(background_finish(bg, &err), ERR_STATE);
    assert_int_equal(background_add(bg, STREAM_STATIC, 0, w), ERR_STATE);
    background_begin(bg);
    for (int i = 0; i < 25; i++) {
        make_cycle(&rng, 0, 0, 1e-6);
        assert_int_equal(background_add(bg, STREAM_STATIC, 0, w), OK);
        assert_int_equal(background_add(bg, STREAM_RIS1, 77, w), OK);
    }
    assert_false(background_valid(bg, STREAM_STATIC, 0));
    assert_int_equal(background_finish(bg, &err), OK);
    assert_true(background_valid(bg, STREAM_STATIC, 0));
    assert_true(background_valid(bg, STREAM_RIS1, 77));
    assert_false(background_valid(bg, STREAM_RIS1, 78)); /* another profile, another room */
    assert_false(background_valid(bg, STREAM_RIS2, 77));
    make_cycle(&rng, 12, 1e-2, 1e-6);
    assert_int_equal(background_subtract(bg, STREAM_STATIC, 0, w, out), BACKGROUND_EMPTY_ROOM);
    assert_true(fabs(power(out) / (1e-4 + 1.04e-6) - 1) < 0.05); /* person, noise, learned noise */
    assert_int_equal(background_subtract(bg, STREAM_RIS1, 78, w, out), BACKGROUND_SETTLING);
    background_clear(bg);
    assert_false(background_valid(bg, STREAM_STATIC, 0));
    background_destroy(&bg);
    assert_null(bg);
}

static void motion_and_haste_are_refused(void **state)
{
    (void)state;
    struct background_cfg cfg = lab();
    struct background *bg = background_create(&cfg, NULL);
    struct status err = {0};
    for (uint64_t seed = 0; seed < 20;
         seed++) { /* someone walks: 0.2 m a cycle, 6 dB under noise */
        struct rng rng = rng_seed(seed);
        background_begin(bg);
        for (int i = 0; i < 12; i++) {
            make_cycle(&rng, 10 + 0.2 * i, 0.5e-3, 1e-6);
            assert_int_equal(background_add(bg, STREAM_STATIC, 0, w), OK);
        }
        assert_int_equal(background_finish(bg, &err), ERR_BUSY);
        assert_true(strlen(err.text) > 0);
        assert_false(background_valid(bg, STREAM_STATIC, 0));
        background_begin(bg); /* nobody: no false alarm */
        for (int i = 0; i < 12; i++) {
            make_cycle(&rng, 0, 0, 1e-6);
            assert_int_equal(background_add(bg, STREAM_STATIC, 0, w), OK);
        }
        assert_int_equal(background_finish(bg, &err), OK);
        background_clear(bg);
    }
    background_begin(bg);
    for (int i = 0; i < 7; i++)
        assert_int_equal(background_add(bg, STREAM_STATIC, 0, w), OK);
    assert_int_equal(background_finish(bg, &err), ERR_STATE);
    background_begin(bg);
    for (uint64_t config = 1; config < 4; config++)
        assert_int_equal(background_add(bg, STREAM_RIS1, config, w), OK);
    assert_int_equal(background_add(bg, STREAM_RIS1, 4, w), ERR_NO_SPACE);
    background_abort(bg);
    assert_int_equal(background_add(bg, STREAM_RIS1, 1, w), ERR_STATE);
    background_destroy(&bg);
}

static void a_room_not_yet_known_fades(void **state)
{
    (void)state;
    struct background_cfg cfg = lab();
    struct background *bg = background_create(&cfg, NULL);
    struct rng rng = rng_seed(3);
    enum background_kind kind = BACKGROUND_SETTLING;
    for (int i = 0; i < 40; i++) {
        make_cycle(&rng, 8 + 0.2 * i, 1e-2, 1e-8); /* walks */
        kind = background_subtract(bg, STREAM_STATIC, 0, w, w);
        assert_int_equal(kind, i < 10 ? BACKGROUND_SETTLING : BACKGROUND_ADAPTIVE);
    }
    assert_true(power(w) > 0.7e-4 && power(w) < 1.5e-4); /* the room is gone, the walker is not */
    for (int i = 0; i < 60; i++) {
        make_cycle(&rng, 16, 1e-2, 1e-8); /* stands */
        background_subtract(bg, STREAM_STATIC, 0, w, out);
    }
    assert_true(power(out) < 1e-6);
    background_destroy(&bg);
}

static void bad_settings_are_refused(void **state)
{
    (void)state;
    struct background_cfg bad[6];
    for (size_t i = 0; i < 6; i++)
        bad[i] = lab();
    bad[0].n_ant = 0;
    bad[1].max_entries = 0;
    bad[2].min_cycles = 3;
    bad[3].room_m = 1000;
    bad[4].motion_ratio = 1;
    bad[5].forget = 1;
    for (size_t i = 0; i < 6; i++) {
        struct status err = {0};
        assert_null(background_create(&bad[i], &err));
        assert_int_equal(err.code, ERR_ARG);
        assert_true(strlen(err.text) > 0);
    }
    struct background *none = NULL;
    background_destroy(&none);
}

/* Follows the room for so many cycles. */
static void follow(struct background *bg, struct rng *rng, int cycles, double amp)
{
    for (int i = 0; i < cycles; i++) {
        make_cycle(rng, 9, amp, 1e-6);
        background_subtract(bg, STREAM_STATIC, 0, w, out);
    }
}

static void drift_is_measured_against_the_noise(void **state)
{
    (void)state;
    struct background_cfg cfg = lab();
    struct background *bg = background_create(&cfg, NULL);
    struct rng rng = rng_seed(5);
    struct status err = {0};
    background_begin(bg);
    for (int i = 0; i < 10; i++) {
        make_cycle(&rng, 0, 0, 1e-6);
        assert_int_equal(background_add(bg, STREAM_STATIC, 0, w), OK);
    }
    assert_true(background_drift(bg, STREAM_STATIC, 0) == 0);
    assert_int_equal(background_finish(bg, &err), OK);
    follow(bg, &rng, 9, 0);
    assert_true(background_drift(bg, STREAM_STATIC, 0) == 0); /* too early to tell */
    follow(bg, &rng, 40, 0);
    double still = background_drift(bg, STREAM_STATIC, 0);
    follow(bg, &rng, 30, 2e-4);
    double creeping = background_drift(bg, STREAM_STATIC, 0);
    follow(bg, &rng, 30, 1e-2);
    double person = background_drift(bg, STREAM_STATIC, 0);
    print_message("drift: nothing %.1f, -74 dB %.1f, a person %.0f\n", still, creeping, person);
    assert_true(still > 1 && still < 8);
    assert_true(creeping > 3 * still);
    assert_true(person > 1e4);
    background_destroy(&bg);
}

static void a_background_outlives_its_process(void **state)
{
    (void)state;
    static cplxf kept[LEN], back[LEN];
    struct background_cfg cfg = lab();
    struct background *bg = background_create(&cfg, NULL);
    struct rng rng = rng_seed(6);
    assert_false(background_export(bg, STREAM_RIS1, 7, kept));
    make_cycle(&rng, 0, 0, 0);
    memcpy(kept, w, sizeof kept);
    assert_int_equal(background_import(bg, STREAM_RIS1, 7, kept), OK);
    assert_true(background_valid(bg, STREAM_RIS1, 7));
    assert_false(background_valid(bg, STREAM_RIS1, 8)); /* another profile */
    make_cycle(&rng, 0, 0, 1e-6);
    assert_int_equal(background_subtract(bg, STREAM_RIS1, 7, w, out), BACKGROUND_EMPTY_ROOM);
    assert_true(power(out) < 2e-6);
    assert_true(background_export(bg, STREAM_RIS1, 7, back));
    assert_memory_equal(back, kept, sizeof kept);
    for (uint64_t config = 8; config < 11; config++)
        assert_int_equal(background_import(bg, STREAM_RIS1, config, kept), OK);
    assert_int_equal(background_import(bg, STREAM_RIS1, 11, kept), ERR_NO_SPACE);
    background_destroy(&bg);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_empty_room_is_learned_and_subtracted),
        cmocka_unit_test(motion_and_haste_are_refused),
        cmocka_unit_test(a_room_not_yet_known_fades),
        cmocka_unit_test(bad_settings_are_refused),
        cmocka_unit_test(drift_is_measured_against_the_noise),
        cmocka_unit_test(a_background_outlives_its_process),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
