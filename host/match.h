/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Joins what the base station found with where the users really were, and judges it. The two come
 * over different sockets, so a fix may wait here until the truth of its time is there. One thread.
 */
#pragma once
#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

enum { MATCH_USERS = 16, MATCH_TRUTHS = 8192, MATCH_WAITING = 1024, MATCH_LENGTHS = 3 };

struct truth_sample {
    double time_s;
    struct truth_user {
        int id;
        float length_m[MATCH_LENGTHS]; /* of L1, L2, L3; NaN: not told */
        double position_m[3];
    } users[MATCH_USERS];
    size_t n_users;
};

struct match {
    struct truth_sample truths[MATCH_TRUTHS]; /* ring, rising time */
    size_t first, n, keep;                    /* keep: at most; 0 = all of MATCH_TRUTHS */
    json_t *waiting[MATCH_WAITING];           /* fixes in order of arrival */
    size_t n_waiting;
    size_t lost; /* fixes beyond MATCH_WAITING, or older than every truth */
};

/* One "truth" message; anything else is ignored. One earlier than the last is of a room that has
 * begun anew: the others are dropped. */
void match_add_truth(struct match *match, const json_t *truth);

/* Takes over the reference. */
void match_add_fix(struct match *match, json_t *fix);

/* The next fix whose truth is known, judged; the caller owns the reference. NULL when none is
 * ready.
 */
json_t *match_take(struct match *match);

/* Linear interpolation at time_s. 0 = found, 1 = later than every truth, -1 = never will be. */
int match_truth(const struct match *match, int user, double time_s, double position_m[3]);

/* Adds to a fix, or to a cycle with paths but without a position, "truth_m", to a fix "error_m",
 * and to each path L1 to L3 the "error_m" of its length. A fix by steering gets "misidentified":
 * one of these lengths is more than 0.75 m, three deviations of the site's error, from the path's
 * of that name. Returns as match_truth; nothing is added unless 0. */
int match_judge(const struct match *match, json_t *found);

/* Positions by steering that were judged, and of them those with a misidentified path. */
struct match_tally {
    size_t steered, misidentified;
};
/* found: as match_judge left it. True if it counts. */
bool match_tally_add(struct match_tally *tally, const json_t *found);

void match_clear(struct match *match);
