/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The ladder of modulations and codes switches where slots hold: whole slots of profile lab in
 * white noise, about the SNR at which each scheme may be chosen. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "dsp/data_code.h"
#include "dsp/rng.h"

enum { POINTS = 63840, HOLDS = 20, FAILS = 5 };

struct air {
    struct data_code *code;
    cplxf *clean, *noisy;
    float *weight;
    uint8_t *sent, *got;
    struct rng rng;
};

static void begin(struct air *a, unsigned mcs)
{
    struct status err;
    *a = (struct air){.code = data_code_create(data_mcs(mcs), POINTS, &err), .rng = rng_seed(mcs)};
    assert_non_null(a->code);
    const size_t n = data_code_bytes(a->code);
    a->clean = calloc(POINTS, sizeof *a->clean);
    a->noisy = calloc(POINTS, sizeof *a->noisy);
    a->weight = calloc(POINTS, sizeof *a->weight);
    a->sent = calloc(n, 1);
    a->got = calloc(n, 1);
    for (size_t i = 0; i < POINTS; i++)
        a->weight[i] = 1;
    for (size_t i = 0; i < n; i++)
        a->sent[i] = (uint8_t)(rng_next(&a->rng) >> 56);
    data_code_encode(a->code, a->sent, a->clean);
}

static void end(struct air *a)
{
    data_code_destroy(&a->code);
    free(a->clean);
    free(a->noisy);
    free(a->weight);
    free(a->sent);
    free(a->got);
}

static size_t failures(struct air *a, double snr_db, size_t n)
{
    const double sigma = pow(10, -snr_db / 20);
    size_t failed = 0;
    for (size_t frame = 0; frame < n; frame++) {
        float evm;
        for (size_t i = 0; i < POINTS; i++)
            a->noisy[i] = a->clean[i] + (cplxf)(sigma * rng_cn(&a->rng));
        const int rc = data_code_decode(a->code, a->noisy, a->weight, a->got, &evm);
        failed += rc != OK;
        if (rc == OK)
            assert_memory_equal(a->got, a->sent, data_code_bytes(a->code));
    }
    return failed;
}

static void schemes_hold_from_their_switching_point_on(void **state)
{
    (void)state;
    for (unsigned mcs = 0; mcs < DATA_MCS_COUNT; mcs++) {
        struct air a;
        begin(&a, mcs);
        const double from_db = (double)data_mcs(mcs)->snr_db;
        const size_t above = failures(&a, from_db + 1, HOLDS);
        const size_t below = failures(&a, from_db - 2, FAILS);
        if (10 * above > HOLDS || below < FAILS)
            fail_msg("%s: of %d slots %zu fail 1 dB above %.1f dB, of %d %zu 2 dB below it",
                     data_mcs(mcs)->name, HOLDS, above, from_db, FAILS, below);
        end(&a);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(schemes_hold_from_their_switching_point_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
