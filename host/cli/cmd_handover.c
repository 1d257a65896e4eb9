/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Subcommands that are programs of their own beside us, linked with what the others do without: MPI
 * (mirador-sweep), the base station and UHD (mirador-recording, mirador-schedule, mirador-doctor).
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/options.h"
#include "host/cli/cmd.h"

/* program: "mirador-sweep". One trial, or cycle, is one thread's. */
static int hand_over(const char *program, char **argv)
{
    char path[600];
    ssize_t n = readlink("/proc/self/exe", path, sizeof path - 32);
    if (n <= 0) {
        fprintf(stderr, "%s: cannot find our own folder: %s\n", argv[0], strerror(errno));
        return EXIT_FAILED;
    }
    path[n] = 0;
    char *base = strrchr(path, '/') + 1;
    snprintf(base, sizeof path - (size_t)(base - path), "%s", program);
    setenv("OPENBLAS_NUM_THREADS", "1", 1);
    execv(path, argv);
    fprintf(stderr, "%s: cannot run %s: %s\n", argv[0], path, strerror(errno));
    return EXIT_FAILED;
}

int cmd_doctor(int argc, char **argv)
{
    (void)argc;
    return hand_over("mirador-doctor", argv);
}

int cmd_schedule(int argc, char **argv)
{
    (void)argc;
    return hand_over("mirador-schedule", argv);
}

int cmd_sweep(int argc, char **argv)
{
    (void)argc;
    return hand_over("mirador-sweep", argv);
}

/* mirador-recording takes its verb as the first word. */
int cmd_recording(const char *verb, int argc, char **argv)
{
    char **words = calloc((size_t)argc + 2, sizeof *words);
    if (!words)
        return EXIT_FAILED;
    words[0] = argv[0];
    words[1] = (char *)verb;
    memcpy(words + 2, argv + 1, (size_t)argc * sizeof *words); /* with its closing NULL */
    int code = hand_over("mirador-recording", words);
    free(words);
    return code;
}

int cmd_replay(int argc, char **argv)
{
    return cmd_recording("replay", argc, argv);
}
