/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A demo with a fault script against what the room says really happened (--fault-report): counters
 * equal, every cycle that a fault met is marked, none of them gives a position, and untouched
 * answered cycles are back within two cycles of a fault's end. Marks are not demanded and four
 * cycles are granted once a device came back without its time, since the two clocks can be compared
 * to a cycle or two only from there on. */
#pragma once
#include "tests/e2e/demo_run.h"

struct fault_judge {
    bool paced;          /* set by the caller: at pace 1.0 a loaded machine may be late, too */
    bool continuous;     /* likewise: an endless stream, of which the gaps between captures are lost
                            unheeded */
    unsigned violations; /* each has been printed */
    unsigned fired;      /* faults that happened */
    unsigned untouched;  /* cycles from the first answer on that no fault excuses */
    unsigned missing;    /* of these, without a position */
    unsigned
        disturbed; /* paced: of these, late boards and what they hide, or a single missing answer */
    unsigned fixes;       /* positions in all */
    double error_m[4096]; /* horizontal, of positions before a device first came back without its
                           * time: in gated time nobody can tell afterwards what the time is */
    unsigned n_error;
};

/* Adds to *judge. report: path of the room's file. */
void fault_judge(struct fault_judge *judge, const struct demo_run *run, const char *report);
/* Percentile 0..100 of the errors so far. */
double fault_judge_error(struct fault_judge *judge, double p);
