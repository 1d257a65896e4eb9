/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What a receiver hears, against closed forms: tones through known rays, switching on the exact
 * sample, clocks that differ, converters, and independence of how it is read. */
#include <stdio.h>
#include <stdlib.h>

#include "tests/sim/room_fixture.h"

enum { N = 40000, LATENCY = 164 };

static const double tones[5] = {-0.4013, -0.213, 0.0171, 0.2507, 0.3989};
static int16_t tx[2 * N];

/* Sum of the tones at a fractional time, each of amplitude 0.19. */
static double complex tone_sum(double t)
{
    double complex s = 0;
    for (int i = 0; i < 5; i++)
        s += 0.19 * cexp(2 * M_PI * I * (tones[i] * t + 0.13 * i * i));
    return s;
}

static void make_tones(void)
{
    for (int n = 0; n < N; n++) {
        double complex s = tone_sum(n);
        tx[2 * n] = (int16_t)lrint(32767 * creal(s));
        tx[2 * n + 1] = (int16_t)lrint(32767 * cimag(s));
    }
}

struct bench {
    struct air *air;
    struct air_front *front;
    struct air_rx *rx;
};

static struct bench open_bench(const struct air_cfg *cfg, unsigned radio, unsigned n_ch)
{
    struct status err;
    struct bench b = {.air = air_create(cfg, &err)};
    assert_non_null(b.air);
    b.front = air_front_create(b.air, radio);
    static const unsigned channels[4] = {0, 1, 2, 3};
    struct air_rx_cfg rx = {b.air, radio, b.front, n_ch, channels};
    b.rx = air_rx_create(&rx, &err);
    assert_non_null(b.rx);
    for (unsigned c = 0; c < n_ch; c++)
        air_front_gain(b.front, c, 0, 30.0); /* full scale -30 dBm */
    return b;
}

static void close_bench(struct bench *b)
{
    air_rx_destroy(&b->rx);
    air_front_destroy(&b->front);
    air_destroy(&b->air);
}

static int16_t rec[4][2 * N];

static void record(struct bench *b, int64_t k, size_t n)
{
    int16_t *out[4] = {rec[0], rec[1], rec[2], rec[3]};
    air_rx_start(b->rx, k, k + (int64_t)n);
    air_rx_read(b->rx, k, n, out);
}

static double complex got(int ch, int i)
{
    return (rec[ch][2 * i] + I * rec[ch][2 * i + 1]) / 32767.0;
}

/* Power of got - want over power of want, in dB, over [a, b) of the record. */
static double error_db(int ch, int a, int b, double complex (*want)(int i))
{
    double e = 0, p = 0;
    for (int i = a; i < b; i++) {
        double complex w = want(i), d = got(ch, i) - w;
        e += creal(d * conj(d));
        p += creal(w * conj(w));
    }
    return 10 * log10(e / p);
}

static const struct ray rays[3] = {{0.37, 0.8f}, {17.81, 0.4f * I}, {203.29, -0.3f}};
static float sign_after = 1;
static int switch_at = 1 << 30;

static double complex through_rays(int i)
{
    double complex s = 0;
    for (int r = 0; r < 3; r++)
        s += rays[r].amp * tone_sum(i - LATENCY - rays[r].delay);
    return i >= switch_at ? sign_after * s : s;
}

static void install(struct air *air, unsigned tx_radio, unsigned rx_radio, unsigned n_rx,
                    unsigned group)
{
    struct air_set set;
    assert_int_equal(air_set_begin(air, 0, &set), OK);
    for (unsigned c = 0; c < n_rx; c++)
        put_rays(air_set_link(air, &set, tx_radio, 0, rx_radio, c), group, rays, 3, 0);
    air_set_commit(air, &set);
    push_snap(air, 0, set.id, 1, 1);
}

static void test_overlap_save(void **state)
{
    (void)state;
    struct air_cfg cfg = quiet_cfg(2);
    struct bench b = open_bench(&cfg, 0, 4);
    install(b.air, 0, 0, 4, 0);
    send_burst(b.air, 0, 0, 0, tx, N, -30.0);
    record(&b, 0, N);
    switch_at = 1 << 30;
    double worst = -300;
    for (int c = 0; c < 4; c++) {
        double e = error_db(c, 1000, N - 1000, through_rays);
        worst = e > worst ? e : worst;
    }
    printf("overlap-save error %.1f dB\n", worst);
    assert_true(worst < -80);
    close_bench(&b);
}

/* Two switches 3 samples apart in one block: every sample belongs to exactly one state. */
static void test_switch_sample(void **state)
{
    (void)state;
    struct air_cfg cfg = quiet_cfg(2);
    struct bench b = open_bench(&cfg, 0, 1);
    install(b.air, 0, 0, 1, 2);
    push_snap(b.air, 9001, 1, -1, 1);
    push_snap(b.air, 9004, 1, 1, 1);
    push_snap(b.air, 20001, 1, -1, -1);
    send_burst(b.air, 0, 0, 0, tx, N, -30.0);
    record(&b, 100, N - 100);
    for (int i = 0; i < N - 100; i++) {
        int k = i + 100;
        double sign = (k >= 9001 && k < 9004) || k >= 20001 ? -1 : 1;
        if (k > 1000 && k < N - 1000)
            assert_true(cabs(got(0, i) - sign * through_rays(k)) < 2e-4);
    }
    close_bench(&b);
}

/* The record does not depend on where it starts, in which pieces it is read, or on the other
 * channels. */
static void test_pure(void **state)
{
    (void)state;
    struct air_cfg cfg = quiet_cfg(2);
    cfg.radios[0].noise_figure_db = 8;
    cfg.radios[0].adc_bits = 11.3;
    cfg.radios[0].phase_noise_hz = 100e3;
    cfg.radios[0].random_phase = true;
    cfg.radios[0].gain_spread_db = 0.5;
    struct bench b = open_bench(&cfg, 0, 4);
    install(b.air, 0, 0, 4, 0);
    push_snap(b.air, 12345, 1, -1, 1);
    send_burst(b.air, 0, 0, 500, tx, 20000, -30.0);
    record(&b, 0, 30000);
    int16_t *whole = malloc(sizeof rec[2]);
    memcpy(whole, rec[2], sizeof rec[2]);
    unsigned only[1] = {2};
    struct air_rx_cfg rx_cfg = {b.air, 0, b.front, 1, only};
    struct status err;
    struct air_rx *rx = air_rx_create(&rx_cfg, &err);
    assert_non_null(rx);
    air_rx_start(rx, 777, AIR_NEVER);
    for (int k = 777; k < 30000;) {
        int n = 1 + k * 31 % 2500;
        n = n < 30000 - k ? n : 30000 - k;
        int16_t *out[1] = {rec[0]};
        air_rx_read(rx, k, (size_t)n, out);
        if (k + n < 29000) /* the last block of the first record ends with the capture */
            assert_memory_equal(rec[0], whole + 2 * k, (size_t)n * 4);
        k += n;
    }
    air_rx_destroy(&rx);
    free(whole);
    close_bench(&b);
}

static double offset_ppm;

/* Receiver at rest, transmitter fast by offset_ppm: its waveform runs faster and its carrier is
 * high. */
static double complex through_drift(int i)
{
    double t = i * (1 + 1e-6 * offset_ppm) - LATENCY;
    double complex s = 0;
    for (int r = 0; r < 3; r++)
        s += rays[r].amp * tone_sum(t - rays[r].delay);
    return s * cexp(2 * M_PI * I * fmod(5.8e9 * 1e-6 * offset_ppm * i / 100e6, 1.0));
}

static void test_clock_offset(void **state)
{
    (void)state;
    for (int sign = -1; sign <= 1; sign += 2) {
        offset_ppm = 5.0 * sign;
        struct air_cfg cfg = quiet_cfg(2);
        cfg.radios[1].ppm = offset_ppm;
        struct bench b = open_bench(&cfg, 0, 1);
        install(b.air, 1, 0, 1, 0);
        send_burst(b.air, 1, 0, 0, tx, N, -30.0);
        record(&b, 0, N);
        double e = error_db(0, 1000, N - 1000, through_drift);
        printf("clock %+.0f ppm: error %.1f dB\n", offset_ppm, e);
        assert_true(e < -70);
        close_bench(&b);
    }
}

/* A group with a Doppler rate turns by w t; all else stands. */
static void test_doppler(void **state)
{
    (void)state;
    struct air_cfg cfg = quiet_cfg(2);
    struct bench b = open_bench(&cfg, 0, 1);
    struct air_set set;
    struct ray direct = {0, 0.5f};
    double rate = 2 * M_PI * 200;
    assert_int_equal(air_set_begin(b.air, 10000, &set), OK);
    struct air_link *link = air_set_link(b.air, &set, 0, 0, 0, 0);
    put_rays(link, 0, &direct, 1, 0);
    put_rays(link, 3, &direct, 1, rate);
    air_set_commit(b.air, &set);
    push_snap(b.air, 0, set.id, -1, 1);
    send_burst(b.air, 0, 0, 0, tx, N, -30.0);
    record(&b, 0, N);
    for (int i = 1000; i < N - 1000; i += 7) {
        double complex h = 0.5 - 0.5 * cexp(I * rate * (i - 10000) / 100e6);
        assert_true(cabs(got(0, i) - h * tone_sum(i - LATENCY)) < 0.016);
    }
    close_bench(&b);
}

/* Gain changes on the exact sample; full scale clips; a detuned channel hears only noise. */
static void test_front(void **state)
{
    (void)state;
    struct air_cfg cfg = quiet_cfg(2);
    struct bench b = open_bench(&cfg, 0, 1);
    install(b.air, 0, 0, 1, 0);
    send_burst(b.air, 0, 0, 0, tx, N, -30.0);
    air_front_gain(b.front, 0, 5001, 24.0);
    air_front_gain(b.front, 0, 10000, 60.0);
    air_front_tune(b.front, 0, 20000, 5.9e9);
    record(&b, 0, N);
    double factor = pow(10, -6.0 / 20);
    for (int i = 4000; i < 6000; i++)
        assert_true(cabs(got(0, i) - (i < 5001 ? 1 : factor) * through_rays(i)) < 2e-4);
    int peak = 0;
    for (int i = 2 * 10000; i < 2 * 20000; i++)
        peak = abs(rec[0][i]) > peak ? abs(rec[0][i]) : peak;
    assert_int_equal(peak, 32767);
    for (int i = 2 * 20000; i < 2 * N; i++)
        assert_true(abs(rec[0][i]) < 10);
    close_bench(&b);
}

/* Noise of figure 8 dB at gain 60: -174 + 80 + 8 dBm against a full scale of -60 dBm. */
static void test_noise_level(void **state)
{
    (void)state;
    struct air_cfg cfg = quiet_cfg(2);
    cfg.radios[0].noise_figure_db = 8;
    struct bench b = open_bench(&cfg, 0, 2);
    air_front_gain(b.front, 0, 0, 60);
    air_front_gain(b.front, 1, 0, 60);
    record(&b, 0, N);
    double p = 0;
    double complex cross = 0;
    for (int i = 0; i < N; i++) {
        p += pow(cabs(got(0, i)), 2) / N;
        cross += got(0, i) * conj(got(1, i)) / N;
    }
    assert_float_equal(10 * log10(p), -173.98 + 80 + 8 + 60, 0.1);
    assert_true(cabs(cross) / p < 5 / sqrt(N));
    close_bench(&b);
}

int main(void)
{
    make_tones();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_overlap_save), cmocka_unit_test(test_switch_sample),
        cmocka_unit_test(test_pure),         cmocka_unit_test(test_clock_offset),
        cmocka_unit_test(test_doppler),      cmocka_unit_test(test_front),
        cmocka_unit_test(test_noise_level),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
