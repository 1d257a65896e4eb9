/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * From a command of the daemon's client to the board's acknowledgement, through mirador-ris, its
 * worker, the line and the board and back: 256 elements of 1 bit. No room. Native boards, and, with
 * the argument "qemu", boards whose ARM firmware runs in QEMU (load only: when armed they play).
 */
#include "bench.h"

#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/realtime.h"
#include "base/sockets.h"
#include "base/state_dir.h"
#include "host/ris_client.h"

enum { N = 4000, QEMU_MS = 15 };

static bool qemu;

static pid_t start(const char *endpoint)
{
    const char *drivers[] = {qemu ? "boards[0].driver=qemu" : "boards[0].driver=native",
                             qemu ? "boards[1].driver=qemu" : "boards[1].driver=native"};
    char set[192], fd[16], byte;
    int ready[2];
    snprintf(set, sizeof set, "endpoint=%s", endpoint);
    if (pipe(ready) != 0)
        abort();
    pid_t pid = fork();
    if (pid == 0) {
        snprintf(fd, sizeof fd, "%d", ready[1]);
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        setenv("MIRADOR_LOG", "warn", 1);
        execl(MIRADOR_BIN_DIR "/mirador-ris", "mirador-ris", "--ready-fd", fd, "--set", set,
              "--set", drivers[0], "--set", drivers[1], "--set", "run.realtime=yes", (char *)NULL);
        _exit(127);
    }
    close(ready[1]);
    if (read(ready[0], &byte, 1) != 1)
        abort();
    close(ready[0]);
    return pid;
}

static void check(int r, const struct status *err)
{
    if (r == OK)
        return;
    fprintf(stderr, "bench_ris: %s\n", err->text);
    exit(1);
}

static int load_once(struct ris_client *c, unsigned i, struct status *err)
{
    uint8_t pattern[32] = {(uint8_t)i, (uint8_t)(i >> 8)};
    return ris_client_load(c, 0, (uint16_t)(i % 8), (struct ris_shape){16, 16, 1}, pattern, NULL,
                           err);
}

/* Both boards at once, as every cycle does. */
static int arm_once(struct ris_client *c, unsigned i, struct status *err)
{
    struct ris_arm arm = {.tag = i,
                          .delay_ns = 5000,
                          .period_ns = 92160,
                          .n_edges = 2,
                          .n_steps = 8,
                          .reps = {8, 1},
                          .steps = {0, 0, 1, 1, 1, 1, 0, 0}};
    const struct ris_arm *both[2] = {&arm, &arm};
    int r = ris_client_arm_begin(c, both, 0);
    if (r == OK)
        r = ris_client_arm_wait(c, 5000, NULL);
    snprintf(err->text, sizeof err->text, "arm: %s", ris_client_error(c));
    return r;
}

/* A kernel thread of normal priority carries a pty's bytes and QEMU has ordinary priority, so on a
 * busy machine the slowest answer of a hundred is the scheduler's: printed, and no failure. */
static bool quiet(void)
{
    double load;
    if (getloadavg(&load, 1) == 1 && load < (double)sysconf(_SC_NPROCESSORS_ONLN))
        return true;
    printf("%-28s %10.1f on %ld processors, so the line above says nothing\n", "  load", load,
           sysconf(_SC_NPROCESSORS_ONLN));
    return false;
}

static int measure(const char *name, int (*stage)(struct ris_client *, unsigned, struct status *),
                   struct ris_client *c)
{
    static double ms[N];
    char label[64];
    struct status err = {.code = OK};
    unsigned n = qemu ? N / 40 : N;
    for (unsigned i = 0; i < n; i++) {
        double began = bench_now_s();
        check(stage(c, i, &err), &err);
        ms[i] = 1e3 * (bench_now_s() - began);
    }
    qsort(ms, n, sizeof *ms, bench_compare);
    snprintf(label, sizeof label, "ris_%s%s_p50", name, qemu ? "_qemu" : "");
    int over = bench_report(label, ms[n / 2], "ms", qemu ? QEMU_MS : 0.5);
    snprintf(label, sizeof label, "ris_%s%s_p99", name, qemu ? "_qemu" : "");
    return over | (bench_report(label, ms[n * 99 / 100], "ms", qemu ? QEMU_MS : 1.0) && quiet());
}

int main(int argc, char **argv)
{
    qemu = argc > 1 && strcmp(argv[1], "qemu") == 0;
    char folder[128], endpoint[160];
    struct status err = {.code = OK};
    if (!qemu) /* as the daemon's thread that arms */
        (void)realtime_apply(pthread_self(), &(struct realtime_cfg){.priority = REALTIME_SCHEDULE});
    check(state_dir_create("bench-ris", folder, sizeof folder, &err), &err);
    snprintf(endpoint, sizeof endpoint, "ipc://%s/ris.sock", folder);
    pid_t pid = start(endpoint);
    struct sockets *sockets = sockets_create(NULL, &err);
    struct ris_client_cfg cfg = {.sockets = sockets,
                                 .endpoint = endpoint,
                                 .n_board = 2,
                                 .boards = {"ris1", "ris2"},
                                 .timeout_ms = 5000};
    struct ris_client *c = sockets != NULL ? ris_client_create(&cfg, &err) : NULL;
    check(err.code, &err);
    int over = measure("load", load_once, c);
    for (uint16_t slot = 0; slot < 8; slot++) {
        uint8_t pattern[32] = {(uint8_t)slot};
        check(ris_client_load(c, 1, slot, (struct ris_shape){16, 16, 1}, pattern, NULL, &err),
              &err);
    }
    if (!qemu)
        over |= measure("arm_two_boards", arm_once, c);
    ris_client_destroy(&c);
    sockets_destroy(&sockets);
    kill(pid, SIGTERM);
    waitpid(pid, NULL, 0);
    check(state_dir_remove(folder, &err), &err);
    return over;
}
