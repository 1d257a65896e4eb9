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
};

struct demo_run {
    int exit_code;        /* of `mirador demo`; 128 + signal when it was killed */
    struct demo_fix *fix; /* [n_fix], in the order printed */
    size_t n_fix;
    char *fix_text;    /* all "fix" lines with their latencies cut out: equal in two equal runs */
    char *stderr_text; /* what the run said on stderr */
    json_t *summary;   /* last line, or NULL */
};

/* Runs build/bin/mirador demo --json --headless with `args` (a shell word list) to its end. */
void demo_run(struct demo_run *run, const char *args);
void demo_run_free(struct demo_run *run);

/* Percentile p (0..100) of the horizontal error, computed from positions and truths, not from the
 * summary. */
double demo_error_percentile(const struct demo_run *run, double p);
/* Share of truths inside the 95 % ellipse of the horizontal covariance. */
double demo_inside_ellipse(const struct demo_run *run);
/* A number of the summary; fails the test when it is missing. */
double demo_summary(const struct demo_run *run, const char *key);

/* Starts the same in the background; its stdout goes to /dev/null. For tests that send signals. */
pid_t demo_start(const char *args);
/* Number of Mirador processes alive that were started with the environment mark of this test. */
size_t demo_processes_alive(void);
/* Number of shared-memory segments of rooms that exist now. */
size_t demo_segments(void);
