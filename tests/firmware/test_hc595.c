/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The shift chain's driver on made-up pins with a chain of chips behind them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "firmware/drivers/hc595.h"

enum { SER = 1, SRCLK = 2, RCLK = 4, OE = 8 };

#define CHIPS_MAX 32

struct chips {
    size_t n;  /* chips really there */
    bool wire; /* QH' of the last one comes back */
    uint32_t pins;
    bool stage[8 * CHIPS_MAX], out[8 * CHIPS_MAX];
    size_t clocks;
};

static void chips_write(void *ctx, uint32_t v)
{
    struct chips *c = ctx;
    uint32_t before = c->pins;
    c->pins = (c->pins & ~(v >> 16)) | (v & 0xffff);
    uint32_t rose = c->pins & ~before;
    if (rose & SRCLK) {
        /* Setup time: the data pin must not move together with the clock. */
        assert_int_equal(before & SER, c->pins & SER);
        memmove(c->stage + 1, c->stage, 8 * c->n - 1);
        c->stage[0] = c->pins & SER;
        c->clocks++;
    }
    if (rose & RCLK)
        memcpy(c->out, c->stage, sizeof c->out);
}

static bool chips_returned(void *ctx)
{
    struct chips *c = ctx;
    return c->wire && c->stage[8 * c->n - 1];
}

static struct hc595_bus bus_of(struct chips *c)
{
    return (struct hc595_bus){c, chips_write, chips_returned, SER, SRCLK, RCLK, OE};
}

static void power_up(struct chips *c, size_t n, bool wire)
{
    *c = (struct chips){.n = n, .wire = wire};
    memset(c->stage, 1, sizeof c->stage); /* a chain wakes up with anything in it */
    memset(c->out, 1, sizeof c->out);
}

static void fill(uint8_t *pattern, size_t n, unsigned seed)
{
    for (size_t i = 0; i < n; i++)
        pattern[i] = (uint8_t)((seed = seed * 1103515245u + 12345u) >> 16);
}

static void assert_shown(const struct chips *c, const uint8_t *pattern, size_t n)
{
    for (size_t i = 0; i < 8 * n; i++)
        assert_int_equal(c->out[i], pattern[i / 8] >> i % 8 & 1);
}

static void test_bits_end_on_their_outputs(void **state)
{
    (void)state;
    static const size_t sizes[] = {1, 2, 3, 8, 32};
    uint8_t pattern[CHIPS_MAX];
    for (size_t k = 0; k < sizeof sizes / sizeof sizes[0]; k++) {
        struct chips chips;
        struct hc595 chain;
        power_up(&chips, sizes[k], false);
        struct hc595_bus bus = bus_of(&chips);
        hc595_start(&chain, &bus, sizes[k]);
        fill(pattern, sizes[k], 7);
        hc595_shift(&chain, pattern, sizes[k]);
        hc595_latch(&chain);
        assert_shown(&chips, pattern, sizes[k]);
    }
}

static void test_dark_until_the_first_latch(void **state)
{
    (void)state;
    const uint8_t pattern[4] = {1, 2, 3, 4};
    struct chips chips;
    struct hc595 chain;
    power_up(&chips, 4, true);
    struct hc595_bus bus = bus_of(&chips);
    hc595_start(&chain, &bus, 4);
    assert_true(chips.pins & OE);
    hc595_shift(&chain, pattern, 4);
    assert_true(chips.pins & OE);
    hc595_latch(&chain);
    assert_false(chips.pins & OE);
    hc595_off(&chain);
    assert_true(chips.pins & OE);
    hc595_latch(&chain);
    assert_false(chips.pins & OE);
}

static void test_reads_back_and_leaves_the_chain(void **state)
{
    (void)state;
    uint8_t pattern[32], back[32];
    struct chips chips;
    struct hc595 chain;
    power_up(&chips, 32, true);
    struct hc595_bus bus = bus_of(&chips);
    hc595_start(&chain, &bus, 32);
    assert_true(chain.wired);
    for (unsigned seed = 0; seed < 50; seed++) {
        fill(pattern, 32, seed);
        hc595_shift(&chain, pattern, 32);
        hc595_latch(&chain);
        assert_true(hc595_read(&chain, back, 32));
        assert_memory_equal(back, pattern, 32);
        hc595_latch(&chain); /* once around: everything is where it was */
        assert_shown(&chips, pattern, 32);
    }
}

static void test_a_fault_in_the_chain_shows_in_what_is_read(void **state)
{
    (void)state;
    uint8_t pattern[8], back[8];
    struct chips chips;
    struct hc595 chain;
    power_up(&chips, 8, true);
    struct hc595_bus bus = bus_of(&chips);
    hc595_start(&chain, &bus, 8);
    fill(pattern, 8, 3);
    hc595_shift(&chain, pattern, 8);
    chips.stage[17] = !chips.stage[17];
    assert_true(hc595_read(&chain, back, 8));
    assert_memory_not_equal(back, pattern, 8);
}

/* No wire, too few chips, too many: what comes back must not be believed. */
static void test_says_when_it_cannot_read(void **state)
{
    (void)state;
    static const struct {
        size_t chips;
        bool wire;
    } cases[] = {{8, false}, {7, true}, {9, true}, {1, true}, {16, true}};
    uint8_t back[8];
    for (size_t k = 0; k < sizeof cases / sizeof cases[0]; k++) {
        struct chips chips;
        struct hc595 chain;
        power_up(&chips, cases[k].chips, cases[k].wire);
        struct hc595_bus bus = bus_of(&chips);
        hc595_start(&chain, &bus, 8);
        assert_false(chain.wired);
        size_t clocks = chips.clocks;
        assert_false(hc595_read(&chain, back, 8));
        assert_int_equal(chips.clocks, clocks);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bits_end_on_their_outputs),
        cmocka_unit_test(test_dark_until_the_first_latch),
        cmocka_unit_test(test_reads_back_and_leaves_the_chain),
        cmocka_unit_test(test_a_fault_in_the_chain_shows_in_what_is_read),
        cmocka_unit_test(test_says_when_it_cannot_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
