/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The recorder: what it keeps, and a disk that is slow, full or taken. */
#include "host/recording_check.h"
#include "tests/host/recorder_rig.h"
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static void what_was_recorded_is_there(void **state)
{
    struct bench *b = *state;
    struct status err = {0};
    make_recorder(b, true);
    cycles(b, 2); /* before: not in it */
    start(b);
    cycles(b, 7);
    assert_int_equal(recorder_mark(b->recorder, "the door", b->prefix, &err), OK);
    cycles(b, 4);
    assert_int_equal(recorder_start(b->recorder, b->prefix, RECORDER_CONFIGURED, &err), ERR_BUSY);
    assert_int_equal(recorder_stop(b->recorder, &err), OK);
    cycles(b, 1); /* the boundary */
    struct recorder_status s = wait_for(b, RECORDER_IDLE);
    assert_int_equal(s.alarm, RECORDER_WELL);
    assert_int_equal(recorder_stop(b->recorder, &err), ERR_STATE);
    assert_whole(b->prefix, s.cycles);
    assert_int_equal(s.cycles, 11);
    assert_samples(b, b->prefix);
    replay_equals(b->prefix, 0, 11);
    replay_equals(b->prefix, 1.5, 3);
    struct recording_summary sum;
    assert_int_equal(recording_summarise(b->prefix, &sum, &err), OK);
    assert_true(sum.marks == 1 && sum.checkpoints == 3);
    start(b); /* the same name again */
    s = wait_for(b, RECORDER_IDLE);
    assert_int_equal(s.alarm, RECORDER_FAILED);
    assert_non_null(strstr(s.why, "exists"));
}

static void slow_disk_ends_it_cleanly(void **state)
{
    struct bench *b = *state;
    make_recorder(b, false);
    start(b);
    atomic_store(&pause_us, 30000); /* four calls a cycle, and cycles come faster */
    struct recorder_status s;
    int n = 0;
    do { /* no cycle ever waits, none is lost: block_pool_take asserts it */
        cycles(b, 1);
        recorder_status(b->recorder, &s);
    } while (s.state == RECORDER_RECORDING && ++n < 1000);
    cycles(b, 20);
    s = wait_for(b, RECORDER_IDLE);
    assert_int_equal(s.alarm, RECORDER_SLOW);
    assert_true(s.cycles >= 5 && s.queued_max <= 6);
    assert_whole(b->prefix, s.cycles);
    assert_samples(b, b->prefix);
    replay_equals(b->prefix, 0, s.cycles);
}

static void full_disk_ends_it_cleanly(void **state)
{
    struct bench *b = *state;
    const long cycle_bytes =
        8 * (b->schedule.window[WINDOW_SENSING].n + b->schedule.window[WINDOW_RESPONSE].n);
    make_recorder(b, true);
    atomic_store(&space, 4 * cycle_bytes + cycle_bytes / 3);
    start(b);
    cycles(b, 12);
    struct recorder_status s = wait_for(b, RECORDER_IDLE);
    assert_int_equal(s.alarm, RECORDER_FULL);
    assert_true(s.cycles >= 3 && s.cycles <= 4);
    assert_whole(b->prefix, s.cycles);
    replay_equals(b->prefix, 0, s.cycles);
    atomic_store(&space, -1); /* and the next one begins as if nothing had been */
    strcat(b->prefix, "-next");
    start(b);
    cycles(b, 3);
    end_recorder(b);
    assert_whole(b->prefix, 3);
}

static void ring_keeps_the_last_seconds(void **state)
{
    struct bench *b = *state;
    struct status err = {0};
    b->cfg.record.pretrigger_s = 2; /* ten cycles */
    make_recorder(b, true);
    cycles(b, 40);
    struct recorder_status s;
    recorder_status(b->recorder, &s);
    assert_int_equal(s.state, RECORDER_ARMED);
    assert_true(s.ring_s >= 2 && s.ring_s <= 3.01 && s.memory_bytes > 0);
    assert_int_equal(recorder_mark(b->recorder, "now", b->prefix, &err), OK);
    cycles(b, 1);
    s = wait_for(b, RECORDER_ARMED);
    assert_true(s.cycles >= 10 && s.cycles <= 15);
    assert_whole(b->prefix, s.cycles);
    replay_equals(b->prefix, 0, s.cycles);
    cycles(b, 20);
    strcat(b->prefix, "-next"); /* a recording begins with the ring */
    start(b);
    cycles(b, 5);
    end_recorder(b);
    struct recording_summary sum;
    assert_int_equal(recording_summarise(b->prefix, &sum, &err), OK);
    assert_true(sum.cycles >= 15 && sum.cycles <= 20);
    replay_equals(b->prefix, 0, sum.cycles);
}

static size_t n_files(const struct bench *b)
{
    size_t n = 0;
    DIR *d = opendir(b->folder);
    assert_non_null(d);
    while (readdir(d))
        n++;
    closedir(d);
    return n;
}

/* Cycles that come while the files are made follow the ring without a gap. */
static void nothing_is_lost_at_the_start(void **state)
{
    struct bench *b = *state;
    struct status err = {0};
    struct recording_summary sum;
    b->cfg.record.pretrigger_s = 2;
    b->cfg.record.queue_cycles = 20;
    make_recorder(b, false);
    cycles(b, 40);
    atomic_store(&hold, true);
    assert_int_equal(recorder_start(b->recorder, b->prefix, RECORDER_CONFIGURED, &err), OK);
    cycles(b, 4);
    atomic_store(&hold, false);
    (void)wait_for(b, RECORDER_RECORDING);
    cycles(b, 3);
    assert_int_equal(recorder_stop(b->recorder, &err), OK);
    cycles(b, 1);
    struct recorder_status s = wait_for(b, RECORDER_ARMED);
    assert_int_equal(s.alarm, RECORDER_WELL);
    assert_int_equal(recording_summarise(b->prefix, &sum, &err), OK);
    assert_true(sum.cycles >= 10 + 4 + 3);
    replay_equals(b->prefix, 0, sum.cycles);

    cycles(b, 40); /* and when they are too many, it ends with the last before the first lost one */
    strcat(b->prefix, "-slow");
    atomic_store(&hold, true);
    assert_int_equal(recorder_start(b->recorder, b->prefix, RECORDER_CONFIGURED, &err), OK);
    cycles(b, 60);
    atomic_store(&hold, false);
    s = wait_for(b, RECORDER_ARMED);
    assert_int_equal(s.alarm, RECORDER_SLOW);
    assert_whole(b->prefix, s.cycles);
    replay_equals(b->prefix, 0, s.cycles);
}

static void a_failed_start_costs_nothing(void **state)
{
    struct bench *b = *state;
    struct status err = {0};
    struct recorder_status s;
    char other[300];
    b->cfg.record.pretrigger_s = 2;
    make_recorder(b, true);
    cycles(b, 40);
    snprintf(other, sizeof other, "%s.mirador-state", b->prefix);
    FILE *f = fopen(other, "w"); /* the second of its files is there */
    assert_non_null(f);
    fclose(f);
    size_t before = n_files(b);
    assert_int_equal(recorder_start(b->recorder, b->prefix, RECORDER_CONFIGURED, &err), OK);
    s = wait_for(b, RECORDER_ARMED);
    assert_int_equal(s.alarm, RECORDER_FAILED);
    assert_int_equal(n_files(b), before); /* nothing of ours, and theirs is still there */
    assert_true(s.ring_s >= 2);
    assert_int_equal(unlink(other), 0);
    start(b);
    assert_int_equal(recorder_mark(b->recorder, "too late", b->prefix, &err), OK);
    assert_int_equal(recorder_stop(b->recorder, &err), OK); /* before a cycle took the mark */
    cycles(b, 1);
    s = wait_for(b, RECORDER_ARMED);
    assert_true(s.cycles >= 10);
    replay_equals(b->prefix, 0, s.cycles);
    assert_non_null(strstr(told, "recording begins: "));
    assert_non_null(strstr(told, "recording ends: "));
    strcat(b->prefix, "-next");
    start(b);
    cycles(b, 3);
    end_recorder(b);
    struct recording_summary sum;
    assert_int_equal(recording_summarise(b->prefix, &sum, &err), OK);
    assert_int_equal(sum.marks, 0);
}

int main(void)
{
#define BENCH(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        BENCH(what_was_recorded_is_there),   BENCH(slow_disk_ends_it_cleanly),
        BENCH(full_disk_ends_it_cleanly),    BENCH(ring_keeps_the_last_seconds),
        BENCH(nothing_is_lost_at_the_start), BENCH(a_failed_start_costs_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
