/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What a demo comes to: errors of all fixes, latencies, and the daemon's last counters. */
#pragma once
#include <jansson.h>
#include <stddef.h>

#include "frames/status.h"
#include "host/match.h"

/* Chi-square quantile, 95 %, two degrees of freedom: a horizontal ellipse. */
#define STATS_CHI2_95 5.991464547107979

struct stats {
    double *error_m, *latency_ms; /* [n], grown as needed */
    int *user;                    /* [n], whose fix it is; the order of error_m until the summary */
    size_t n, capacity;
    struct match_tally by_steering;
    size_t inside;        /* truths inside the 95 % ellipse */
    struct stats_length { /* of paths that made no position: L1, L2, L3 */
        size_t n;
        double square, bound; /* sums of squared errors, of squared standard deviations told */
    } length[3];
    json_t *health; /* latest, or NULL */
};

/* One matched fix. ERR_FORMAT if a key is missing, ERR_NO_MEMORY. */
int stats_add(struct stats *stats, const json_t *fix) MUST_CHECK;
/* One cycle without a fix, its paths with their errors. */
void stats_add_lengths(struct stats *stats, const json_t *cycle);
/* Takes over the reference. */
void stats_set_health(struct stats *stats, json_t *health);

/* Nearest rank, p in 0..100; 0 if n is 0. Sorts the values. */
double stats_percentile(double *values, size_t n, double p);

/* The summary line; the caller owns the reference. Without fixes the figures about them are null.
 */
json_t *stats_summary(struct stats *stats, double wall_s);
void stats_clear(struct stats *stats);

/* Number at a path like "radio.rx_gaps", 0 if there is none. */
double json_number_at(const json_t *object, const char *path);
