/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Random fault scripts in gated demos, judged one by one and together; or one demo at pace 1.0 that
 * ran before.
 *
 *   fault_campaign FIRST_SEED N FAULTS [KINDS [gated|continuous]]
 *   fault_campaign judge DEMO_OUTPUT FAULT_REPORT */
#include "tests/e2e/fault_judge.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static struct fault_judge judge;
static unsigned first, count, faults;
static const char *kinds, *capture;

static void one(unsigned seed)
{
    char script[64] = "/tmp/mirador-faults-XXXXXX", command[400], args[400], report[80];
    struct demo_run run;
    close(mkstemp(script));
    snprintf(report, sizeof report, "%s.json", script);
    snprintf(command, sizeof command,
             "%s/mirador-room --random-faults %u --seed %u --fault-start 5 --fault-kinds %s >%s",
             MIRADOR_BIN_DIR, faults, seed, kinds, script);
    assert_int_equal(system(command), 0);
    snprintf(args, sizeof args,
             "--speed 0 --seconds %u --seed %u --faults %s --fault-report %s "
             "--set bs.radio.clock_source=external --set bs.radio.capture=%s",
             7 + 2 * faults, seed, script, report, capture);
    unsigned before = judge.violations;
    demo_run(&run, args);
    fault_judge(&judge, &run, report);
    printf("seed %u: %zu positions, %u violations%s%s\n", seed, run.n_fix,
           judge.violations - before, judge.violations > before ? "; script " : "",
           judge.violations > before ? script : "");
    fflush(stdout);
    demo_run_free(&run);
    unlink(report);
    if (judge.violations == before)
        unlink(script);
}

static void conclude(void)
{
    double p50 = fault_judge_error(&judge, 50), p90 = fault_judge_error(&judge, 90),
           p95 = fault_judge_error(&judge, 95);
    printf("%u scripts, %u faults, %u quiet cycles (%u without a position, %u disturbed by the "
           "machine), %u positions: error p50 %.3f, p90 %.3f, p95 %.3f m (%u); %u violations\n",
           count, judge.fired, judge.untouched, judge.missing, judge.disturbed, judge.fixes, p50,
           p90, p95, judge.n_error, judge.violations);
    assert_int_equal(judge.violations, 0);
    assert_true(judge.disturbed <= 0.05 * judge.untouched);
    assert_true(judge.missing - judge.disturbed <= 0.03 * judge.untouched);
    assert_true(p50 <= 0.20 && p90 <= 0.35 && p95 <= 0.50);
}

static void all(void **state)
{
    (void)state;
    for (unsigned i = 0; i < count; i++)
        one(first + i);
    conclude();
}

static const char *output, *report_file;

static void earlier(void **state)
{
    (void)state;
    struct demo_run run;
    count = 1;
    judge.paced = true;
    demo_run_read(&run, output);
    fault_judge(&judge, &run, report_file);
    demo_run_free(&run);
    conclude();
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(all)};
    const struct CMUnitTest judging[] = {cmocka_unit_test(earlier)};
    if (argc == 4 && strcmp(argv[1], "judge") == 0) {
        output = argv[2];
        report_file = argv[3];
        return cmocka_run_group_tests(judging, NULL, NULL);
    }
    if (argc < 4 || argc > 6) {
        fprintf(stderr, "fault_campaign FIRST_SEED N FAULTS [KINDS [gated|continuous]], or judge "
                        "OUTPUT REPORT\n");
        return 2;
    }
    first = (unsigned)strtoul(argv[1], NULL, 10);
    count = (unsigned)strtoul(argv[2], NULL, 10);
    faults = (unsigned)strtoul(argv[3], NULL, 10);
    kinds = argc > 4 ? argv[4] : "all";
    capture = argc > 5 ? argv[5] : "gated";
    judge.continuous = strcmp(capture, "continuous") == 0;
    return cmocka_run_group_tests(tests, demo_place_make, demo_place_remove);
}
