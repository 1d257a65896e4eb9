/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Figures of one user's data link, both ways, over the last slots: slot error rate, SNR, EVM, bit
 * error rates, throughput. What this side hears it measures; of what it sends it knows what the
 * other side acknowledged and reported. Pure data, RT-safe; docs/link.md. */
#pragma once
#include "dsp/data_slot.h"
#include "host/data_link.h"
#include "host/report_text.h"

enum { LINK_STATS_SLOTS = 32 };

struct link_rx { /* one received slot */
    bool found;  /* a header of ours was there */
    bool ok;     /* and the payload's check holds */
    size_t bytes;
    struct data_slot_result slot;
};

struct link_figures {    /* of one direction; NaN: not known */
    unsigned slots;      /* that are known to have come whole or not */
    double fer;          /* share of them that did not */
    double snr_db;       /* mean, in dB */
    double evm_db;       /* mean, in dB */
    double raw_ber, ber; /* before correction; of known data, after it */
    double bps; /* user data proven to have arrived; of known data: slots that came whole */
};

struct link_stats {
    struct link_stats_slot {
        double time_s;
        struct link_rx heard;
        bool carries;
        struct data_link_state traffic;
    } slot[LINK_STATS_SLOTS]; /* a ring */
    size_t n;                 /* noted since the reset */
};

void link_stats_reset(struct link_stats *stats);
/* After each cycle with slots. traffic: NULL with known data. Time that runs backwards (a radio
 * opened anew) or a counter that does (a link opened anew) forgets what was before. */
void link_stats_note(struct link_stats *stats, double time_s, const struct link_rx *heard,
                     const struct data_link_state *traffic);
/* now_s: throughput is over the time from the oldest slot to now. */
void link_stats_read(const struct link_stats *stats, double now_s, struct link_figures *heard,
                     struct link_figures *sent);

/* Appends `,"figures":{"down":{...},"up":{...}}`. What is not known is null. */
void link_figures_add(struct report_text *text, const struct link_figures *down,
                      const struct link_figures *up);
