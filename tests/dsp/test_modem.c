/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Bit error rates against theory in white noise, MRC gain, common turns, and the Golay code. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "dsp/modem.h"

#define K 811

/* Test-local generator, so that this test rests on nothing else of ours. */
static uint64_t seed = 5;

static double uniform(void)
{
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    return ((double)(seed >> 11) + 0.5) * 0x1p-53;
}

static cplxf noise(float variance)
{
    double r = sqrt(-variance * log(uniform())), t = 2 * PI * uniform();
    return (float)(r * cos(t)) + I * (float)(r * sin(t));
}

static struct frame_modem *make(enum modem_scheme scheme, size_t n_byte, size_t n_ant, bool golay)
{
    struct status err = {0};
    struct frame_modem *m = frame_modem_create(
        &(struct frame_modem_cfg){
            .n_byte = n_byte, .n_carrier = K, .n_ant = n_ant, .scheme = scheme, .golay = golay},
        &err);
    assert_non_null(m);
    return m;
}

/* data = h s[k mod n] turned + noise, h of unit mean power and random phase per carrier. */
static void channel(const cplxf *symbols, size_t n_symbol, size_t n_ant, float variance, float turn,
                    cplxf *data, cplxf *h)
{
    for (size_t a = 0; a < n_ant; a++) {
        for (size_t k = 0; k < K; k++) {
            size_t i = a * K + k;
            double phase = 2 * PI * uniform();
            h[i] = (float)cos(phase) + I * (float)sin(phase);
            data[i] = h[i] * symbols[k % n_symbol] * cexpf(I * turn) +
                      (variance > 0 ? noise(variance) : 0);
        }
    }
}

static unsigned bit_errors(const uint8_t *a, const uint8_t *b, size_t n)
{
    unsigned errors = 0;
    for (size_t i = 0; i < n; i++)
        errors += (unsigned)__builtin_popcount(a[i] ^ b[i]);
    return errors;
}

static void random_bytes(uint8_t *bytes, size_t n)
{
    for (size_t i = 0; i < n; i++)
        bytes[i] = (uint8_t)(uniform() * 256);
}

static double q_function(double x)
{
    return 0.5 * erfc(x / sqrt(2));
}

/* Exact for Gray mapping; snr per symbol. */
static double theory(enum modem_scheme scheme, double snr)
{
    switch (scheme) {
    case MODEM_BPSK:
        return q_function(sqrt(2 * snr));
    case MODEM_QPSK:
        return q_function(sqrt(snr));
    default:
        return 0.75 * q_function(sqrt(snr / 5)) + 0.5 * q_function(3 * sqrt(snr / 5)) -
               0.25 * q_function(5 * sqrt(snr / 5));
    }
}

/* Measured bit error rate of the 40-bit frame at an SNR per symbol after combining. The number of
 * carriers behind a symbol varies by one, so noise is scaled by the mean; the tolerance covers it.
 */
static double measure(enum modem_scheme scheme, double snr, size_t n_ant, unsigned frames)
{
    static cplxf data[2 * K], h[2 * K], symbols[MODEM_SYMBOLS_MAX];
    struct frame_modem *m = make(scheme, 5, n_ant, false);
    const size_t n = frame_modem_symbols(m);
    const double gain = (double)n_ant * K / (double)n;
    unsigned errors = 0;
    for (unsigned f = 0; f < frames; f++) {
        uint8_t sent[5], got[5];
        random_bytes(sent, sizeof sent);
        frame_modem_modulate(m, sent, symbols);
        channel(symbols, n, n_ant, (float)(gain / snr), 0, data, h);
        assert_int_equal(frame_modem_demodulate(m, data, h, got, NULL), OK);
        errors += bit_errors(sent, got, 5);
    }
    frame_modem_destroy(&m);
    return (double)errors / (40.0 * frames);
}

/* BPSK and QPSK are measured where the turn estimator has enough decisions to lean on. */
static void error_rates_follow_theory(void **state)
{
    (void)state;
    const struct {
        enum modem_scheme scheme;
        double snr_db;
    } cases[] = {{MODEM_BPSK, 6}, {MODEM_QPSK, 9}, {MODEM_QAM16, 16}};
    for (size_t i = 0; i < 3; i++) {
        double snr = pow(10, cases[i].snr_db / 10);
        double expected = theory(cases[i].scheme, snr);
        double got = measure(cases[i].scheme, snr, 1, 8000);
        print_message("scheme %d at %g dB: BER %.2e, theory %.2e\n", (int)cases[i].scheme,
                      cases[i].snr_db, got, expected);
        assert_true(got > 0.75 * expected && got < 1.35 * expected);
    }
}

static void antennas_combine(void **state)
{
    (void)state;
    double snr = pow(10, 0.9);
    double two = measure(MODEM_QPSK, snr, 2, 6000); /* same SNR after combining: same rate */
    assert_true(two > 0.7 * theory(MODEM_QPSK, snr) && two < 1.4 * theory(MODEM_QPSK, snr));
}

static void symbols_have_unit_power_and_the_right_count(void **state)
{
    (void)state;
    const size_t counts[] = {40, 20, 10};
    cplxf symbols[MODEM_SYMBOLS_MAX];
    uint8_t bytes[16];
    for (int scheme = MODEM_BPSK; scheme <= MODEM_QAM16; scheme++) {
        struct frame_modem *m = make((enum modem_scheme)scheme, 5, 1, false);
        assert_int_equal(frame_modem_symbols(m), counts[scheme]);
        double power = 0;
        for (int f = 0; f < 2000; f++) {
            random_bytes(bytes, 5);
            frame_modem_modulate(m, bytes, symbols);
            for (size_t s = 0; s < counts[scheme]; s++)
                power += cplxf_norm(symbols[s]) / (double)counts[scheme] / 2000;
        }
        assert_float_equal(power, 1.0, 0.02);
        frame_modem_destroy(&m);
    }
    struct frame_modem *m = make(MODEM_QPSK, 16, 1, true);
    assert_int_equal(frame_modem_symbols(m), 132);
    frame_modem_destroy(&m);
}

static void every_scheme_survives_a_common_turn(void **state)
{
    (void)state;
    static cplxf data[4 * K], h[4 * K], symbols[MODEM_SYMBOLS_MAX];
    for (int scheme = MODEM_BPSK; scheme <= MODEM_QAM16; scheme++) {
        struct frame_modem *m = make((enum modem_scheme)scheme, 5, 4, false);
        for (float turn = -0.2f; turn <= 0.201f; turn += 0.05f) {
            uint8_t sent[5], got[5];
            struct frame_modem_quality quality;
            random_bytes(sent, sizeof sent);
            frame_modem_modulate(m, sent, symbols);
            channel(symbols, frame_modem_symbols(m), 4, 0.1f, turn, data, h);
            assert_int_equal(frame_modem_demodulate(m, data, h, got, &quality), OK);
            assert_memory_equal(sent, got, sizeof sent);
            assert_float_equal(quality.turn_rad, turn, 0.05f);
            assert_true(quality.evm_db < -20.0f);
        }
        frame_modem_destroy(&m);
    }
}

/* Golay(24,12) corrects three errors in each block of 24 bits: at a raw error rate of 1 % the
 * 16-byte frame must come through far more often than the 7 % it would uncoded. */
static void golay_carries_the_response_through_noise(void **state)
{
    (void)state;
    static cplxf data[K], h[K], symbols[MODEM_SYMBOLS_MAX];
    struct frame_modem *m = make(MODEM_QPSK, 16, 1, true);
    const size_t n = frame_modem_symbols(m);
    const double snr = 5.41; /* raw bit error rate 1 % */
    unsigned lost = 0;
    for (int f = 0; f < 2000; f++) {
        uint8_t sent[16], got[16];
        random_bytes(sent, sizeof sent);
        frame_modem_modulate(m, sent, symbols);
        channel(symbols, n, 1, (float)(K / (double)n / snr), 0, data, h);
        assert_int_equal(frame_modem_demodulate(m, data, h, got, NULL), OK);
        lost += memcmp(sent, got, sizeof sent) != 0;
    }
    print_message("16-byte frames lost: %u of 2000\n", lost);
    assert_in_range(lost, 0, 20);
    frame_modem_destroy(&m);
}

static void silence_and_bad_settings_are_refused(void **state)
{
    (void)state;
    static cplxf zero[K], data[K];
    uint8_t got[5];
    struct status err = {0};
    struct frame_modem *m = make(MODEM_QAM16, 5, 1, false);
    assert_int_equal(frame_modem_demodulate(m, data, zero, got, NULL), ERR_NO_PEAK);
    zero[3] = NAN;
    assert_int_equal(frame_modem_demodulate(m, data, zero, got, NULL), ERR_NO_PEAK);
    frame_modem_destroy(&m);
    assert_null(m);
    frame_modem_destroy(&m);
    const struct frame_modem_cfg wrong[] = {
        {.n_byte = 0, .n_carrier = K, .n_ant = 1},
        {.n_byte = 65, .n_carrier = K, .n_ant = 1},
        {.n_byte = 5, .n_carrier = 39, .n_ant = 1},
        {.n_byte = 5, .n_carrier = K, .n_ant = 0},
        {.n_byte = 5, .n_carrier = K, .n_ant = 9},
        {.n_byte = 64, .n_carrier = 4000, .n_ant = 1, .golay = true}, /* 1024 symbols exceeded */
    };
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        err = (struct status){0};
        assert_null(frame_modem_create(&wrong[i], &err));
        assert_int_equal(err.code, ERR_ARG);
        assert_true(err.text[0] != 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(error_rates_follow_theory),
        cmocka_unit_test(antennas_combine),
        cmocka_unit_test(symbols_have_unit_power_and_the_right_count),
        cmocka_unit_test(every_scheme_survives_a_common_turn),
        cmocka_unit_test(golay_carries_the_response_through_noise),
        cmocka_unit_test(silence_and_bad_settings_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
