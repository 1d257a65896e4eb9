/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ris_ctrl/qemu_machine.h"
#include "base/log.h"
#include "ris_ctrl/clock.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define PROGRAM     "qemu-system-arm"
#define ELF         "firmware/ris-netduinoplus2.elf"
#define LOG_BYTES   (1 << 20)
#define ANSWER_MS   5000 /* QEMU's own; it answers in microseconds unless the machine is starved */
#define TRIGGER_PIN "set_irq_in /machine/unattached/device[0]/exti unnamed-gpio-in 0 "

void qemu_machine_elf(char *path, size_t cap)
{
    char self[512];
    const char *given = getenv("MIRADOR_RIS_ELF");
    ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
    self[n > 0 ? n : 0] = '\0';
    char *slash = strrchr(self, '/');
    if (slash != NULL)
        *slash = '\0';
    if (given != NULL && given[0] != '\0')
        snprintf(path, cap, "%s", given);
    else
        snprintf(path, cap, "%s/%s", self, ELF);
}

struct ends { /* ours [0], QEMU's [1] */
    int uart[2], qtest[2], log[2];
};

static void close_all(struct ends *e, size_t side)
{
    int *const pairs[] = {e->uart, e->qtest, e->log};
    for (size_t i = 0; i < 3; i++) {
        if (pairs[i][side] >= 0)
            close(pairs[i][side]);
        pairs[i][side] = -1;
    }
}

static int open_all(struct ends *e)
{
    *e = (struct ends){{-1, -1}, {-1, -1}, {-1, -1}};
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, e->uart) != 0 ||
        socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, e->qtest) != 0 ||
        pipe2(e->log, O_CLOEXEC) != 0)
        return -1;
    fcntl(e->log[0], F_SETPIPE_SZ, LOG_BYTES);
    fcntl(e->log[0], F_SETFL, O_NONBLOCK);
    fcntl(e->uart[0], F_SETFL, O_NONBLOCK);
    return 0;
}

/* Between fork and exec only calls that are safe in a child of a program with threads. */
static void child_exec(char **argv, const struct ends *e, pid_t parent)
{
    sigset_t none;
    setsid();
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent)
        _exit(1);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    fcntl(e->uart[1], F_SETFD, 0);
    fcntl(e->qtest[1], F_SETFD, 0);
    fcntl(e->log[1], F_SETFD, 0);
    execvp(argv[0], argv);
    _exit(127);
}

static char *word(const char *text) /* execvp takes what it does not change as changeable */
{
    return (char *)(uintptr_t)text;
}

static pid_t spawn(const char *elf, const struct ends *e)
{
    char uart[64], qtest[64], log[32];
    snprintf(uart, sizeof uart, "socket,id=uart,fd=%d", e->uart[1]);
    snprintf(qtest, sizeof qtest, "socket,id=qtest,fd=%d", e->qtest[1]);
    snprintf(log, sizeof log, "/dev/fd/%d", e->log[1]);
    char *argv[] = {word(PROGRAM),
                    word("-M"),
                    word("netduinoplus2"),
                    word("-display"),
                    word("none"),
                    word("-monitor"),
                    word("none"),
                    word("-chardev"),
                    uart,
                    word("-serial"),
                    word("chardev:uart"),
                    word("-chardev"),
                    qtest,
                    word("-qtest"),
                    word("chardev:qtest"),
                    word("-qtest-log"),
                    word("none"),
                    word("-accel"),
                    word("tcg"),
                    word("-d"),
                    word("unimp"),
                    word("-D"),
                    log,
                    word("-kernel"),
                    word(elf),
                    NULL};
    pid_t parent = getpid();
    pid_t pid = fork();
    if (pid == 0)
        child_exec(argv, e, parent);
    return pid;
}

int qemu_machine_start(struct qemu_machine *m, const char *name, const char *elf,
                       struct status *err)
{
    struct ends e;
    *m = (struct qemu_machine){.uart = -1, .qtest = -1, .log = -1, .name = name};
    if (access(elf, R_OK) != 0)
        return status_set(err, ERR_NOT_FOUND,
                          "board %s: no firmware at %s; install gcc-arm-none-eabi and build again",
                          name, elf);
    if (open_all(&e) == 0)
        m->pid = spawn(elf, &e);
    close_all(&e, 1);
    if (m->pid <= 0) {
        m->pid = 0;
        close_all(&e, 0);
        return status_set(err, ERR_IO, "board %s: cannot start " PROGRAM ": %s", name,
                          strerror(errno));
    }
    m->uart = e.uart[0];
    m->qtest = e.qtest[0];
    m->log = e.log[0];
    struct pollfd first = {.fd = m->log, .events = POLLIN}; /* the firmware's first register */
    if (poll(&first, 1, ANSWER_MS) == 1 && (first.revents & POLLIN) != 0)
        return OK;
    qemu_machine_stop(m);
    return status_set(err, ERR_NOT_FOUND,
                      "board %s: " PROGRAM " does not run the firmware; install qemu-system-arm",
                      name);
}

void qemu_machine_stop(struct qemu_machine *m)
{
    if (m->pid > 0) {
        kill(m->pid, SIGKILL);
        while (waitpid(m->pid, NULL, 0) < 0 && errno == EINTR)
            ;
        close(m->uart);
        close(m->qtest);
        close(m->log);
    }
    m->pid = 0;
    m->uart = m->qtest = m->log = -1;
}

/* Waits for QEMU's line, reading its log. */
static int answer(struct qemu_machine *m, struct shift_log *s, char *line, size_t cap)
{
    struct pollfd p[] = {{.fd = m->qtest, .events = POLLIN}, {.fd = m->log, .events = POLLIN}};
    int64_t end_us = clock_us() + ANSWER_MS * 1000;
    for (size_t n = 0; n < cap;) {
        if (poll(p, 2, ANSWER_MS) < 0 && errno != EINTR)
            return ERR_IO;
        if (qemu_machine_read(m, s, 0) < 0)
            return ERR_IO;
        ssize_t got = recv(m->qtest, line + n, cap - n, MSG_DONTWAIT);
        if (got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR))
            return ERR_IO;
        n += got > 0 ? (size_t)got : 0;
        if (n > 0 && line[n - 1] == '\n')
            return OK;
        if (clock_us() > end_us)
            return ERR_TIMEOUT;
    }
    return ERR_FORMAT;
}

/* One command of QEMU's test protocol. */
static int ask(struct qemu_machine *m, struct shift_log *s, const char *command)
{
    char line[64];
    if (send(m->qtest, command, strlen(command), MSG_NOSIGNAL) != (ssize_t)strlen(command))
        return ERR_IO;
    int r = answer(m, s, line, sizeof line);
    if (r != OK)
        return r;
    return strncmp(line, "OK", 2) == 0 ? OK : ERR_FORMAT;
}

int qemu_machine_pulse(struct qemu_machine *m, struct shift_log *s, struct status *err)
{
    int r = ask(m, s, TRIGGER_PIN "1\n");
    if (r == OK)
        r = ask(m, s, TRIGGER_PIN "0\n");
    if (r == OK)
        return OK;
    return status_set(err, ERR_IO, "board %s: QEMU does not take its trigger (%s); restart it",
                      m->name, status_name(r));
}

int qemu_machine_read(struct qemu_machine *m, struct shift_log *s, int timeout_ms)
{
    static _Thread_local char text[65536];
    struct pollfd p = {.fd = m->log, .events = POLLIN};
    bool any = false;
    if (timeout_ms != 0 && poll(&p, 1, timeout_ms) < 0 && errno != EINTR)
        return ERR_IO;
    for (;;) {
        ssize_t n = read(m->log, text, sizeof text);
        if (n == 0)
            return ERR_IO;
        if (n < 0)
            return errno == EAGAIN || errno == EINTR ? any : ERR_IO;
        shift_log_feed(s, text, (size_t)n);
        any = true;
    }
}
