/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Boards as their makers built them, as processes of their own with the real timing and faults:
 *   ris_emulator firmware|opensource LINK BAUD   a pty, reached by the symbolic link LINK
 *   ris_emulator tile PORTFILE                   a tile server on 127.0.0.1
 * Standard input takes one word a line, each answered on standard output:
 *   fine, silent, mute (loses the next answer), twice (says it two times), slow MS, lie (reads back
 * wrong), nack, hold MS (our firmware: acknowledges the next change that late), reset, unplug,
 * plug, replug (never lost its supply), play (the sequence that is armed), shown (pattern as hex),
 * stats, room BOARD ENDPOINT (of a simulated room, which is told what the board shows)
 */
#include "emulator.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/uio.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

int64_t emulator_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

/* ---- the pty ---- */

bool emulator_plug(struct emulator *e)
{
    struct termios t;
    char slave[64];
    e->fd = posix_openpt(O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
    if (e->fd < 0 || grantpt(e->fd) != 0 || unlockpt(e->fd) != 0 ||
        ptsname_r(e->fd, slave, sizeof slave) != 0 || tcgetattr(e->fd, &t) != 0)
        return false;
    cfmakeraw(&t);
    tcsetattr(e->fd, TCSANOW, &t);
    e->keep = open(slave, O_RDWR | O_NOCTTY | O_CLOEXEC); /* no hang-up between two openers */
    unlink(e->link);
    return symlink(slave, e->link) == 0;
}

static void unplug(struct emulator *e)
{
    unlink(e->link);
    close(e->keep);
    close(e->fd);
    e->fd = -1;
}

/* Bytes leave at the line's speed. */
void emulator_send(struct emulator *e, const void *bytes, size_t n)
{
    if (e->silent || e->mute > 0) {
        e->mute -= e->mute > 0;
        return;
    }
    usleep((useconds_t)(e->slow_ms * 1000 + (double)n * e->byte_us));
    struct iovec twice[2] = {{(void *)bytes, n}, {(void *)bytes, n}};
    if (e->fd >= 0 && writev(e->fd, twice, 1 + e->twice) != (ssize_t)(n * (1u + e->twice)))
        fprintf(stderr, "emulator: %s\n", strerror(errno));
    e->twice = false;
}

/* ---- control ---- */

static void print_hex(const uint8_t *bytes, size_t n)
{
    for (size_t i = 0; i < n; i++)
        printf("%02x", bytes[i]);
    putchar('\n');
}

static void control_line(struct emulator *e, char *line)
{
    line[strcspn(line, "\n")] = '\0';
    if (strcmp(line, "fine") == 0)
        e->silent = e->lie = e->nack = false, e->twice = false, e->mute = 0,
        e->slow_ms = e->hold_ms = 0;
    else if (sscanf(line, "room %31s %159s", e->board, e->room) == 2)
        emulator_room(e);
    else if (strcmp(line, "silent") == 0)
        e->silent = true;
    else if (strcmp(line, "mute") == 0)
        e->mute = 1;
    else if (strcmp(line, "twice") == 0)
        e->twice = true;
    else if (strncmp(line, "slow ", 5) == 0)
        e->slow_ms = atoi(line + 5);
    else if (strncmp(line, "hold ", 5) == 0)
        e->hold_ms = atoi(line + 5);
    else if (strcmp(line, "lie") == 0)
        e->lie = true;
    else if (strcmp(line, "nack") == 0)
        e->nack = true;
    else if (strcmp(line, "play") == 0)
        emulator_play();
    else if (strcmp(line, "reset") == 0)
        e->kind->reset(e);
    else if (strcmp(line, "unplug") == 0)
        e->kind->unplug ? e->kind->unplug(e) : unplug(e);
    else if (strcmp(line, "replug") == 0)
        emulator_plug(e);
    else if (strcmp(line, "plug") == 0) {
        if (e->kind->plug)
            e->kind->plug(e);
        else if (emulator_plug(e))
            e->kind->reset(e);
    } else if (strcmp(line, "shown") == 0) {
        print_hex(e->shown, e->n_shown);
        fflush(stdout);
        return;
    } else if (strcmp(line, "stats") == 0) {
        printf("patterns %u pipelined %u fast %u bad %u\n", e->n_patterns, e->n_pipelined,
               e->n_fast, e->n_bad);
        fflush(stdout);
        return;
    }
    puts("ok");
    fflush(stdout);
}

/* Returns false at the end of the input: whoever started us is gone. */
static bool control(struct emulator *e)
{
    static char line[256];
    static size_t n;
    char c;
    ssize_t got;
    while ((got = read(0, &c, 1)) == 1) {
        if (n + 1 < sizeof line)
            line[n++] = c;
        if (c == '\n') {
            line[n] = '\0';
            n = 0;
            control_line(e, line);
        }
    }
    return got != 0;
}

int main(int argc, char **argv)
{
    static struct emulator e = {.fd = -1, .listener = -1};
    const struct emulator_kind *const kinds[] = {&emulator_firmware, &emulator_opensource,
                                                 &emulator_tile};
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    signal(SIGPIPE, SIG_IGN);
    for (size_t i = 0; argc >= 3 && i < 3; i++)
        if (strcmp(argv[1], kinds[i]->name) == 0)
            e.kind = kinds[i];
    if (e.kind == NULL)
        return 2;
    e.link = argv[2];
    e.byte_us = 10e6 / (argc > 3 ? atof(argv[3]) : 115200);
    fcntl(0, F_SETFL, O_NONBLOCK);
    if (!e.kind->start(&e))
        return 1;
    puts("R");
    fflush(stdout);
    for (;;) {
        struct pollfd p[3] = {{.fd = 0, .events = POLLIN},
                              {.fd = e.fd, .events = POLLIN},
                              {.fd = e.listener, .events = POLLIN}};
        poll(p, 3, 100);
        if (p[0].revents != 0 && !control(&e))
            return 0;
        if (p[2].revents & POLLIN)
            e.kind->accept(&e);
        else if (p[1].revents & (POLLIN | POLLHUP))
            e.kind->serve(&e);
    }
}
