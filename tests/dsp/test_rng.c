/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "dsp/rng.h"
#include "tests/dsp/golden.h"
#include <inttypes.h>
#include <math.h>

static void check_integers(json_t *doc, const char *key, uint64_t seed)
{
    struct rng rng = rng_seed(seed);
    json_t *list = json_object_get(doc, key);
    assert_int_equal(json_array_size(list), 5);
    for (size_t i = 0; i < 5; i++) {
        char got[32];
        snprintf(got, sizeof got, "%" PRIu64, rng_next(&rng));
        assert_string_equal(got, json_string_value(json_array_get(list, i)));
    }
}

static void outputs_are_the_published_ones(void **state)
{
    (void)state;
    json_t *doc = golden_load("prng.json");
    check_integers(doc, "seed0_first5", 0);
    check_integers(doc, "seed1234567_first5", 1234567);
    struct rng uniform = rng_seed(42), normal = rng_seed(42);
    for (size_t i = 0; i < 4; i++)
        assert_true(fabs(rng_u01(&uniform) - golden_item(doc, "seed42_u01_first4", i)) < 1e-14);
    for (size_t i = 0; i < 6; i += 2) {
        double n[2];
        rng_normal2(&normal, n);
        assert_true(fabs(n[0] - golden_item(doc, "seed42_normal_first6", i)) < 1e-14);
        assert_true(fabs(n[1] - golden_item(doc, "seed42_normal_first6", i + 1)) < 1e-14);
    }
    json_decref(doc);
}

static void complex_normal_has_unit_power_and_no_preferred_phase(void **state)
{
    (void)state;
    enum { N = 100000 };
    struct rng rng = rng_seed(7);
    double power = 0;
    cplx square = 0;
    for (int i = 0; i < N; i++) {
        cplx z = rng_cn(&rng);
        power += cplx_norm(z) / N;
        square += z * z / N;
    }
    assert_true(fabs(power - 1) < 5 / sqrt(N)); /* five sigma */
    assert_true(cabs(square) < 5 * sqrt(2.0 / N));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(outputs_are_the_published_ones),
        cmocka_unit_test(complex_normal_has_unit_power_and_no_preferred_phase),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
