/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Beams: the gain of MRT against theory through whole slots of data, reciprocity in a room of many
 * ways, pointing loss against position error, the power budget. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "dsp/data_slot.h"
#include "dsp/precode.h"
#include "dsp/rng.h"
#include "dsp/sensing_budget.h"

enum { TX = 4, K = 811, SYMBOLS = 8, WAYS = 6 };
static const double carrier_hz = 5.8e9;

static struct precode_cfg lab(void)
{
    struct precode_cfg c = {
        .n_tx = TX, .carrier_hz = carrier_hz, .spacing_hz = 97656.25, .n_carrier = K};
    for (size_t i = 0; i < TX; i++)
        c.antenna[i] = (struct vec3){0.5 - 0.0182745 * (double)i, 0.5 + 0.0182745 * (double)i, 2.5};
    return c;
}

/* Responses of the radio's channels: random phases, half a decibel of gain. */
static void draw_own(struct rng *rng, cplxf own[TX])
{
    for (size_t i = 0; i < TX; i++)
        own[i] = (cplxf)(pow(10, (rng_u01(rng) - 0.5) / 20) * cexp(I * 2 * PI * rng_u01(rng)));
}

/* Ways from the user to an antenna: the direct one, and points that scatter. */
struct room {
    size_t n;
    struct vec3 by[WAYS];
    double size[WAYS]; /* relative to the direct way's amplitude; [0] is the direct one */
};

static cplx air(const struct room *room, struct vec3 antenna, struct vec3 user, double f_hz)
{
    const double direct = vec3_dist(antenna, user);
    cplx h = 0;
    for (size_t i = 0; i < room->n; i++) {
        const double r =
            i == 0 ? direct : vec3_dist(antenna, room->by[i]) + vec3_dist(room->by[i], user);
        h += room->size[i] / (i == 0 ? r : direct) * cexp(-I * 2 * PI * f_hz * r / SPEED_OF_LIGHT);
    }
    return h;
}

/* [n_tx x K]; own NULL: the air alone. */
static void channel(const struct precode_cfg *c, const struct room *room, struct vec3 user,
                    const cplxf *own, cplxf *h)
{
    for (size_t i = 0; i < c->n_tx; i++)
        for (size_t k = 0; k < K; k++) {
            const double f = c->carrier_hz + ((double)k - (K - 1) / 2) * c->spacing_hz;
            h[i * K + k] = (cplxf)air(room, c->antenna[i], user, f) * (own ? own[i] : 1);
        }
}

/* Mean power over the carriers at the user, against channel 0 alone, [dB]. */
static double gain_db(const cplxf *h, const cplxf *w)
{
    double beam = 0, alone = 0;
    for (size_t k = 0; k < K; k++) {
        cplxf sum = 0;
        for (size_t i = 0; i < TX; i++)
            sum += h[i * K + k] * w[i * K + k];
        beam += cplxf_norm(sum);
        alone += cplxf_norm(h[k]);
    }
    return 10 * log10(beam / alone);
}

static void assert_unit_power(const cplxf *w)
{
    for (size_t k = 0; k < K; k++) {
        float power = 0;
        for (size_t i = 0; i < TX; i++)
            power += cplxf_norm(w[i * K + k]);
        assert_true(fabsf(power - 1) < 1e-4f);
    }
}

static void test_gain_of_four_channels(void **state)
{
    (void)state;
    static cplxf h[TX * K], w[TX * K];
    const struct precode_cfg c = lab();
    const struct room free_space = {.n = 1, .size = {1}};
    struct rng rng = rng_seed(3);
    for (int trial = 0; trial < 20; trial++) {
        cplxf own[TX];
        const struct vec3 user = {2 + 4 * rng_u01(&rng), 2 + 4 * rng_u01(&rng), 1.2};
        draw_own(&rng, own);
        double theory = 0;
        for (size_t i = 0; i < TX; i++)
            theory += (double)(cplxf_norm(own[i]) / cplxf_norm(own[0]));
        channel(&c, &free_space, user, own, h);
        precode_position(&c, user, own, w);
        assert_unit_power(w);
        assert_true(fabs(gain_db(h, w) - 10 * log10(theory)) < 0.05);
        assert_true(fabs((double)precode_gain_db(&c, own, w, user) - 10 * log10(theory)) < 0.05);
        precode_position(&c, user, NULL, w); /* not calibrated: the phases are anything */
        assert_true(gain_db(h, w) < 10 * log10(theory) - 0.01);
    }
}

/* Slots of data through four channels into one antenna: SNR as the receiver measures it. */
static float slot_snr_db(const cplxf *own, const cplxf *w, struct vec3 user)
{
    const struct precode_cfg c = lab();
    const struct room free_space = {.n = 1, .size = {1}};
    struct status err;
    const struct data_slot_cfg cfg = {
        .wave = waveform_lab(), .n_symbols = SYMBOLS, .n_ant = 1, .n_tx = TX};
    struct data_slot *slot = data_slot_create(&cfg, &err);
    assert_non_null(slot);
    const size_t n = data_slot_samps(slot);
    struct sc16 *sent[TX], *got = calloc(n + 64, sizeof *got);
    uint8_t *payload = calloc(data_slot_bytes_max(slot), 1),
            *back = calloc(data_slot_bytes_max(slot), 1);
    for (size_t i = 0; i < TX; i++)
        sent[i] = calloc(n, sizeof **sent);
    data_slot_known(slot, 2, payload);
    data_slot_encode(slot, &(struct data_slot_header){.mcs = 2, .known = true}, payload, w, sent);
    struct rng rng = rng_seed(8);
    const double r0 = vec3_dist(user, c.antenna[0]);
    for (size_t s = 0; s < n; s++) {
        cplx v = 0.02 * rng_cn(&rng);
        for (size_t i = 0; i < TX; i++)
            v += 0.4 * r0 * air(&free_space, c.antenna[i], user, carrier_hz) * own[i] *
                 (sent[i][s].i + I * sent[i][s].q) / 32767;
        cplxf f = (cplxf)v;
        (void)waveform_to_sc16(&f, 1, &got[s]);
    }
    const struct sc16 *x[] = {got};
    struct data_slot_result result;
    assert_int_equal(data_slot_decode(slot, x, &(struct slot_window){.n_slots = 1}, back, &result),
                     OK);
    assert_int_equal(result.bit_errors, 0);
    for (size_t i = 0; i < TX; i++)
        free(sent[i]);
    free(got);
    free(payload);
    free(back);
    data_slot_destroy(&slot);
    return result.snr_db;
}

static void test_gain_in_a_slot(void **state)
{
    (void)state;
    static cplxf w[TX * K];
    const struct precode_cfg c = lab();
    const struct vec3 user = {4, 3, 1.2};
    struct rng rng = rng_seed(5);
    cplxf own[TX];
    draw_own(&rng, own);
    const float alone = slot_snr_db(own, NULL, user);
    precode_position(&c, user, own, w);
    const float beam = slot_snr_db(own, w, user);
    float theory = 0;
    for (size_t i = 0; i < TX; i++)
        theory += cplxf_norm(own[i]) / cplxf_norm(own[0]);
    assert_true(fabsf(beam - alone - 10 * log10f(theory)) < 0.5f);
}

/* Where walls reflect, the response's channel knows more than the position. */
static void test_reciprocity(void **state)
{
    (void)state;
    static cplxf down[TX * K], up[TX * K], w[TX * K];
    const struct precode_cfg c = lab();
    struct rng rng = rng_seed(6);
    double best = 0, by_position = 0;
    for (int trial = 0; trial < 10; trial++) {
        struct room room = {.n = WAYS, .size = {1, 0.5, 0.4, 0.3, 0.3, 0.3}};
        cplxf own[TX], heard_own[TX];
        const struct vec3 user = {2 + 4 * rng_u01(&rng), 2 + 4 * rng_u01(&rng), 1.2};
        for (size_t i = 1; i < WAYS; i++)
            room.by[i] = (struct vec3){8 * rng_u01(&rng), 8 * rng_u01(&rng), 3 * rng_u01(&rng)};
        draw_own(&rng, own);
        draw_own(&rng, heard_own);
        channel(&c, &room, user, own, down);
        channel(&c, &room, user, heard_own, up);
        precode_reciprocal(&c, up, heard_own, own, w);
        assert_unit_power(w);
        double theory = 0, alone = 0;
        for (size_t k = 0; k < K; k++) {
            alone += cplxf_norm(down[k]);
            for (size_t i = 0; i < TX; i++)
                theory += cplxf_norm(down[i * K + k]);
        }
        assert_true(fabs(gain_db(down, w) - 10 * log10(theory / alone)) < 0.05);
        assert_true(fabs((double)precode_reciprocal_gain_db(&c, up, heard_own, own) -
                         10 * log10(theory / alone)) < 0.01);
        best += gain_db(down, w);
        precode_position(&c, user, own, w);
        by_position += gain_db(down, w);
    }
    assert_true(best > by_position + 1);
}

/* 31 antennas half a wavelength apart, seen from broadside, [S1]. */
static void test_pointing_loss(void **state)
{
    (void)state;
    struct precode_cfg c = {.n_tx = 31, .carrier_hz = 10e9, .spacing_hz = 1e3, .n_carrier = 3};
    for (size_t i = 0; i < 31; i++)
        c.antenna[i].y = ((double)i - 15) * SPEED_OF_LIGHT / 10e9 / 2;
    for (double d = 30; d <= 100; d += 35) {
        const struct vec3 aimed = {d, 0, 0};
        assert_true(precode_pointing_loss_db(&c, aimed, aimed) < 1e-3f);
        const struct vec3 off = {d, 0.0286 * d, 0};
        assert_true(fabsf(precode_pointing_loss_db(&c, aimed, off) - 3.01f) < 0.05f);
        for (double part = 0.005; part < 0.05; part += 0.005) { /* Dirichlet's kernel */
            const struct vec3 place = {d, part * d, 0};
            const double u = PI / 2 * part / sqrt(1 + part * part);
            const double theory = -20 * log10(fabs(sin(31 * u) / (31 * sin(u))));
            assert_true(fabs((double)precode_pointing_loss_db(&c, aimed, place) - theory) <
                        0.03 + 0.01 * theory);
        }
        const struct vec3 farther = {1.3 * d, 0, 0}; /* distance alone costs next to nothing */
        assert_true(precode_pointing_loss_db(&c, aimed, farther) < 0.05f);
    }
}

/* Against draws: small errors, in which the loss grows with their square. */
static void test_expected_loss(void **state)
{
    (void)state;
    const struct precode_cfg c = lab();
    const struct vec3 aimed = {4, 3, 1.2};
    const double cov[3][3] = {{0.09, 0.03, 0}, {0.03, 0.16, 0}, {0, 0, 0.01}};
    struct rng rng = rng_seed(9);
    double sum = 0;
    for (int i = 0; i < 20000; i++) {
        double a[2], b[2];
        rng_normal2(&rng, a);
        rng_normal2(&rng, b);
        const struct vec3 off = {0.3 * a[0], 0.1 * a[0] + sqrt(0.15) * a[1], 0.1 * b[0]};
        sum += pow(10, -0.1 * (double)precode_pointing_loss_db(&c, aimed, vec3_add(aimed, off)));
    }
    const double drawn = -10 * log10(sum / 20000);
    assert_true(fabs((double)precode_expected_loss_db(&c, aimed, cov) - drawn) < 0.05 * drawn);
    const double none[3][3] = {{0}};
    assert_true(precode_expected_loss_db(&c, aimed, none) < 1e-3f);
}

static void test_power_budget(void **state)
{
    (void)state;
    struct precode_budget b = {.tx_dbm = 15,
                               .tx_gain_dbi = 6,
                               .noise_figure_db = 8,
                               .n_tx = 1,
                               .n_rx = 1,
                               .distance_m = 1,
                               .carrier_hz = carrier_hz,
                               .bandwidth_hz = 79.2e6};
    /* by hand: 21 dBm - 47.71 dB - (-173.98 + 78.99 + 8) dBm */
    assert_true(fabs(precode_budget_snr_db(&b) - 60.28) < 0.02);
    b.n_tx = TX;
    b.n_rx = 2;
    b.distance_m = 10;
    assert_true(fabs(precode_budget_snr_db(&b) - (60.28 + 9.03 - 20)) < 0.02);
}

static void test_what_cannot_be_aimed_at(void **state)
{
    (void)state;
    static cplxf w[TX * K], heard[TX * K];
    const struct precode_cfg c = lab();
    const cplxf own[TX] = {0};
    precode_position(&c, c.antenna[2], NULL, w);
    assert_unit_power(w);
    precode_position(&c, (struct vec3){4, 4, 1}, own, w);
    assert_unit_power(w);
    precode_reciprocal(&c, heard, own, own, w);
    assert_unit_power(w);
    assert_true(crealf(w[0]) == 1);
}

/* [S1] (17), (18): 0.4 mJ a second is 20 W for 20 us; the echo by the radar equation, three
 * elements by hand. */
static void test_budget_of_sensing(void **state)
{
    (void)state;
    const double lambda = SPEED_OF_LIGHT / 10e9, kt = 1.380649e-23 * 290;
    struct panel panel[2];
    const struct vec3 u = {25, 25, 1.4}, bs = {0, 0, 10}, at[2] = {{50, 0, 6}, {0, 50, 6}};
    for (int i = 0; i < 2; i++) {
        const struct panel_cfg p = {at[i],     panel_bisector(at[i], bs, u), {0, 0, 1}, 3, 1,
                                    lambda / 2};
        assert_int_equal(panel_init(&panel[i], &p), OK);
    }
    struct sensing_budget_cfg c = {.tx_w = 20,
                                   .burst_s = 20e-6,
                                   .useful_s = 20e-6,
                                   .period_s = 1,
                                   .carrier_hz = 10e9,
                                   .band_hz = 500e3,
                                   .antenna_gain = 1,
                                   .rcs_m2 = 0.5,
                                   .element_loss = 1,
                                   .noise_figure = 1,
                                   .n_rx = 1,
                                   .anchors = {bs, bs, {at[0], at[1]}},
                                   .panel = {&panel[0], &panel[1]}};
    struct sensing_budget b = sensing_budget(&c, u);
    assert_true(fabs(b.power_w - 0.4e-3) < 1e-12 && b.energy_j == b.power_w);
    const double r = vec3_dist(u, bs);
    const double echo = 20 * lambda * lambda * 0.5 / (pow(4 * PI, 3) * pow(r, 4));
    assert_true(fabs(b.path[0].rx_w / echo - 1) < 1e-9);
    assert_true(fabs(b.path[0].e_n0 / (echo * 20e-6 / kt) - 1) < 1e-9);
    /* three elements of gain 4 pi A cos / lambda^2, A a quarter of a square wavelength */
    const struct vec3 n = panel[0].z;
    const double in = vec3_dot(n, vec3_unit(vec3_sub(u, at[0]))),
                 out = vec3_dot(n, vec3_unit(vec3_sub(bs, at[0])));
    const double bounce = 9 * pow(lambda / 4 / PI, 4) * PI * in * PI * out /
                          pow(vec3_dist(u, at[0]) * vec3_dist(bs, at[0]), 2);
    assert_true(fabs(b.path[1].rx_w / b.path[0].rx_w / bounce * pow(lambda / (4 * PI * r), 2) - 1) <
                1e-3);
    assert_true(fabs(b.path[2].rx_w / b.path[1].rx_w - 1) < 1e-6); /* mirrored */
    /* [S1] counts 20 dB a sample, ten samples: 7.4 m */
    c.useful_s *= 1000 / b.path[0].e_n0;
    b = sensing_budget(&c, u);
    assert_true(fabs(b.path[0].sigma_m - 7.39) < 0.01);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_gain_of_four_channels),
        cmocka_unit_test(test_gain_in_a_slot),
        cmocka_unit_test(test_reciprocity),
        cmocka_unit_test(test_pointing_loss),
        cmocka_unit_test(test_expected_loss),
        cmocka_unit_test(test_power_budget),
        cmocka_unit_test(test_budget_of_sensing),
        cmocka_unit_test(test_what_cannot_be_aimed_at),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
