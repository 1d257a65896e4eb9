/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What the kernel grants holds afterwards; what it refuses is said once, with the cure, and nothing
 * else changes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/log.h"
#include "base/realtime.h"
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

enum { NO_SUCH_CPU = 1023, NOBODY = 65534 };

static char said[2048];
static int lines;

static void listen(void *context, enum log_level level, const char *text)
{
    (void)context;
    if (level != LOG_LEVEL_WARN)
        return;
    lines++;
    snprintf(said, sizeof said, "%s", text);
}

static void pins_to_a_cpu(void **state)
{
    (void)state;
    int cpus[64];
    cpu_set_t now;
    size_t n = realtime_cpus(cpus, 64);
    assert_true(n >= 1);
    const struct realtime_cfg cfg = {.cpus = &cpus[n - 1], .n_cpu = 1};
    struct realtime_grant got = realtime_apply(pthread_self(), &cfg);
    assert_true(got.pinned);
    assert_false(got.fifo); /* nobody asked */
    assert_int_equal(sched_getaffinity(0, sizeof now, &now), 0);
    assert_int_equal(CPU_COUNT(&now), 1);
    assert_true(CPU_ISSET((size_t)cpus[n - 1], &now));
    const struct realtime_cfg back = {.cpus = cpus, .n_cpu = n};
    sched_setaffinity(0, sizeof now, &now);
    assert_true(realtime_apply(pthread_self(), &back).pinned);
}

static void keeps_its_cpus_when_refused(void **state)
{
    (void)state;
    const int cpus[] = {0, NO_SUCH_CPU};
    cpu_set_t before, after;
    lines = 0;
    log_set_sink(listen, NULL);
    sched_getaffinity(0, sizeof before, &before);
    for (int i = 0; i < 2; i++)
        assert_false(
            realtime_apply(pthread_self(), &(struct realtime_cfg){.cpus = cpus, .n_cpu = 2})
                .pinned);
    sched_getaffinity(0, sizeof after, &after);
    log_set_sink(NULL, NULL);
    assert_true(CPU_EQUAL(&before, &after));
    assert_int_equal(lines, 1);
    assert_non_null(strstr(said, "run.cpus (0,1023)"));
}

/* In a child that may do nothing. */
static int powerless(void)
{
    const struct rlimit none = {0, 0};
    setrlimit(RLIMIT_RTPRIO, &none);
    setrlimit(RLIMIT_MEMLOCK, &none);
    if (getuid() == 0 && setuid(NOBODY))
        return 10;
    lines = 0;
    log_set_sink(listen, NULL);
    for (int i = 0; i < 2; i++)
        if (realtime_apply(pthread_self(), &(struct realtime_cfg){.priority = 50}).fifo)
            return 11;
    if (lines != 1 || !strstr(said, "ulimit -r") || sched_getscheduler(0) != SCHED_OTHER)
        return 12;
    if (realtime_lock_memory() || realtime_lock_memory())
        return 13;
    return lines == 2 && strstr(said, "ulimit -l") ? 0 : 14;
}

static void says_what_is_refused(void **state)
{
    (void)state;
    int status = -1;
    pid_t child = fork();
    if (child == 0)
        _exit(powerless());
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

static void runs_fifo_where_permitted(void **state)
{
    (void)state;
    struct sched_param param;
    bool fifo = realtime_apply(pthread_self(), &(struct realtime_cfg){.priority = 3}).fifo;
    int policy = sched_getscheduler(0);
    assert_int_equal(policy, fifo ? SCHED_FIFO | SCHED_RESET_ON_FORK : SCHED_OTHER);
    if (!fifo)
        skip();
    sched_getparam(0, &param);
    assert_int_equal(param.sched_priority, 3);
    param.sched_priority = 0;
    assert_int_equal(sched_setscheduler(0, SCHED_OTHER, &param), 0);
}

static void *policy_of_thread(void *out)
{
    *(int *)out = sched_getscheduler(0);
    return NULL;
}

/* In a child, which ends with it. */
static int inherits(void)
{
    int policy = -1;
    pthread_t thread;
    bool fifo = realtime_process(&(struct realtime_cfg){.priority = 3}).fifo;
    if (pthread_create(&thread, NULL, policy_of_thread, &policy))
        return 10;
    pthread_join(thread, NULL);
    return policy == (fifo ? SCHED_FIFO : SCHED_OTHER) ? 0 : 11;
}

static void a_whole_process_where_permitted(void **state)
{
    (void)state;
    int status = -1;
    pid_t child = fork();
    if (child == 0)
        _exit(inherits());
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pins_to_a_cpu),
        cmocka_unit_test(keeps_its_cpus_when_refused),
        cmocka_unit_test(says_what_is_refused),
        cmocka_unit_test(runs_fifo_where_permitted),
        cmocka_unit_test(a_whole_process_where_permitted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
