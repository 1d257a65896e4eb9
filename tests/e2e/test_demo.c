/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The main job, end to end, as a newcomer runs it: `mirador demo` in scene lab. Runs are gated, so
 * no figure here depends on the speed or the load of the machine. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/e2e/demo_run.h"

static void assert_lab_figures(const char *args)
{
    struct demo_run run;
    demo_run(&run, args);
    if (run.exit_code)
        fail_msg("mirador demo %s: exit code %d: %s", args, run.exit_code, run.stderr_text);
    double p50 = demo_error_percentile(&run, 50), p90 = demo_error_percentile(&run, 90);
    double p95 = demo_error_percentile(&run, 95), inside = demo_inside_ellipse(&run);
    double responses = demo_summary(&run, "responses"), fixes = demo_summary(&run, "fixes");
    print_message("%s: p50 %.3f p90 %.3f p95 %.3f m, inside %.3f, %g fixes of %g responses\n", args,
                  p50, p90, p95, inside, fixes, responses);
    assert_int_equal(run.n_fix, (size_t)fixes);
    assert_true(responses >= 200);
    assert_true(fixes >= 0.97 * responses);
    assert_true(p50 <= 0.082 && p90 <= 0.169 && p95 <= 0.21); /* a tenth under the first version */
    assert_true(inside >= 0.92 && inside <= 0.99);
    assert_true(demo_summary(&run, "lates") == 0 && demo_summary(&run, "gaps") == 0);
    demo_run_free(&run);
}

static void test_accuracy_in_scene_lab(void **state)
{
    (void)state;
    assert_lab_figures("--seconds 60 --speed 0 --seed 1");
}

static void test_same_seed_same_bits_under_load(void **state)
{
    (void)state;
    struct demo_run quiet, loaded;
    demo_run(&quiet, "--seconds 12 --speed 0 --seed 5");
    pid_t load = fork();
    assert_true(load >= 0);
    if (load == 0)
        for (volatile unsigned i = 0;; i++)
            ;
    demo_run(&loaded, "--seconds 12 --speed 0 --seed 5");
    kill(load, SIGKILL);
    waitpid(load, NULL, 0);
    assert_true(quiet.n_fix > 20);
    assert_string_equal(quiet.fix_text, loaded.fix_text);
    demo_run_free(&quiet);
    demo_run_free(&loaded);
}

static void test_other_seed_other_fixes(void **state)
{
    (void)state;
    struct demo_run a, b;
    demo_run(&a, "--seconds 8 --speed 0 --seed 6");
    demo_run(&b, "--seconds 8 --speed 0 --seed 7");
    assert_true(a.n_fix > 5 && b.n_fix > 5);
    assert_string_not_equal(a.fix_text, b.fix_text);
    demo_run_free(&a);
    demo_run_free(&b);
}

static void test_no_permission_no_fix(void **state)
{
    (void)state;
    struct demo_run run;
    demo_run(&run, "--seconds 10 --speed 0 --permit no");
    assert_int_equal(run.exit_code, 0);
    assert_int_equal(run.n_fix, 0);
    assert_true(demo_summary(&run, "fixes") == 0);
    assert_true(demo_summary(&run, "responses") == 0);
    assert_true(demo_summary(&run, "cycles") > 30);
    demo_run_free(&run);
}

static void pause_ms(long ms)
{
    struct timespec t = {ms / 1000, ms % 1000 * 1000000};
    nanosleep(&t, NULL);
}

static bool is_up(void)
{
    const char *folder = demo_folder();
    return folder[0] && demo_has_segment(folder) && demo_processes_alive() >= 5;
}

static void assert_stops(int signal_number, int expected_exit)
{
    char folder[256];
    pid_t pid = demo_start("--seconds 600 --seed 3");
    for (int i = 0; i < 1200 && !is_up(); i++)
        pause_ms(50);
    assert_true(is_up());
    pause_ms(3000);
    snprintf(folder, sizeof folder, "%s", demo_folder());
    assert_true(demo_has_segment(folder));
    kill(pid, signal_number);
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    if (expected_exit >= 0)
        assert_int_equal(WIFEXITED(status) ? WEXITSTATUS(status) : -1, expected_exit);
    for (int i = 0; i < 200 && (demo_processes_alive() || demo_has_segment(folder)); i++)
        pause_ms(50);
    assert_int_equal(demo_processes_alive(), 0);
    assert_false(demo_has_segment(folder));
    assert_string_equal(demo_folder(), "");
}

static void test_interrupt_leaves_nothing_behind(void **state)
{
    (void)state;
    assert_stops(SIGINT, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_no_permission_no_fix),
        cmocka_unit_test(test_interrupt_leaves_nothing_behind),
        cmocka_unit_test(test_same_seed_same_bits_under_load),
        cmocka_unit_test(test_other_seed_other_fixes),
        cmocka_unit_test(test_accuracy_in_scene_lab),
    };
    return cmocka_run_group_tests(tests, demo_place_make, demo_place_remove);
}
