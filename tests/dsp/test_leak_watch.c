/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Steps of a channel and clipping, found in what is received. */
#include "dsp/clip.h"
#include "dsp/leak_watch.h"
#include "dsp/rng.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

enum { ANT = 4, N = 65536 };

/* Taps with a phase common to all and noise 60 dB down. */
static void burst(struct rng *rng, const cplxf base[ANT], cplxf tap[ANT])
{
    const float common = (float)(2 * PI * rng_u01(rng));
    for (size_t a = 0; a < ANT; a++) {
        double n[2];
        rng_normal2(rng, n);
        tap[a] =
            base[a] * cexpf(I * common) + cabsf(base[a]) * 7e-4f * ((float)n[0] + I * (float)n[1]);
    }
}

static void only_steps_are_steps(void **state)
{
    (void)state;
    static const struct {
        float db, degrees;
        bool step;
    } cases[] = {{0, 0, false}, {0.4f, 0, false}, {0, 4, false}, {0.5f, 0, true}, {-0.5f, 0, true},
                 {0, 5, true},  {0, -5.0f, true}, {3, 0, true},  {0, 90, true},   {-40, 0, true}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        for (size_t a = 0; a < ANT; a++) {
            struct leak_watch watch = {0};
            struct rng rng;
            cplxf base[ANT] = {1, 0.8f * I, -1.1f, 0.3f}, tap[ANT];
            rng = rng_seed(10 * i + a);
            for (int quiet = 0; quiet < 50; quiet++) {
                burst(&rng, base, tap);
                assert_false(leak_watch_look(&watch, tap, ANT));
            }
            base[a] *= powf(10, cases[i].db / 20) * cexpf(I * cases[i].degrees * (float)PI / 180);
            burst(&rng, base, tap);
            assert_int_equal(leak_watch_look(&watch, tap, ANT), cases[i].step);
            burst(&rng, base, tap); /* it stays there: no step any more, unless it is gone */
            assert_int_equal(leak_watch_look(&watch, tap, ANT), cases[i].db < -20);
        }
}

static void slow_drift_is_no_step(void **state)
{
    (void)state;
    struct leak_watch watch = {0};
    struct rng rng;
    cplxf base[ANT] = {1, 1, 1, 1}, tap[ANT];
    rng = rng_seed(3);
    for (int i = 0; i < 500; i++) {
        base[2] *= cexpf(I * 2.0f * (float)PI / 180) * powf(10, 0.001f);
        burst(&rng, base, tap);
        assert_false(leak_watch_look(&watch, tap, ANT));
    }
    leak_watch_reset(&watch);
    base[1] *= -1;
    burst(&rng, base, tap);
    assert_false(leak_watch_look(&watch, tap, ANT));
}

/* Gaussian of the given rms, limited. */
static void fill(struct sc16 *x, double rms, double limit)
{
    struct rng rng;
    rng = rng_seed(7);
    for (size_t i = 0; i < N; i++) {
        double n[2];
        rng_normal2(&rng, n);
        x[i].i = (int16_t)lrint(fmax(-limit, fmin(limit, rms * n[0])));
        x[i].q = (int16_t)lrint(fmax(-limit, fmin(limit, rms * n[1])));
    }
}

static void clipping_is_found_at_any_limit(void **state)
{
    (void)state;
    static struct sc16 x[N];
    fill(x, 7000, 32767);
    assert_false(clip_found(x, N));
    fill(x, 12000, 32767); /* 0.6 % over full scale */
    assert_true(clip_found(x, N));
    fill(x, 7000, 14000); /* 4.6 % over a limit below full scale */
    assert_true(clip_found(x, N));
    fill(x, 3, 32767); /* quiet noise repeats its values */
    assert_false(clip_found(x, N));
    memset(x, 0, sizeof x);
    assert_false(clip_found(x, N));
    assert_false(clip_found(x, 0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_steps_are_steps),
        cmocka_unit_test(slow_drift_is_no_step),
        cmocka_unit_test(clipping_is_found_at_any_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
