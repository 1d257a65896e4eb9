/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A chain of 74HC595 shift registers: bits are shifted in one after the other, one edge of the
 * common latch line shows them all, and /OE keeps every output off until the first latch.
 * Bit i of a pattern ends on output i % 8 (QA = 0) of chip i / 8, chip 0 next to the processor.
 * The end of the chain (QH' of the last chip) may be wired back: then it can be read. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The pins, in the format of the STM32's BSRR: low half sets, high half clears. */
struct hc595_bus {
    void *ctx;
    void (*write)(void *ctx, uint32_t set_clear);
    bool (*returned)(void *ctx);      /* level of QH' */
    uint16_t data, clock, latch, off; /* pin masks; off = /OE, high = outputs off */
};

struct hc595 {
    const struct hc595_bus *bus;
    bool shown; /* outputs are on */
    bool wired; /* what comes out of the chain is what went in, n bits later */
};

/* Setup only. Outputs off, chain cleared; finds out whether its end is wired back. n: bytes. */
void hc595_start(struct hc595 *c, const struct hc595_bus *bus, size_t n);

void hc595_shift(struct hc595 *c, const uint8_t *pattern, size_t n);
void hc595_latch(struct hc595 *c);
void hc595_off(struct hc595 *c); /* until the next latch */

/* Turns the whole chain once around, so that it holds afterwards what it held. False: not wired. */
bool hc595_read(struct hc595 *c, uint8_t *pattern, size_t n);
