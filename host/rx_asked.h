/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The timed captures that a radio was asked for last, each of samples tick .. tick + n - 1. Pure
 * data; RT-safe. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { RX_ASKED = 8 };

struct rx_command {
    int64_t tick;
    size_t n; /* 0: they have come already, or never will */
};

struct rx_asked { /* all zero: none */
    struct rx_command command[RX_ASKED];
    size_t n; /* so far; only the last RX_ASKED are known */
};

void rx_asked_add(struct rx_asked *asked, int64_t tick, size_t n);

/* The first that begins behind `after` and asked for sample `tick`, or NULL. */
struct rx_command *rx_asked_of(struct rx_asked *asked, int64_t tick, int64_t after);
/* The first that begins behind `after`, or NULL. */
struct rx_command *rx_asked_behind(struct rx_asked *asked, int64_t after);

/* Whether one begins at `tick`; whether the samples of such a one are no longer to come. */
bool rx_asked_begins(const struct rx_asked *asked, int64_t tick);
bool rx_asked_used_up(const struct rx_asked *asked, int64_t tick);
