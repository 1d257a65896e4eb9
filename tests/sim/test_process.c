/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Who is alive: ourselves, a child, a zombie, nobody, another one of the same pid; and when no file
 * can be opened. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "sim/process.h"

static pid_t start_child(void)
{
    pid_t pid = fork();
    if (pid == 0) {
        pause();
        _exit(0);
    }
    assert_true(pid > 0);
    return pid;
}

static void a_process_is_known_by_its_start(void **state)
{
    (void)state;
    const uint64_t start = process_start(getpid());
    assert_true(start > 0);
    assert_true(process_alive(getpid(), start) && process_alive(getpid(), 0));
    assert_false(process_alive(getpid(), start + 1));
    assert_false(process_alive(0, 0) || process_alive(-1, 0));
}

static void neither_a_zombie_nor_nobody_is_alive(void **state)
{
    (void)state;
    siginfo_t info;
    const pid_t child = start_child();
    const uint64_t start = process_start(child);
    assert_true(process_alive(child, start));
    kill(child, SIGKILL);
    assert_int_equal(waitid(P_PID, (id_t)child, &info, WEXITED | WNOWAIT), 0);
    assert_int_equal(process_start(child), 0);
    assert_false(process_alive(child, start) || process_alive(child, 0));
    assert_int_equal(waitpid(child, NULL, 0), child);
    assert_int_equal(process_start(child), 0);
    assert_false(process_alive(child, start) || process_alive(child, 0));
}

static void who_has_no_descriptor_left_buries_nobody(void **state)
{
    (void)state;
    struct rlimit before;
    const pid_t living = start_child(), dead = start_child();
    const uint64_t start = process_start(living);
    kill(dead, SIGKILL);
    assert_int_equal(waitpid(dead, NULL, 0), dead);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    const struct rlimit none = {0, before.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
    const bool told = process_start(living) != 0;
    const bool alive = process_alive(living, start), buried = !process_alive(dead, 0);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
    kill(living, SIGKILL);
    waitpid(living, NULL, 0);
    assert_true(!told && alive && buried);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_process_is_known_by_its_start),
        cmocka_unit_test(neither_a_zombie_nor_nobody_is_alive),
        cmocka_unit_test(who_has_no_descriptor_left_buries_nobody),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
