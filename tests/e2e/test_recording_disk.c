/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A disk that fills up, or is slower than the samples come, under a demo that is recorded: no cycle
 * is lost, the alarm is told, and what is there is whole. */
#include "tests/e2e/record_place.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

/* A process that asks the running demo for its status until it tells of this alarm, and then
 * removes the file, if one is given. Exit code 0. */
static pid_t await_alarm(const char *alarm, const char *file)
{
    char command[500], line[200];
    pid_t child = fork();
    if (child != 0)
        return child;
    snprintf(line, sizeof line, "recorder.alarm *\"%s\"", alarm);
    for (int i = 0; i < 3000; i++) {
        usleep(20000);
        if (!demo_folder()[0])
            continue;
        snprintf(command, sizeof command,
                 MIRADOR "status --endpoint ipc://%s/%s/control.sock 2>/dev/null | grep -q '%s'",
                 demo_place(), demo_folder(), line);
        if (system(command) == 0)
            _exit(file && unlink(file) ? 2 : 0);
    }
    _exit(1);
}

/* The run went on to its end without it, whoever looked was told, and what is there is whole. */
static void assert_cut_short(const struct demo_run *live, pid_t watcher, const char *prefix,
                             const char *alarm, const char *why)
{
    int status;
    assert_true(waitpid(watcher, &status, 0) == watcher);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    const json_t *told = json_object_get(live->summary, "recorder"); /* topic health */
    assert_string_equal(json_string_value(json_object_get(told, "alarm")), alarm);
    assert_int_equal(live->exit_code, 0);
    assert_true(demo_summary(live, "lates") == 0 && demo_summary(live, "gaps") == 0);
    if (record_run(MIRADOR "record check %s", prefix) ||
        record_run(MIRADOR "record info --json %s", prefix))
        fail_msg("%s", record_output());
    json_t *o = json_loads(record_output(), 0, NULL);
    assert_non_null(strstr(json_string_value(json_object_get(o, "end")), why));
    const json_int_t cycles = json_integer_value(json_object_get(o, "cycles"));
    assert_true(cycles > 3 && cycles < (json_int_t)demo_summary(live, "cycles") - 3);
    json_decref(o);
}

/* A disk of 30 MB under a demo that wants 50. In gated time the room would wait for a slow disk,
 * but a full one never comes to itself, so the demo must go on without the recording. */
static void a_full_disk_costs_no_cycle(void **state)
{
    struct demo_run live;
    char args[300], disk[60], prefix[80];
    (void)state;
    snprintf(disk, sizeof disk, "%s/disk", record_place());
    snprintf(prefix, sizeof prefix, "%s/full", disk);
    mkdir(disk, 0700);
    if (mount("tmpfs", disk, "tmpfs", 0, "size=30m,mode=700")) {
        print_message(
            "[  SKIPPED ] no privilege to mount a small disk; test_recorder has a stand-in\n");
        rmdir(disk);
        skip();
    }
    snprintf(args, sizeof args, WINDOWS "--seconds 8 --speed 0 --seed 2 --record %s", prefix);
    const pid_t watcher = await_alarm("disk_full", NULL);
    demo_run(&live, args);
    assert_cut_short(&live, watcher, prefix, "disk_full", "No space");
    umount(disk);
    rmdir(disk);
    assert_int_equal((int)demo_summary(&live, "cycles"), 37);
    demo_run_free(&live);
}

#ifdef SLOW_DISK
/* Slower than the cycles come until somebody has seen the alarm. */
static void a_slow_disk_costs_no_cycle(void **state)
{
    struct demo_run live;
    char args[400], slow[60], prefix[80];
    (void)state;
    snprintf(slow, sizeof slow, "%s/slow", record_place());
    snprintf(prefix, sizeof prefix, "%s/late", record_place());
    FILE *f = fopen(slow, "w");
    assert_non_null(f);
    fclose(f);
    setenv("LD_PRELOAD", SLOW_DISK, 1);
    setenv("SLOW_DISK", slow, 1);
    const pid_t watcher = await_alarm("disk_slow", slow);
    snprintf(args, sizeof args,
             WINDOWS "--seconds 8 --speed 0 --seed 2 --record %s --set bs.record.wait=no "
                     "--set bs.record.queue_cycles=4",
             prefix);
    demo_run(&live, args);
    unsetenv("LD_PRELOAD");
    unsetenv("SLOW_DISK");
    assert_cut_short(&live, watcher, prefix, "disk_slow", "slower than the samples come");
    assert_int_equal((int)demo_summary(&live, "cycles"), 37);
    demo_run_free(&live);
}
#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_full_disk_costs_no_cycle),
#ifdef SLOW_DISK
        cmocka_unit_test(a_slow_disk_costs_no_cycle),
#endif
    };
    return cmocka_run_group_tests(tests, record_place_make, record_place_remove);
}
