/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "calib/array.h"
#include "dsp/array.h"
#include "dsp/rng.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

enum { ANT = 4, OBS = 12, TRIALS = 2000 };
#define WAVELENGTH_M 0.0517

struct trial {
    cplx channel[ANT]; /* truth, scaled as the estimator scales */
    cplxf y[OBS * ANT], steering[OBS * ANT];
};

static void draw(struct trial *t, struct rng *rng, double noise_rms)
{
    struct vec3 at[ANT];
    double sum = 0;
    for (int m = 0; m < ANT; m++) {
        at[m] = (struct vec3){0.5, 0.5 + 0.5 * WAVELENGTH_M * m, 2.2};
        t->channel[m] = pow(10, 0.3 * (rng_u01(rng) - 0.5)) * cexp(2 * PI * I * rng_u01(rng));
        sum += cplx_norm(t->channel[m]);
    }
    for (int m = ANT - 1; m >= 0; m--)
        t->channel[m] *= sqrt(ANT / sum) * conj(t->channel[0]) / cabs(t->channel[0]);
    for (int n = 0; n < OBS; n++) {
        struct vec3 p = {2 + 4 * rng_u01(rng), 2 + 4 * rng_u01(rng), 1.2};
        cplx s = (0.5 + rng_u01(rng)) * cexp(2 * PI * I * rng_u01(rng));
        array_steer(at, ANT, at[0], p, WAVELENGTH_M, &t->steering[n * ANT]);
        for (int m = 0; m < ANT; m++)
            t->y[n * ANT + m] = (cplxf)(s * t->channel[m] * (cplx)t->steering[n * ANT + m] +
                                        noise_rms * rng_cn(rng));
    }
}

static void the_error_is_the_bound(void **state)
{
    struct rng rng = rng_seed(1);
    double phase = 0, gain = 0;
    (void)state;
    for (int i = 0; i < TRIALS; i++) {
        struct trial t;
        struct array_calib c;
        draw(&t, &rng, 0.01);
        assert_int_equal(array_calib_estimate(t.y, t.steering, OBS, ANT, &c), OK);
        for (int m = 1; m < ANT; m++) {
            cplx error = c.channel[m] / t.channel[m] / (c.channel[0] / t.channel[0]);
            phase += pow(carg(error) / c.sigma_rad[m], 2) / (TRIALS * (ANT - 1));
            gain += pow(log(cabs(error)) / c.sigma_rad[m], 2) / (TRIALS * (ANT - 1));
        }
        assert_true(c.noise_var > 0.3e-4 && c.noise_var < 3e-4);
    }
    print_message("rms over bound: phase %.3f, gain %.3f\n", sqrt(phase), sqrt(gain));
    assert_true(sqrt(phase) > 0.93 && sqrt(phase) < 1.07);
    assert_true(sqrt(gain) > 0.93 && sqrt(gain) < 1.07);
}

static void a_known_source_matches_once_channels_are_known(void **state)
{
    struct rng rng = rng_seed(2);
    double before = 0;
    (void)state;
    for (int i = 0; i < 50; i++) {
        struct trial t;
        struct array_calib c;
        draw(&t, &rng, 0.02);
        assert_int_equal(array_calib_estimate(t.y, t.steering, OBS, ANT, &c), OK);
        cplxf corrected[ANT];
        for (int m = 0; m < ANT; m++)
            corrected[m] = (cplxf)((cplx)t.y[m] / c.channel[m]);
        assert_true(array_match(t.steering, corrected, ANT) > 0.99f);
        assert_true(c.match > 0.95 && c.match <= 1 + 1e-12);
        before = fmax(before, 1 - (double)array_match(t.steering, t.y, ANT));
    }
    assert_true(before > 0.3); /* the draw was no easy one */
}

static void what_gives_no_channels_is_refused(void **state)
{
    struct rng rng = rng_seed(3);
    struct array_calib c;
    struct trial t;
    (void)state;
    draw(&t, &rng, 0.01);
    assert_int_equal(array_calib_estimate(t.y, t.steering, 1, ANT, &c), ERR_ARG);
    assert_int_equal(array_calib_estimate(t.y, t.steering, OBS, 1, &c), ERR_ARG);
    assert_int_equal(array_calib_estimate(t.y, t.steering, OBS, 9, &c), ERR_ARG);
    for (int n = 0; n < OBS; n++)
        t.y[n * ANT + 2] = 0;
    assert_int_equal(array_calib_estimate(t.y, t.steering, OBS, ANT, &c), ERR_NOT_FOUND);
    for (int n = 0; n < OBS * ANT; n++)
        t.y[n] = (cplxf)rng_cn(&rng);
    assert_int_equal(array_calib_estimate(t.y, NULL, OBS, ANT, &c), ERR_NOT_FOUND);
    for (int n = 0; n < OBS * ANT; n++)
        t.y[n] = NAN;
    assert_int_equal(array_calib_estimate(t.y, NULL, OBS, ANT, &c), ERR_NOT_FOUND);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_error_is_the_bound),
        cmocka_unit_test(a_known_source_matches_once_channels_are_known),
        cmocka_unit_test(what_gives_no_channels_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
