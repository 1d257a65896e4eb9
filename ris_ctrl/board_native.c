/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Driver of the native board: starts its process (native_process.h) on the far end of a pair of
 * sockets. A pty would look more like a serial line, but a kernel thread of normal priority carries
 * its bytes, and on a busy machine that costs milliseconds at each hand-over. */
#include "base/log.h"
#include "ris_ctrl/board.h"
#include "ris_ctrl/clock.h"
#include "ris_ctrl/native_process.h"
#include "ris_ctrl/packet_driver.h"
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

#define CLOSE_WAIT_MS 500 /* for a board that is asked to end, before it is made to */

struct board {
    struct packet_board packet; /* first: packet_driver.h */
    struct board_cfg cfg;
    int line;
    pid_t child;
};

struct child_args {
    char text[10][24];
    char *argv[13];
};

static void child_arguments(const struct board_cfg *cfg, int line_fd, int start_fd,
                            struct child_args *a)
{
    const unsigned numbers[] = {cfg->shape.columns, cfg->shape.rows, cfg->shape.bits, cfg->n_slots,
                                cfg->trigger};
    /* The board gives the room up a little before the controller gives the board up. */
    unsigned room_ms = cfg->ack_timeout_ms * (cfg->retries + 1) * 9 / 10;
    size_t n = 0;
    a->argv[n++] = (char *)(uintptr_t) "mirador-ris";
    a->argv[n++] = (char *)(uintptr_t)NATIVE_PROCESS_VERB;
    a->argv[n++] = (char *)(uintptr_t)cfg->name;
    for (size_t i = 0; i < 5; i++) {
        snprintf(a->text[i], sizeof a->text[i], "%u", numbers[i]);
        a->argv[n++] = a->text[i];
    }
    snprintf(a->text[5], sizeof a->text[5], "%u", room_ms);
    snprintf(a->text[6], sizeof a->text[6], "%d", line_fd);
    snprintf(a->text[7], sizeof a->text[7], "%d", start_fd);
    a->argv[n++] = (char *)(uintptr_t)cfg->room;
    a->argv[n++] = a->text[5];
    a->argv[n++] = a->text[6];
    a->argv[n++] = a->text[7];
    a->argv[n] = NULL;
}

/* Between fork and exec only calls that are safe in a child of a program with threads. */
static void child_exec(char **argv, int line_fd, int start_fd, pid_t parent)
{
    sigset_t none;
    setsid(); /* Ctrl-C in the terminal is for the controller, which ends its boards itself */
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent)
        _exit(1);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    fcntl(line_fd, F_SETFD, 0);
    fcntl(start_fd, F_SETFD, 0);
    execv("/proc/self/exe", argv);
    _exit(1);
}

/* Starts the process and reads what it says about its start into said. */
static int spawn(struct board *b, char *said, size_t cap)
{
    int start[2], line[2];
    struct child_args args;
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, line) != 0)
        return -1;
    b->line = line[0];
    if (fcntl(b->line, F_SETFL, O_NONBLOCK) != 0 || pipe2(start, O_CLOEXEC) != 0) {
        close(line[1]);
        return -1;
    }
    child_arguments(&b->cfg, line[1], start[1], &args);
    pid_t parent = getpid();
    b->child = fork();
    if (b->child == 0)
        child_exec(args.argv, line[1], start[1], parent);
    close(line[1]);
    close(start[1]);
    if (b->child < 0) {
        close(start[0]);
        return -1;
    }
    size_t n = 0;
    ssize_t got;
    while (n + 1 < cap && (got = read(start[0], said + n, cap - 1 - n)) != 0)
        if (got > 0)
            n += (size_t)got;
        else if (errno != EINTR)
            break;
    said[n] = '\0';
    close(start[0]);
    return 0;
}

/* "CODE TEXT" of a process that ended. Silence of the room is an absence, its refusal is not. */
static void read_reason(const char *name, const char *said, struct status *err)
{
    char *text;
    long code = strtol(said, &text, 10);
    if (text == said || *text != ' ')
        status_set(err, ERR_IO, "board %s: its process ended at once; see the log", name);
    else
        status_set(err, code == ERR_TIMEOUT ? ERR_TIMEOUT : ERR_ARG, "%s", text + 1);
}

static void reap(struct board *b)
{
    int status = 0;
    int64_t end_us = clock_us() + CLOSE_WAIT_MS * 1000;
    while (waitpid(b->child, &status, WNOHANG) == 0) {
        if (clock_us() > end_us)
            kill(b->child, SIGKILL);
        poll(NULL, 0, 2);
    }
    if (WIFSIGNALED(status))
        log_warn("board %s: its process was ended by signal %d", b->cfg.name, WTERMSIG(status));
}

static void native_close(struct board **board)
{
    struct board *b = *board;
    if (b == NULL)
        return;
    if (b->line >= 0)
        close(b->line); /* the process reads the end of its line and leaves */
    if (b->child > 0)
        reap(b);
    free(b);
    *board = NULL;
}

static struct board *native_open(const struct board_cfg *cfg, struct status *err)
{
    char said[sizeof err->text + 16];
    struct board *b = calloc(1, sizeof *b);
    if (b == NULL) {
        status_set(err, ERR_NO_MEMORY, "board %s: no memory; close other programs", cfg->name);
        return NULL;
    }
    b->cfg = *cfg;
    b->line = -1;
    if (spawn(b, said, sizeof said) != 0)
        status_set(err, ERR_IO,
                   "board %s: cannot start its process: %s; check limits of processes "
                   "and files",
                   cfg->name, strerror(errno));
    else if (strcmp(said, "R") != 0)
        read_reason(cfg->name, said, err);
    else {
        packet_link_init(&b->packet.link, b->line, b->cfg.name, (uint16_t)clock_us());
        if (packet_board_hello(&b->packet, cfg, err) == OK)
            return b;
    }
    native_close(&b);
    return NULL;
}

const struct board_driver board_native = {
    .name = "native",
    .plays_sequences = true,
    .open = native_open,
    .close = native_close,
    .load = packet_driver_load,
    .arm = packet_driver_arm,
    .apply = packet_driver_apply,
    .trigger = packet_driver_trigger,
    .readback = packet_driver_readback,
    .status = packet_driver_status,
};
