/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What the elements behind an emulated board show: QEMU's log of writes to port C, pin by pin,
 * through a model of the 74HC595 chain. It shares nothing with the firmware but the wiring: PC0
 * data, PC1 shift clock, PC2 latch, PC3 /OE. */
#pragma once
#include "frames/ris_profile.h"

struct shift_log {
    size_t n; /* bytes of a pattern */
    uint8_t pins;
    bool dark;                         /* the outputs are off */
    uint8_t ring[8 * RIS_PATTERN_MAX]; /* bits shifted in, one a byte */
    uint32_t head;                     /* next place in the ring */
    uint64_t n_clock, n_latch;
    uint8_t latched[RIS_PATTERN_MAX]; /* what the last latch edge put on the outputs */
    void (*on_latch)(void *ctx, const uint8_t *pattern); /* may be NULL */
    void *ctx;
    char line[96];
    size_t n_line;
};

/* The outputs are taken as off until the log says otherwise. n_bytes: length of the chain. */
void shift_log_init(struct shift_log *s, size_t n_bytes);

/* Any piece of the log's text. */
void shift_log_feed(struct shift_log *s, const char *text, size_t n);
