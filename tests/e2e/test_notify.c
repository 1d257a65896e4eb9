/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * All four services against a service manager that is us: each says when it is ready, feeds the
 * watchdog and says when it stops; the base station stops feeding it when its captures no longer
 * come, and goes on when they do. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/e2e/demo_run.h"

#define PATIENCE 1200 /* looks, 50 ms apart */

static const char *const programs[] = {"mirador-room", "mirador-ris", "miradord", "mirador-ue"};
enum { PROGRAMS = sizeof programs / sizeof programs[0], READY, WATCHDOG, STOPPING, KINDS };

struct manager {
    int fd;
    pid_t pid[PROGRAMS];
    int heard[PROGRAMS][KINDS];
};

static void pause_ms(long ms)
{
    nanosleep(&(struct timespec){ms / 1000, ms % 1000 * 1000000}, NULL);
}

static void open_manager(struct manager *m)
{
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    const int on = 1;
    snprintf(at.sun_path, sizeof at.sun_path, "%s/notify", demo_place());
    m->fd = socket(AF_UNIX, SOCK_DGRAM, 0);
    assert_int_equal(bind(m->fd, (const struct sockaddr *)&at, sizeof at), 0);
    assert_int_equal(setsockopt(m->fd, SOL_SOCKET, SO_PASSCRED, &on, sizeof on), 0);
    setenv("NOTIFY_SOCKET", at.sun_path, 1);
    setenv("WATCHDOG_USEC", "400000", 1);
}

/* The sender's place in programs[], PROGRAMS if it is none of them. */
static size_t sender(struct manager *m, pid_t pid)
{
    for (size_t i = 0; i < PROGRAMS; i++) {
        if (m->pid[i] == 0)
            m->pid[i] = demo_process(programs[i]);
        if (m->pid[i] == pid)
            return i;
    }
    return PROGRAMS;
}

/* Sorts in what has come; false when nothing was there. */
static bool listen_once(struct manager *m)
{
    static const char *const text[KINDS] = {
        [READY] = "READY=1", [WATCHDOG] = "WATCHDOG=1", [STOPPING] = "STOPPING=1"};
    char bytes[64] = "", control[CMSG_SPACE(sizeof(struct ucred))];
    struct iovec io = {bytes, sizeof bytes - 1};
    struct msghdr message = {
        .msg_iov = &io, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
    struct ucred who;
    if (recvmsg(m->fd, &message, MSG_DONTWAIT) <= 0)
        return false;
    assert_non_null(CMSG_FIRSTHDR(&message));
    memcpy(&who, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof who);
    size_t i = sender(m, who.pid);
    for (int kind = READY; kind < KINDS && i < PROGRAMS; kind++)
        m->heard[i][kind] += strcmp(bytes, text[kind]) == 0;
    return true;
}

static bool all_said(const struct manager *m, int kind)
{
    for (size_t i = 0; i < PROGRAMS; i++)
        if (m->heard[i][kind] == 0)
            return false;
    return true;
}

static void listen_for(struct manager *m, int ms)
{
    for (int t = 0; t < ms; t += 10) {
        while (listen_once(m))
            ;
        pause_ms(10);
    }
}

static void wait_for_all(struct manager *m, int kind)
{
    for (int i = 0; i < PATIENCE && !all_said(m, kind); i++)
        listen_for(m, 50);
    for (size_t i = 0; i < PROGRAMS; i++)
        if (m->heard[i][kind] == 0)
            fail_msg("%s did not say message %d", programs[i], kind);
}

/* Until a service has not fed the watchdog for 1.5 s: at first it works on what it has. How often
 * it had. */
static int wait_for_silence(struct manager *m, int service)
{
    for (int i = 0; i < PATIENCE / 30; i++) {
        const int before = m->heard[service][WATCHDOG];
        listen_for(m, 1500);
        if (m->heard[service][WATCHDOG] == before)
            return before;
    }
    fail_msg("%s feeds the watchdog without captures", programs[service]);
    return 0;
}

static void services_tell_their_manager(void **state)
{
    (void)state;
    static struct manager m;
    open_manager(&m);
    pid_t demo = demo_start("--seconds 120 --speed 1");
    wait_for_all(&m, READY);
    wait_for_all(&m, WATCHDOG);
    enum { ROOM = 0, BASE = 2 };
    kill(m.pid[ROOM], SIGSTOP); /* its clock stands: no more samples */
    int before = wait_for_silence(&m, BASE);
    kill(m.pid[ROOM], SIGCONT);
    for (int i = 0; i < PATIENCE && m.heard[BASE][WATCHDOG] == before; i++)
        listen_for(&m, 50);
    assert_true(m.heard[BASE][WATCHDOG] > before);
    kill(demo, SIGINT);
    wait_for_all(&m, STOPPING);
    assert_int_equal(waitpid(demo, NULL, 0), demo);
    for (size_t i = 0; i < PROGRAMS; i++)
        assert_int_equal(m.heard[i][READY], 1);
    char path[512];
    snprintf(path, sizeof path, "%s/notify", demo_place());
    close(m.fd);
    unlink(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(services_tell_their_manager)};
    return cmocka_run_group_tests(tests, demo_place_make, demo_place_remove);
}
