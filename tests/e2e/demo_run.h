/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Runs `mirador demo --json` as a user would and keeps every line it prints, for the end-to-end
 * tests. */
#pragma once
#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct demo_fix {
    double position_m[3], track_m[3], covariance_m2[3][3], truth_m[3];
    double error_m, chi2, latency_ms, time_s;
    long long cycle;
    int user;
    int profile[2]; /* shown by the surfaces */
};

struct demo_run {
    int exit_code;        /* of `mirador demo`; 128 + signal when it was killed */
    struct demo_fix *fix; /* [n_fix], in the order printed */
    size_t n_fix;
    char *fix_text;    /* all "fix" lines without latency and run: equal in two equal runs */
    char *stderr_text; /* what the run said on stderr */
    json_t *cycles;    /* array of all "cycle" lines */
    json_t *summary;   /* last line, or NULL */
};

/* Runs build/bin/mirador demo --json --headless with `args` (a shell word list) to its end. */
void demo_run(struct demo_run *run, const char *args);
/* The same from what an earlier run has printed. */
void demo_run_read(struct demo_run *run, const char *file);
void demo_run_free(struct demo_run *run);

/* Percentile p (0..100) of the horizontal error, computed from positions and truths, not from the
 * summary. */
double demo_error_percentile(const struct demo_run *run, double p);
/* Share of truths inside the 95 % ellipse of the horizontal covariance. */
double demo_inside_ellipse(const struct demo_run *run);
/* A number of the summary, "link.up.ok" one of a member; fails the test when it is missing. */
double demo_summary(const struct demo_run *run, const char *key);

/* Starts the same in the background; its stdout goes to /dev/null. For tests that send signals. */
pid_t demo_start(const char *args);
/* The same with what it says on stderr in a file. */
pid_t demo_start_logged(const char *args, const char *file);
/* The oldest live process of this test with this program's name, 0 if there is none. */
pid_t demo_process(const char *program);
/* Number of Mirador processes alive that were started with the environment mark of this test. */
size_t demo_processes_alive(void);

/* Gives every demo that this test runs a private place for its state folder: group set-up and
 * tear-down; the latter ends what still runs, and fails if there was any or the place is not empty.
 */
int demo_place_make(void **state);
int demo_place_remove(void **state);
const char *demo_place(void);
/* Name of the one state folder in there, which is the name of its room's segment too; "" if there
 * is none. */
const char *demo_folder(void);
/* True if the segment of that name exists. */
bool demo_has_segment(const char *name);
