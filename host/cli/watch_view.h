/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What `mirador watch` shows: the latest of each topic, as text. No sockets, no clock of its own.
 */
#pragma once
#include <jansson.h>
#include <stdio.h>

#include "host/match.h"

enum { WATCH_SURFACES = 2, WATCH_LOG = 6 };

struct watch_view { /* all zero at first */
    json_t *fix, *cycle, *health, *ris;
    json_t *pixels[WATCH_SURFACES]; /* the latest of each surface */
    json_t *log[WATCH_LOG];         /* the last lines, the latest first */
    struct match truth;
    struct match_tally by_steering; /* since we watch */
    double heard_s;                 /* when a message of the daemon came last; 0 = never */
    size_t restarts; /* the daemon was started anew: its cycle jumped by more than it counts */
};

/* Takes the reference. topic: "fix", "cycle", "health", "ris", "calib", "log", "truth"; others
 * are ignored. True if a cycle is complete: time for its line. */
bool watch_view_take(struct watch_view *view, const char *topic, json_t *message, double now_s);

/* One line of the latest cycle, with its newline. */
void watch_view_line(const struct watch_view *view, FILE *out);
/* One line of the daemon's log, a message of the topic "log". */
void watch_view_log(const json_t *message, const char *end, FILE *out);
/* Everything, each line ended by `end` ("\n", or one that clears the rest of a terminal's line). */
void watch_view_screen(const struct watch_view *view, double now_s, const char *end, FILE *out);

void watch_view_clear(struct watch_view *view);
