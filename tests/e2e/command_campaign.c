/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A crowd of bad clients and the memory of the base station among them:
 *
 *   command_campaign FOLDER PID COMMANDS SEED */
#include <stdio.h>
#include <stdlib.h>

#include "tests/e2e/crowd.h"

#define GROWTH_MAX_MB 2.0 /* from a quarter of the commands on, when queues have their size */
enum { FIXES = 100 };

struct memory {
    const char *pid;
    double first_mb, last_mb;
};

static double resident_mb(const char *pid)
{
    char path[64], line[200];
    double kb = -1;
    snprintf(path, sizeof path, "/proc/%s/status", pid);
    FILE *f = fopen(path, "r");
    while (f && fgets(line, sizeof line, f))
        if (sscanf(line, "VmRSS: %lf", &kb) == 1)
            break;
    if (f)
        fclose(f);
    return kb / 1024;
}

static void look(void *context, size_t answered)
{
    struct memory *m = context;
    m->last_mb = resident_mb(m->pid);
    if (m->first_mb == 0)
        m->first_mb = m->last_mb;
    printf("after %zu commands %.1f MB are resident\n", answered, m->last_mb);
    fflush(stdout);
}

int main(int argc, char **argv)
{
    struct crowd_count n = {0};
    if (argc != 5) {
        fputs("usage: command_campaign FOLDER PID COMMANDS SEED\n", stderr);
        return 2;
    }
    struct memory memory = {.pid = argv[2]};
    const struct crowd_cfg cfg = {.folder = argv[1],
                                  .seed = (unsigned)strtoul(argv[4], NULL, 10),
                                  .commands = strtoul(argv[3], NULL, 10),
                                  .fixes = FIXES,
                                  .patience_s = 60,
                                  .look = look,
                                  .context = &memory};
    const int rc = crowd_run(&cfg, &n);
    printf("%zu commands sent, %zu answered, %zu of them refused, %zu wrongly accepted, %zu "
           "connections broken off; %zu positions\n",
           n.sent, n.answered, n.refused, n.wrongly_accepted, n.broken_off, n.fixes);
    return rc == 0 && n.wrongly_accepted == 0 && memory.first_mb > 0 &&
                   memory.last_mb - memory.first_mb <= GROWTH_MAX_MB
               ? 0
               : 1;
}
