/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What a demo leaves behind when one of its processes is killed: a message that names it, exit code
 * 1, and nothing else. */
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

#define PATIENCE 600 /* looks, 50 ms apart */

static void pause_ms(long ms)
{
    nanosleep(&(struct timespec){ms / 1000, ms % 1000 * 1000000}, NULL);
}

static double now_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* Until the demo has started its last program. */
static void wait_for_user(pid_t demo)
{
    for (int i = 0; i < PATIENCE && demo_process("mirador-ue") == 0; i++) {
        if (waitpid(demo, NULL, WNOHANG) != 0)
            fail_msg("the demo ended before all ran");
        pause_ms(50);
    }
    assert_true(demo_process("mirador-ue") > 0);
}

static void wait_for_silence(void)
{
    for (int i = 0; i < PATIENCE && demo_processes_alive() > 0; i++)
        pause_ms(50);
    assert_int_equal(demo_processes_alive(), 0);
}

static void read_text(const char *file, char *text, size_t size)
{
    FILE *f = fopen(file, "r");
    assert_non_null(f);
    text[fread(text, 1, size - 1, f)] = 0;
    fclose(f);
    remove(file);
}

/* Killed half a second after everybody runs. */
static void assert_named(const char *program)
{
    char log[300], text[8192], folder[256];
    int status;
    snprintf(log, sizeof log, "%s/stderr", demo_place());
    pid_t pid = demo_start_logged("--seconds 600 --seed 3", log);
    wait_for_user(pid);
    pause_ms(500);
    snprintf(folder, sizeof folder, "%s", demo_folder());
    assert_true(demo_has_segment(folder));
    assert_int_equal(kill(demo_process(program), SIGKILL), 0);
    double killed_s = now_s();
    assert_int_equal(waitpid(pid, &status, 0), pid);
    double took_s = now_s() - killed_s;
    read_text(log, text, sizeof text);
    print_message("%s killed: the demo ended after %.1f s\n", program, took_s);
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 1 || !strstr(text, program) ||
        !strstr(text, "signal 9"))
        fail_msg("%s killed: status %#x, said '%s'", program, (unsigned)status, text);
    assert_true(took_s < 20);
    assert_int_equal(demo_processes_alive(), 0);
    assert_string_equal(demo_folder(), "");
    assert_false(demo_has_segment(folder));
}

static void a_killed_room_is_named(void **state)
{
    (void)state;
    assert_named("mirador-room");
}

/* Nobody ends them while the demo is held; a room may come back. */
static void without_a_room_both_radios_wait_for_it(void **state)
{
    (void)state;
    char log[300], text[8192];
    int status;
    snprintf(log, sizeof log, "%s/stderr", demo_place());
    pid_t pid = demo_start_logged("--seconds 600 --seed 3", log);
    wait_for_user(pid);
    pause_ms(500);
    kill(pid, SIGSTOP);
    kill(demo_process("mirador-room"), SIGKILL);
    pause_ms(5000);
    assert_true(demo_process("mirador-ue") > 0);
    assert_true(demo_process("miradord") > 0);
    kill(pid, SIGCONT);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(WIFEXITED(status) ? WEXITSTATUS(status) : -1, 1);
    read_text(log, text, sizeof text);
    assert_int_equal(demo_processes_alive(), 0);
}

static void a_killed_ris_controller_is_named(void **state)
{
    (void)state;
    assert_named("mirador-ris");
}

static void a_killed_user_is_named(void **state)
{
    (void)state;
    assert_named("mirador-ue");
}

static void a_killed_base_station_is_named(void **state)
{
    (void)state;
    assert_named("miradord");
}

/* Nobody tidies up behind a killed demo at once, but the next one does. */
static void what_a_killed_demo_leaves_goes_with_the_next(void **state)
{
    (void)state;
    char folder[256];
    struct demo_run run;
    pid_t pid = demo_start("--seconds 600 --seed 3");
    wait_for_user(pid);
    pause_ms(500);
    snprintf(folder, sizeof folder, "%s", demo_folder());
    kill(pid, SIGKILL);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
    wait_for_silence();
    assert_false(demo_has_segment(folder));
    assert_string_equal(demo_folder(), folder);
    demo_run(&run, "--scene nowhere.yaml"); /* even one that gets nowhere itself */
    assert_int_equal(run.exit_code, 2);
    demo_run_free(&run);
    assert_string_equal(demo_folder(), "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_killed_room_is_named),
        cmocka_unit_test(without_a_room_both_radios_wait_for_it),
        cmocka_unit_test(a_killed_ris_controller_is_named),
        cmocka_unit_test(a_killed_user_is_named),
        cmocka_unit_test(a_killed_base_station_is_named),
        cmocka_unit_test(what_a_killed_demo_leaves_goes_with_the_next),
    };
    return cmocka_run_group_tests(tests, demo_place_make, demo_place_remove);
}
