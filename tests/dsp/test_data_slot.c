/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A data slot through a channel: bytes back whole, bit error rates against theory in white noise
 * and in Rice fading (K = 3), MRC over antennas, headers of noise. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "dsp/data_slot_priv.h"
#include "dsp/fft.h"
#include "dsp/rng.h"

enum { ANT = 4, LEAD = 300, PILOT_CARRIERS = 7 };
static const float level = 0.5f; /* of the channel: leaves room for noise */
static const double rice_k = 3;

struct bench {
    struct data_slot_cfg cfg;
    struct data_slot *slot;
    struct sc16 *sent[2], *got[ANT];
    uint8_t *payload, *back;
    size_t n;
    struct rng rng;
};

static struct waveform_cfg small_wave(void)
{
    struct waveform_cfg w = waveform_lab();
    w.n = 256;
    w.k = 199;
    w.root = 76;
    w.rate_hz = 25e6;
    return w;
}

static void setup(struct bench *b, struct waveform_cfg wave, size_t n_symbols, size_t n_ant)
{
    struct status err;
    *b = (struct bench){.cfg = {.wave = wave, .n_symbols = n_symbols, .n_ant = n_ant, .n_tx = 2},
                        .rng = rng_seed(11)};
    b->slot = data_slot_create(&b->cfg, &err);
    assert_non_null(b->slot);
    b->n = data_slot_samps(b->slot);
    for (size_t i = 0; i < 2; i++)
        b->sent[i] = calloc(b->n, sizeof(struct sc16));
    for (size_t i = 0; i < ANT; i++)
        b->got[i] = calloc(b->n + 2 * LEAD, sizeof(struct sc16));
    b->payload = calloc(data_slot_bytes_max(b->slot), 1);
    b->back = calloc(data_slot_bytes_max(b->slot), 1);
}

static void teardown(struct bench *b)
{
    data_slot_destroy(&b->slot);
    for (size_t i = 0; i < 2; i++)
        free(b->sent[i]);
    for (size_t i = 0; i < ANT; i++)
        free(b->got[i]);
    free(b->payload);
    free(b->back);
}

struct path {
    cplx gain;       /* of the whole slot */
    double snr;      /* of a carrier at unit gain; 0: no noise */
    double cfo_hz;   /* that the window does not know */
    double known_hz; /* that it does */
};

/* got = level gain sent, turned, in noise; the slot begins LEAD samples in. */
static void air(struct bench *b, const struct path *p)
{
    const struct waveform_cfg *w = &b->cfg.wave;
    const double sigma =
        p->snr > 0 ? (double)level * w->rms * sqrt((double)w->n / (double)w->k / p->snr) : 0;
    const double step = 2 * PI * (p->cfo_hz + p->known_hz) / w->rate_hz;
    for (size_t a = 0; a < b->cfg.n_ant; a++)
        for (size_t i = 0; i < b->n + 2 * LEAD; i++) {
            cplx v = sigma > 0 ? sigma * rng_cn(&b->rng) : 0;
            if (i >= LEAD && i < b->n + LEAD)
                v += (double)level * p->gain * cexp(I * (step * (double)i + (double)a)) *
                     (b->sent[0][i - LEAD].i + I * b->sent[0][i - LEAD].q) / 32767;
            cplxf f = (cplxf)v;
            (void)waveform_to_sc16(&f, 1, &b->got[a][i]);
        }
}

static int decode(struct bench *b, size_t first, double cfo_hz, struct data_slot_result *r)
{
    const struct sc16 *x[ANT];
    for (size_t a = 0; a < ANT; a++)
        x[a] = b->got[a];
    const struct slot_window win = {.first = first, .n_slots = 1, .cfo_hz = cfo_hz};
    return data_slot_decode(b->slot, x, &win, b->back, r);
}

static void encode_known(struct bench *b, unsigned mcs)
{
    const struct data_slot_header header = {.mcs = mcs, .known = true};
    data_slot_known(b->slot, mcs, b->payload);
    assert_int_equal(data_slot_encode(b->slot, &header, b->payload, NULL, b->sent), 0);
}

static void test_bytes_come_back(void **state)
{
    (void)state;
    struct bench b;
    struct data_slot_result r;
    setup(&b, waveform_lab(), 12, 2);
    for (unsigned mcs = 0; mcs < DATA_MCS_COUNT; mcs++) {
        const struct data_slot_header header = {.mcs = mcs};
        const size_t n = data_slot_bytes(b.slot, mcs);
        for (size_t i = 0; i < n; i++)
            b.payload[i] = (uint8_t)(7 * i + mcs);
        data_slot_encode(b.slot, &header, b.payload, NULL, b.sent);
        air(&b, &(struct path){.gain = 1, .snr = 1e3, .cfo_hz = 150, .known_hz = 20e3});
        assert_int_equal(decode(&b, LEAD + 5, 20e3, &r), OK);
        assert_memory_equal(b.back, b.payload, n);
        assert_int_equal(r.header.mcs, mcs);
        assert_false(r.header.known);
        assert_int_equal(r.raw_errors, 0);
        assert_true(r.raw_bits > 8 * n);
        assert_true(fabsf(r.cfo_hz - 150) < 30);
        assert_true(fabsf(r.snr_db - 33) < 0.5f); /* 30 dB, two antennas */
        assert_true(fabsf(r.evm_db + r.snr_db) < 0.7f);
    }
    teardown(&b);
}

static double q(double x)
{
    return 0.5 * erfc(x / sqrt(2));
}

/* Bit error rate of one dimension: sent is 1 (two levels), or 1 or 3 (four), in units of d;
 * received about `mean` with deviation sigma, both in units of d too. Gray: sign and size are a bit
 * each. */
static double dimension(int sent, bool four, double mean, double sigma)
{
    const double sign = q(mean / sigma);
    if (!four)
        return sign;
    const double small = q((mean - 2) / sigma) - q((mean + 2) / sigma);
    return 0.5 * (sign + (sent == 3 ? small : 1 - small));
}

/* Of one channel estimate 1 + e: z = (s + n) / (1 + e), over the points of the first quadrant. */
static double at_estimate(enum modem_scheme scheme, double snr, cplx e)
{
    const bool four = scheme == MODEM_QAM16;
    const double d = scheme == MODEM_BPSK ? 1 : four ? sqrt(0.1) : sqrt(0.5);
    const double sigma = sqrt(0.5 / snr) / cabs(1 + e) / d;
    double sum = 0;
    size_t n = 0;
    for (int i = 1; i <= (four ? 3 : 1); i += 2)
        for (int j = scheme == MODEM_BPSK ? 0 : 1; j <= (four ? 3 : 1); j += 2)
            for (int half = -1; half <= 1; half += 2) { /* the other three quadrants are turned */
                const cplx z = (i + I * half * j) / (1 + e);
                sum += dimension(i, four, creal(z), sigma);
                n++;
            }
    return sum / (double)n;
}

/* Variance of what the receiver goes by, times the SNR of a carrier. */
struct noise {
    double channel; /* of the channel's estimate, complex */
    double phase;   /* of the line through the comb's phases */
};

/* Bit error rate at an SNR behind such estimates: mean over the two normal components of their
 * error, by the trapezoidal rule. */
static double theory(enum modem_scheme scheme, double snr, struct noise of)
{
    const double along = sqrt(0.5 * of.channel / snr);
    const double across = sqrt((0.5 * of.channel + of.phase) / snr);
    double sum = 0, mass = 0;
    for (double u = -4; u <= 4; u += 0.5)
        for (double v = -4; v <= 4; v += 0.5) {
            const double p = exp(-0.5 * (u * u + v * v));
            sum += p * at_estimate(scheme, snr, along * u + I * across * v);
            mass += p;
        }
    return sum / mass;
}

/* Mean over the carriers: those at the edges have been averaged over fewer neighbours. A line
 * through n phases of variance v is known to 2 v / n on their average; v = 1 / (2 SNR) over the
 * comb's carriers. */
static double theory_of_slot(const struct data_slot_cfg *c, enum modem_scheme scheme, double snr)
{
    double sum = 0;
    size_t n = 0, edges = 0;
    for (size_t k = 0; k < c->wave.k; k++)
        n += k % DATA_SLOT_COMB != DATA_SLOT_COMB / 2;
    const double n_data = (double)(c->n_symbols - DATA_SLOT_PILOTS - 1);
    struct noise of = {.phase = 1 / (n_data * (double)(c->wave.k - n))};
    for (size_t edge = 0; edge < PILOT_CARRIERS / 2; edge++, edges += 2) {
        of.channel = 1.0 / (double)(DATA_SLOT_PILOTS * (2 * edge + 1));
        sum += 2 * theory(scheme, snr, of);
    }
    of.channel = 1.0 / (DATA_SLOT_PILOTS * PILOT_CARRIERS);
    sum += (double)(n - edges) * theory(scheme, snr, of);
    return sum / (double)n;
}

struct count {
    double sum, square;
    size_t n;
};

static void add(struct count *c, const struct data_slot_result *r)
{
    const double rate = (double)r->raw_errors / (double)r->raw_bits;
    c->sum += rate;
    c->square += rate * rate;
    c->n++;
}

static void assert_within_3_sigma(const struct count *c, double expected)
{
    const double n = (double)c->n, mean = c->sum / n;
    const double sigma = sqrt((c->square / n - mean * mean) / (n - 1));
    if (fabs(mean - expected) > 3 * sigma || sigma > 0.1 * expected)
        fail_msg("bit error rate %.3e +- %.1e, theory %.3e", mean, sigma, expected);
}

/* Every slot meets white noise and a channel of unit gain and any phase. */
static void white_noise(unsigned mcs, double snr_db)
{
    struct bench b;
    struct count count = {0};
    setup(&b, waveform_lab(), 16, 1);
    encode_known(&b, mcs);
    for (int i = 0; i < 40; i++) {
        struct data_slot_result r;
        air(&b, &(struct path){.gain = cexp(I * i), .snr = pow(10, snr_db / 10), .cfo_hz = 40});
        assert_int_not_equal(decode(&b, LEAD, 0, &r), ERR_NOT_FOUND);
        assert_true(r.header.known);
        add(&count, &r);
    }
    assert_within_3_sigma(&count,
                          theory_of_slot(&b.cfg, data_mcs(mcs)->scheme, pow(10, snr_db / 10)));
    teardown(&b);
}

static void test_white_noise(void **state)
{
    (void)state;
    white_noise(0, 4);
    white_noise(1, 7);
    white_noise(DATA_MCS_COUNT - 1, 14);
}

static cplx rice(struct rng *rng)
{
    return sqrt(rice_k / (rice_k + 1)) + sqrt(1 / (rice_k + 1)) * rng_cn(rng);
}

/* Mean of the bit error rate over the two normal components of the fading, by the trapezoidal rule
 * (gathered by power first). */
static double theory_in_rice(const struct data_slot_cfg *c, enum modem_scheme scheme, double snr)
{
    enum { BINS = 400 };
    double p_of[BINS] = {0}, power_of[BINS] = {0}, sum = 0, mass = 0;
    for (double u = -5; u <= 5; u += 0.02)
        for (double v = -5; v <= 5; v += 0.02) {
            const cplx h = sqrt(rice_k / (rice_k + 1)) + sqrt(0.5 / (rice_k + 1)) * (u + I * v);
            const double p = exp(-0.5 * (u * u + v * v)), power = cplx_norm(h);
            const size_t bin = (size_t)(BINS * sqrt(power) / 5); /* |h| is never 5 */
            p_of[bin] += p;
            power_of[bin] += p * power;
        }
    for (size_t i = 0; i < BINS; i++)
        if (p_of[i] > 1e-6) {
            sum += p_of[i] * theory_of_slot(c, scheme, snr * power_of[i] / p_of[i]);
            mass += p_of[i];
        }
    return sum / mass;
}

/* Every fade counts: where no header is read, the data are read by a receiver that is told it. */
static bool decode_faded(struct bench *b, unsigned mcs, struct data_slot_result *r)
{
    const struct data_slot_header header = {.mcs = mcs, .known = true};
    const struct slot_window win = {.first = LEAD, .n_slots = 1};
    const struct sc16 *x[] = {b->got[0]};
    if (decode(b, LEAD, 0, r) != ERR_NOT_FOUND)
        return true;
    (void)!data_slot_decode_as(b->slot, x, &win, &header, b->back, r);
    return false;
}

static void rice_fading(unsigned mcs, double snr_db)
{
    enum { SLOTS = 2000 };
    struct bench b;
    struct count count = {0};
    size_t n_lost = 0;
    setup(&b, small_wave(), 16, 1);
    encode_known(&b, mcs);
    for (int i = 0; i < SLOTS; i++) {
        struct data_slot_result r;
        air(&b, &(struct path){.gain = rice(&b.rng), .snr = pow(10, snr_db / 10)});
        n_lost += !decode_faded(&b, mcs, &r);
        assert_true(r.raw_bits > 0);
        add(&count, &r);
    }
    assert_in_range(n_lost, 1, SLOTS / 50);
    assert_within_3_sigma(&count,
                          theory_in_rice(&b.cfg, data_mcs(mcs)->scheme, pow(10, snr_db / 10)));
    teardown(&b);
}

static void test_rice_fading(void **state)
{
    (void)state;
    rice_fading(0, 8);
    rice_fading(1, 11);
    rice_fading(DATA_MCS_COUNT - 1, 17);
}

static void test_antennas_add_up(void **state)
{
    (void)state;
    float snr_db[2];
    for (int i = 0; i < 2; i++) {
        struct bench b;
        struct data_slot_result r;
        setup(&b, waveform_lab(), 8, i ? ANT : 1);
        encode_known(&b, 0);
        air(&b, &(struct path){.gain = 1, .snr = 10});
        assert_int_equal(decode(&b, LEAD, 0, &r), OK);
        snr_db[i] = r.snr_db;
        teardown(&b);
    }
    assert_true(fabsf(snr_db[0] - 10) < 0.3f);
    assert_true(fabsf(snr_db[1] - snr_db[0] - 6.02f) < 0.3f);
}

/* Two channels of opposite factors cancel; of equal ones they add. */
static void test_channels_are_weighted(void **state)
{
    (void)state;
    struct bench b;
    cplxf w[2 * 811];
    setup(&b, waveform_lab(), 6, 1);
    for (size_t k = 0; k < 811; k++) {
        w[k] = sqrtf(0.5f);
        w[811 + k] = -sqrtf(0.5f);
    }
    data_slot_known(b.slot, 1, b.payload);
    data_slot_encode(b.slot, &(struct data_slot_header){.mcs = 1}, b.payload, w, b.sent);
    double power = 0;
    for (size_t i = 0; i < b.n; i++) {
        assert_in_range(b.sent[0][i].i + b.sent[1][i].i + 1, 0, 2);
        power += b.sent[0][i].i * b.sent[0][i].i + b.sent[0][i].q * b.sent[0][i].q;
    }
    const double rms = sqrt(power / (double)b.n) / 32767;
    assert_true(fabs(rms / (0.25 * sqrt(0.5)) - 1) < 0.02); /* half the power each */
    teardown(&b);
}

static void test_what_is_no_slot_is_refused(void **state)
{
    (void)state;
    struct bench b;
    struct data_slot_result r;
    setup(&b, waveform_lab(), 8, 1);
    for (int i = 0; i < 200; i++) {
        air(&b, &(struct path){.gain = 1, .snr = 1}); /* nothing was sent: noise alone */
        assert_int_equal(decode(&b, LEAD, 0, &r), ERR_NOT_FOUND);
        assert_true(r.snr_db < -3);
    }
    for (size_t i = 0; i < b.n + 2 * LEAD; i++)
        b.got[0][i] = (struct sc16){0};
    assert_int_equal(decode(&b, LEAD, 0, &r), ERR_NOT_FOUND);
    encode_known(&b, DATA_MCS_COUNT - 1);
    air(&b, &(struct path){.gain = 1, .snr = 4});
    assert_int_equal(decode(&b, LEAD, 0, &r), ERR_CRC);
    assert_true(r.bit_errors > 100 && r.raw_errors > 100);
    teardown(&b);
}

static void test_bad_slots_are_refused(void **state)
{
    (void)state;
    struct status err;
    const struct data_slot_cfg good = {
        .wave = waveform_lab(), .n_symbols = 8, .n_ant = 1, .n_tx = 1};
    struct data_slot_cfg bad = good;
    bad.n_symbols = 3;
    assert_null(data_slot_create(&bad, &err));
    assert_int_equal(err.code, ERR_ARG);
    bad = good;
    bad.n_ant = 9;
    assert_null(data_slot_create(&bad, &err));
    bad = good;
    bad.n_tx = 0;
    assert_null(data_slot_create(&bad, &err));
    bad = good;
    bad.wave.k = 21; /* the header does not fit */
    bad.wave.root = 5;
    assert_null(data_slot_create(&bad, &err));
    assert_int_equal(err.code, ERR_ARG);
    struct data_slot *none = NULL;
    data_slot_destroy(&none);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bytes_come_back),
        cmocka_unit_test(test_white_noise),
        cmocka_unit_test(test_rice_fading),
        cmocka_unit_test(test_antennas_add_up),
        cmocka_unit_test(test_channels_are_weighted),
        cmocka_unit_test(test_what_is_no_slot_is_refused),
        cmocka_unit_test(test_bad_slots_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
