/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Joins what the base station found with where the users really were. The two come over different
 * sockets, so a fix waits here until the truth of its time is there. */
#pragma once
#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

enum { MATCH_USERS = 16, MATCH_TRUTHS = 8192, MATCH_WAITING = 1024 };

struct truth_sample {
    double time_s;
    struct {
        int id;
        bool present;
        double position_m[3];
    } users[MATCH_USERS];
    size_t n_users;
};

struct match {
    struct truth_sample truths[MATCH_TRUTHS]; /* ring, rising time */
    size_t first, n;
    json_t *waiting[MATCH_WAITING]; /* fixes in order of arrival */
    size_t n_waiting;
    size_t lost; /* fixes beyond MATCH_WAITING, or older than every truth */
};

/* One "truth" message; anything else is ignored. */
void match_add_truth(struct match *match, const json_t *truth);

/* Takes over the reference. */
void match_add_fix(struct match *match, json_t *fix);

/* The next fix whose truth is known, with "truth_m" and "error_m" added; the caller owns the
 * reference. NULL when none is ready. */
json_t *match_take(struct match *match);

/* Linear interpolation at time_s. 0 = found, 1 = later than every truth, -1 = never will be. */
int match_truth(const struct match *match, int user, double time_s, double position_m[3]);

void match_clear(struct match *match);
