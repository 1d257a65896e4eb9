/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Which modulation and coding a slot gets: the fastest one whose switching point is below the SNR
 * that the other side reports, less a margin that losses raise and successes wear off. Pure data,
 * RT-safe. */
#pragma once
#include <stddef.h>

enum { LINK_ADAPT_MAX = 16 };

struct link_adapt {
    size_t n_mcs;
    double from_db[LINK_ADAPT_MAX]; /* switching points; [0] is not looked at */
    double margin_db;               /* 0..LINK_ADAPT_MARGIN_DB */
    int mcs;                        /* the choice, 0..n_mcs-1 */
};

#define LINK_ADAPT_MARGIN_DB  10.0 /* most that losses can add */
#define LINK_ADAPT_LOSS_DB    1.0  /* a report that names a loss */
#define LINK_ADAPT_SUCCESS_DB 0.05 /* a slot that arrived: one loss in twenty keeps the balance */
#define LINK_ADAPT_STEADY_DB  0.5  /* above a switching point, before it is crossed upwards */

/* A report of the other side: how many slots it has received and missed since the one before, and
 * at which SNR it hears us; NaN: it does not say, and the choice is the slowest. */
void link_adapt_report(struct link_adapt *adapt, size_t received, size_t missed, double snr_db);
