/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * mirador sweep: hands over to mirador-sweep beside us, which is linked with MPI. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/options.h"
#include "host/cli/cmd.h"

int cmd_sweep(int argc, char **argv)
{
    char path[600];
    ssize_t n = readlink("/proc/self/exe", path, sizeof path - 16);
    (void)argc;
    if (n <= 0) {
        fprintf(stderr, "mirador sweep: cannot find our own folder: %s\n", strerror(errno));
        return EXIT_FAILED;
    }
    path[n] = 0;
    strcpy(strrchr(path, '/') + 1, "mirador-sweep");
    setenv("OPENBLAS_NUM_THREADS", "1", 1); /* one trial, one thread */
    execv(path, argv);
    fprintf(stderr, "mirador sweep: cannot run %s: %s\n", path, strerror(errno));
    return EXIT_FAILED;
}
