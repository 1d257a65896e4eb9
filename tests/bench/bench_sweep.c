/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What a second rank brings. Ranks take batches when they are free and wait for each other at the
 * end alone, so two of them on cores of their own take half of the processor time of both (and less
 * than a batch): that is compared with the processor time of one alone, and other programs on the
 * machine do not count. Cores of one machine need not be equally fast (of two virtual ones, one was
 * 25 % slower): one rank runs alone on each, and their harmonic mean, the time of the mean speed,
 * is what counts as one. 1.9 times as fast: at most 1 / 1.9. */
#include <jansson.h>
#include <math.h>
#include <sched.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#include "bench.h"

#define EXPERIMENT "sweep rmse-snr --set methods=[agnostic,joint] --set figures=[] --json"

/* Processor seconds of so many ranks together, and seconds from beginning to end. cpu: the one they
 * stay on; below 0, all. */
static double processor_s(int ranks, int cpu, const char *folder, double *wall)
{
    char command[600], line[4096], cpus[30] = "";
    double sum = 0;
    if (cpu >= 0)
        snprintf(cpus, sizeof cpus, "taskset -c %d ", cpu);
    snprintf(command, sizeof command,
             "%smpirun --oversubscribe --bind-to %s -n %d " MIRADOR_BIN_DIR "/mirador " EXPERIMENT
             " --jobs 1 -o %s 2>/dev/null",
             cpus, cpu >= 0 ? "none" : "core", ranks, folder);
    FILE *pipe = popen(command, "r");
    line[pipe ? fread(line, 1, sizeof line - 1, pipe) : 0] = 0;
    json_t *answer = pipe && pclose(pipe) == 0 ? json_loads(line, 0, NULL) : NULL;
    json_t *each = json_object_get(answer, "cpu_s");
    for (size_t i = 0; i < json_array_size(each); i++)
        sum += json_number_value(json_array_get(each, i));
    *wall = json_number_value(json_object_get(answer, "wall_s"));
    if (json_array_size(each) != (size_t)ranks) {
        fprintf(stderr, "no answer of %d ranks: %s\n", ranks, line);
        exit(1);
    }
    json_decref(answer);
    return sum;
}

/* The first two processors we may run on. */
static bool two_cpus(int cpu[2])
{
    cpu_set_t mine;
    int n = 0;
    if (sched_getaffinity(0, sizeof mine, &mine) != 0)
        return false;
    for (int c = 0; c < CPU_SETSIZE && n < 2; c++)
        if (CPU_ISSET(c, &mine))
            cpu[n++] = c;
    return n == 2;
}

int main(void)
{
    char folder[] = "/tmp/mirador-bench-XXXXXX", clean[100];
    double wall;
    int cpu[2];
    setenv("OMPI_ALLOW_RUN_AS_ROOT", "1", 1);
    setenv("OMPI_ALLOW_RUN_AS_ROOT_CONFIRM", "1", 1);
    if (!two_cpus(cpu)) {
        printf("bench_sweep: one processor only, nothing to compare\n");
        return 0;
    }
    if (!mkdtemp(folder))
        return 1;
    double alone[2] = {INFINITY, INFINITY}, two = INFINITY, clock = INFINITY;
    for (int i = 0; i < 2; i++) { /* the better of two: neighbours on the machine cost caches */
        for (int c = 0; c < 2; c++)
            alone[c] = fmin(alone[c], processor_s(1, cpu[c], folder, &wall));
        two = fmin(two, processor_s(2, -1, folder, &wall));
        clock = fmin(clock, wall);
    }
    double one = 2 / (1 / alone[0] + 1 / alone[1]);
    int over = bench_report("half of 2 ranks / 1 rank", two / 2 / one, "", 1 / 1.9);
    printf("  (%.2f times as fast by processor time: %.2f s alone on one core, %.2f s on another, "
           "%.2f s of two; %.2f s by the clock)\n",
           2 * one / two, alone[0], alone[1], two, clock);
    snprintf(clean, sizeof clean, "rm -r %s", folder);
    return system(clean) != 0 || over;
}
