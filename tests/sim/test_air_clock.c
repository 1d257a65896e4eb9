/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The gate with real processes: who is waited for, what a killed one leaves behind, stale segments.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sim/air_layout.h"
#include "sim/process.h"
#include "tests/sim/room_fixture.h"

static char name[40];

static struct air *make_room(double speed, uint32_t gate, unsigned n_sets)
{
    struct air_cfg cfg = quiet_cfg(n_sets);
    cfg.speed = speed;
    cfg.gate_mask = gate;
    snprintf(name, sizeof name, "test-%d", (int)getpid());
    snprintf(cfg.name, sizeof cfg.name, "%s", name);
    struct status err;
    struct air *air = air_create(&cfg, &err);
    assert_non_null(air);
    return air;
}

static bool wait_until(struct air *air, int64_t tick)
{
    struct air_wait wait;
    air_wait_begin(air, &wait, tick, false);
    int64_t end = wall_ns() + 20000000000ll;
    while (!air_wait_step(air, &wait))
        if (wall_ns() > end)
            return false;
    return true;
}

/* A participant: joins, then waits n times, `step` ticks each, working `busy_us` in between; notes
 * in shared memory how far it is. Exit code 0: the clock never ran past it. */
struct part {
    unsigned radio;
    int n, step, busy_us;
    _Atomic int64_t *reached;
};

static int play(const struct part *p)
{
    struct status err = {0};
    struct air *air = air_attach(name, &err);
    if (!air || air_join(air, p->radio, &err) != OK)
        return 10;
    for (int i = 1; i <= p->n; i++) {
        if (air_gate_enter(air, p->radio, 1) != OK || !wait_until(air, (int64_t)i * p->step))
            return 11;
        if (air_now(air) != (int64_t)i * p->step && p->reached)
            return 12; /* overtaken while it worked, or not stopped where it waited */
        if (p->busy_us)
            usleep((useconds_t)p->busy_us);
        if (air_now(air) != (int64_t)i * p->step && p->reached)
            return 13;
        if (p->reached)
            *p->reached = air_now(air);
    }
    air_leave(air, p->radio, false);
    air_destroy(&air);
    return 0;
}

static pid_t start(const struct part *p)
{
    pid_t pid = fork();
    if (pid == 0)
        _exit(play(p));
    return pid;
}

static int result(pid_t pid)
{
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 100 + WTERMSIG(status);
}

static _Atomic int64_t *shared_counters(void)
{
    void *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_true(p != MAP_FAILED);
    return p;
}

/* Two processes at different steps: time visits every tick either waits for, and stands while one
 * works. */
static void test_gate(void **state)
{
    (void)state;
    struct air *air = make_room(0, 3, 0);
    _Atomic int64_t *reached = shared_counters();
    struct part a = {0, 30, 1000, 1000, reached}, b = {1, 10, 3000, 5000, reached + 1};
    pid_t pa = start(&a);
    usleep(50000);
    assert_int_equal(air_now(air), 0); /* the second one has not joined */
    pid_t pb = start(&b);
    assert_int_equal(result(pa), 0);
    assert_int_equal(result(pb), 0);
    assert_int_equal(reached[0], 30000);
    assert_int_equal(reached[1], 30000);
    air_destroy(&air);
}

static void test_pace(void **state)
{
    (void)state;
    struct air *air = make_room(1.0, 1, 0);
    struct part a = {0, 10, 1000000, 0, shared_counters()};
    int64_t t = wall_ns();
    assert_int_equal(result(start(&a)), 0);
    double took = (double)(wall_ns() - t) * 1e-9;
    assert_true(took > 0.085 && took < 20); /* 0.1 s of room time; the first step is free */
    air_destroy(&air);
}

/* Speed 0 with one of the gate gone: the other does not race through hours of room time alone. */
static void test_no_haste_alone(void **state)
{
    (void)state;
    struct air *air = make_room(0, 3, 0);
    struct part a = {0, 10, 1000000, 0, NULL}, b = {1, 1, 1000, 0, NULL};
    int64_t t = wall_ns();
    pid_t pa = start(&a), pb = start(&b);
    assert_int_equal(result(pb), 0);
    assert_int_equal(result(pa), 0);
    assert_true(wall_ns() - t > 85000000); /* 0.1 s of room time */
    air_destroy(&air);
}

/* Killed while it works, while it waits, and while it holds the lock: the other goes on. */
static void test_kill(void **state)
{
    (void)state;
    for (int how = 0; how < 3; how++) {
        struct air *air = make_room(0, 3, 0);
        struct part a = {0, 200, 1000, 2000, NULL}, b = {1, 5, 1000, 0, NULL};
        _Atomic int64_t *there = shared_counters(); /* the victim is where it shall die */
        pid_t pb = fork();
        if (pb == 0) {
            if (how == 1)
                b.step = 1000000; /* waits far ahead */
            b.n = how == 1 ? 1 : 5;
            struct status err = {0};
            struct air *mine = air_attach(name, &err);
            if (how == 1)
                _exit(play(&b));
            if (!mine || air_join(mine, 1, &err) != OK || air_gate_enter(mine, 1, 1) != OK)
                _exit(1);
            wait_until(mine, 1000);
            if (how == 2)
                air_lock(mine);
            *there = 1;
            pause();
        }
        pid_t pa = start(&a);
        for (int i = 0; i < 20000 && !(how == 1 ? air->seg->radios[1].entered : *there); i++)
            usleep(1000);
        usleep(50000);
        kill(pb, SIGKILL);
        assert_int_equal(result(pb), 100 + SIGKILL);
        assert_int_equal(result(pa), 0);
        assert_int_equal(air_now(air), 200000);
        struct air_radio_status info;
        assert_int_equal(air_radio_info(air, 1, &info), OK);
        assert_int_equal(info.state, AIR_RADIO_DIED);
        air_destroy(&air);
    }
}

static void test_names(void **state)
{
    (void)state;
    struct air *air = make_room(0, 0, 0);
    struct air_cfg cfg = quiet_cfg(0);
    snprintf(cfg.name, sizeof cfg.name, "%s", name);
    struct status err;
    assert_null(air_create(&cfg, &err));
    assert_int_equal(err.code, ERR_BUSY);
    assert_null(air_attach("no-such-room", &err));
    assert_int_equal(err.code, ERR_NOT_FOUND);
    assert_int_equal(air_radio_index(air, "ue"), 1);
    assert_int_equal(air_radio_index(air, "xx"), ERR_NOT_FOUND);

    struct air *other = air_attach(name, &err);
    assert_non_null(other);
    assert_int_equal(air_join(other, 0, &err), OK);
    assert_int_equal(air_join(other, 0, &err), ERR_BUSY); /* the radio is taken */
    air_destroy(&other);
    air_destroy(&air);
    assert_null(air_attach(name, &err));
}

/* A room that was killed leaves a segment; the next one of any name removes it. */
static void test_stale(void **state)
{
    (void)state;
    int ready[2];
    assert_int_equal(pipe(ready), 0);
    pid_t pid = fork();
    if (pid == 0) {
        make_room(0, 0, 2);
        if (write(ready[1], name, sizeof name) != sizeof name)
            _exit(1);
        pause();
    }
    char theirs[40], path[100];
    assert_int_equal(read(ready[0], theirs, sizeof theirs), sizeof theirs);
    snprintf(path, sizeof path, "/dev/shm/mirador-%s", theirs);
    assert_int_equal(access(path, F_OK), 0);
    kill(pid, SIGKILL);
    assert_int_equal(result(pid), 100 + SIGKILL);
    struct status err;
    assert_null(air_attach(theirs, &err));
    struct air *air = make_room(0, 0, 0);
    assert_int_not_equal(access(path, F_OK), 0);
    air_destroy(&air);
}

/* A segment of another version is refused with a reason, not mapped and misread. */
static void test_version(void **state)
{
    (void)state;
    struct air *air = make_room(0, 0, 0);
    air->seg->version++;
    struct status err;
    assert_null(air_attach(name, &err));
    assert_int_equal(err.code, ERR_FORMAT);
    air->seg->version--;
    air_destroy(&air);
}

/* With a room, time waits for its horizon and for events it has not handled. */
static void test_horizon(void **state)
{
    (void)state;
    struct air *air = make_room(0, 1, 2);
    struct part a = {0, 3, 1000, 0, shared_counters()};
    pid_t pid = start(&a);
    struct air_event ev[8];
    uint32_t seen = 0;
    while (air_events_take(air, ev, 8) == 0)
        air_room_wait(air, &seen, 0.1);
    assert_int_equal(ev[0].kind, AIR_EVENT_JOIN);
    air_set_horizon(air, 999);
    usleep(50000);
    assert_int_equal(air_now(air), 0); /* the join is not handled */
    air_events_done(air);
    for (int i = 0; i < 20000 && air_wanted(air) != 1000; i++)
        usleep(1000);
    assert_int_equal(air_wanted(air), 1000);
    usleep(50000);
    assert_int_equal(air_now(air), 0); /* horizon one short */
    air_set_horizon(air, 1000);
    while (air_now(air) < 1000)
        air_room_wait(air, &seen, 0.1);
    air_event_post(air, 0, 1500, 1, 0);
    air_set_horizon(air, 100000);
    usleep(50000);
    assert_true(air_now(air) <= 3000);
    while (air_events_take(air, ev, 8) == 0)
        air_room_wait(air, &seen, 0.1);
    air_events_done(air);
    int status = -1;
    while (waitpid(pid, &status, WNOHANG) == 0) {
        air_events_take(air, ev, 8);
        air_events_done(air);
        air_room_wait(air, &seen, 0.01);
    }
    assert_int_equal(status, 0);
    air_destroy(&air);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_gate),    cmocka_unit_test(test_pace),
        cmocka_unit_test(test_kill),    cmocka_unit_test(test_names),
        cmocka_unit_test(test_stale),   cmocka_unit_test(test_version),
        cmocka_unit_test(test_horizon), cmocka_unit_test(test_no_haste_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
