/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Transmit channels from their leak: what was drawn comes back, whatever the receive channels are
 * and though walls reflect; what cannot be known is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "dsp/rng.h"
#include "dsp/tx_sounding.h"

enum { N = 4, K = 811, MANY = 31, FEW = 3 };
static const double delay_s = 137.4e-8;
static cplxf h[N * N * K > MANY *FEW *K ? N *N *K : MANY *FEW *K];

static struct tx_sounding_cfg lab(void)
{
    struct tx_sounding_cfg c = {
        .n_tx = N, .n_rx = N, .carrier_hz = 5.8e9, .spacing_hz = 97656.25, .n_carrier = K};
    for (size_t i = 0; i < N; i++) {
        const double s = 0.0182745 * (double)i;
        c.tx[i] = (struct vec3){0.5 - s, 0.5 + s, 2.5};
        c.rx[i] = (struct vec3){0.527 - s, 0.473 + s, 2.2};
    }
    return c;
}

static void draw_channels(struct rng *rng, cplxf *own, size_t n)
{
    for (size_t i = 0; i < n; i++)
        own[i] = (cplxf)(pow(10, (rng_u01(rng) - 0.5) / 20) * cexp(I * 2 * PI * rng_u01(rng)));
}

static void draw(struct rng *rng, cplxf own[N])
{
    draw_channels(rng, own, N);
}

/* The leak, `echo` of it by a wall behind the array, and noise of that amplitude a carrier. */
static void hear(const struct tx_sounding_cfg *c, const cplxf *tx, const cplxf *rx, double echo,
                 double noise, struct rng *rng)
{
    for (size_t i = 0; i < c->n_tx; i++)
        for (size_t j = 0; j < c->n_rx; j++)
            for (size_t k = 0; k < K; k++) {
                const double f = c->carrier_hz + ((double)k - (K - 1) / 2) * c->spacing_hz;
                const double way = vec3_dist(c->tx[i], c->rx[j]) / SPEED_OF_LIGHT;
                const struct vec3 image = {-c->tx[i].x, c->tx[i].y, c->tx[i].z};
                const double wall = vec3_dist(image, c->rx[j]) / SPEED_OF_LIGHT;
                const cplx turn = cexp(-I * 2 * PI * (f - c->carrier_hz) * delay_s);
                h[(i * c->n_rx + j) * K + k] = (cplxf)(turn *
                                                           (cexp(-I * 2 * PI * f * way) +
                                                            echo * cexp(-I * 2 * PI * f * wall)) *
                                                           tx[i] * rx[j] +
                                                       noise * rng_cn(rng));
            }
}

static float worst_of(const cplxf *found, const cplxf *drawn, size_t n)
{
    float most = 0;
    for (size_t i = 0; i < n; i++)
        most = fmaxf(most, cabsf(found[i] - drawn[i] / drawn[0]));
    return most;
}

static float worst(const cplxf *found, const cplxf *drawn)
{
    return worst_of(found, drawn, N);
}

static void test_channels_come_back(void **state)
{
    (void)state;
    const struct tx_sounding_cfg c = lab();
    struct rng rng = rng_seed(4);
    for (int trial = 0; trial < 5; trial++) {
        cplxf tx[N], rx[N];
        struct tx_sounding out;
        draw(&rng, tx);
        draw(&rng, rx);
        hear(&c, tx, rx, 0, 0.3, &rng);
        assert_int_equal(tx_sounding_estimate(&c, h, delay_s, &out), OK);
        assert_true(worst(out.own, tx) < 0.03f && worst(out.heard, rx) < 0.03f);
        assert_true(out.match > 0.99f);
        hear(&c, tx, rx, 0.1, 0.3, &rng); /* a wall half a metre off: within the same cell */
        assert_int_equal(tx_sounding_estimate(&c, h, delay_s, &out), OK);
        assert_true(worst(out.own, tx) < 0.15f);
    }
}

/* [S1]'s array: 31 send, three listen. */
static void test_many_channels_come_back(void **state)
{
    (void)state;
    struct rng rng = rng_seed(6);
    struct tx_sounding_cfg c = {
        .n_tx = MANY, .n_rx = FEW, .carrier_hz = 10e9, .spacing_hz = 3125, .n_carrier = K};
    struct tx_sounding out;
    cplxf tx[MANY], rx[FEW];
    for (size_t i = 0; i < MANY; i++)
        c.tx[i] = (struct vec3){-0.0106 * (double)i, 0.0106 * (double)i, 10.3};
    for (size_t j = 0; j < FEW; j++)
        c.rx[j] = (struct vec3){-0.0106 * (double)j, 0.0106 * (double)j, 10};
    draw_channels(&rng, tx, MANY);
    draw_channels(&rng, rx, FEW);
    hear(&c, tx, rx, 0, 0.3, &rng);
    assert_int_equal(tx_sounding_estimate(&c, h, delay_s, &out), OK);
    assert_true(out.match > 0.99f);
    assert_true(worst_of(out.own, tx, MANY) < 0.03f && worst_of(out.heard, rx, FEW) < 0.03f);
}

static void test_what_was_not_heard(void **state)
{
    (void)state;
    const struct tx_sounding_cfg c = lab();
    struct rng rng = rng_seed(5);
    cplxf tx[N], rx[N];
    struct tx_sounding out;
    draw(&rng, tx);
    draw(&rng, rx);
    tx[2] = 0; /* a channel that does not send */
    hear(&c, tx, rx, 0, 0.01, &rng);
    assert_int_equal(tx_sounding_estimate(&c, h, delay_s, &out), ERR_NO_PEAK);
    draw(&rng, tx);
    tx[0] = 0;
    hear(&c, tx, rx, 0, 0.01, &rng);
    assert_int_equal(tx_sounding_estimate(&c, h, delay_s, &out), ERR_NO_PEAK);
    memset(h, 0, sizeof h);
    assert_int_equal(tx_sounding_estimate(&c, h, delay_s, &out), ERR_NO_PEAK);
    draw(&rng, tx); /* noise alone has no such form */
    hear(&c, tx, rx, 0, 0, &rng);
    for (size_t i = 0; i < N * N * K; i++)
        h[i] = (cplxf)rng_cn(&rng);
    if (tx_sounding_estimate(&c, h, delay_s, &out) == OK)
        assert_true(out.match < 0.9f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_channels_come_back),
        cmocka_unit_test(test_many_channels_come_back),
        cmocka_unit_test(test_what_was_not_heard),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
