/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What a second rank brings. Ranks take batches when they are free and wait for each other at the
 * end alone, so two of them on cores of their own take half of the processor time of both (and less
 * than a batch): that is compared with the processor time of one alone, and other programs on the
 * machine do not count. 1.9 times as fast: at most 1 / 1.9. */
#include <jansson.h>
#include <math.h>
#include <string.h>
#include <unistd.h>

#include "bench.h"

#define EXPERIMENT                                                                                 \
    "sweep rmse-snr --set trials=48 --set methods=[agnostic,joint] --set figures=[] --json"

/* Processor seconds of so many ranks together, and seconds from beginning to end. */
static double processor_s(int ranks, const char *folder, double *wall)
{
    char command[600], line[4096];
    double sum = 0;
    snprintf(command, sizeof command,
             "mpirun --oversubscribe -n %d " MIRADOR_BIN_DIR "/mirador " EXPERIMENT
             " --jobs 1 -o %s 2>/dev/null",
             ranks, folder);
    FILE *pipe = popen(command, "r");
    line[pipe ? fread(line, 1, sizeof line - 1, pipe) : 0] = 0;
    json_t *answer = pipe && pclose(pipe) == 0 ? json_loads(line, 0, NULL) : NULL;
    json_t *cpu = json_object_get(answer, "cpu_s");
    for (size_t i = 0; i < json_array_size(cpu); i++)
        sum += json_number_value(json_array_get(cpu, i));
    *wall = json_number_value(json_object_get(answer, "wall_s"));
    if (json_array_size(cpu) != (size_t)ranks) {
        fprintf(stderr, "no answer of %d ranks: %s\n", ranks, line);
        exit(1);
    }
    json_decref(answer);
    return sum;
}

int main(void)
{
    char folder[] = "/tmp/mirador-bench-XXXXXX", clean[100];
    double wall[2];
    setenv("OMPI_ALLOW_RUN_AS_ROOT", "1", 1);
    setenv("OMPI_ALLOW_RUN_AS_ROOT_CONFIRM", "1", 1);
    if (!mkdtemp(folder))
        return 1;
    double one = INFINITY, two = INFINITY, clock[2] = {INFINITY, INFINITY};
    for (int i = 0; i < 2; i++) { /* the better of two: neighbours on the machine cost caches */
        one = fmin(one, processor_s(1, folder, &wall[0]));
        two = fmin(two, processor_s(2, folder, &wall[1]));
        clock[0] = fmin(clock[0], wall[0]);
        clock[1] = fmin(clock[1], wall[1]);
    }
    int over = bench_report("half of 2 ranks / 1 rank", two / 2 / one, "", 1 / 1.9);
    printf(
        "  (%.2f times as fast by processor time: %.2f s alone, %.2f s of two; %.2f by the clock, "
        "which others on the machine move)\n",
        2 * one / two, one, two, clock[0] / clock[1]);
    snprintf(clean, sizeof clean, "rm -r %s", folder);
    return system(clean) != 0 || over;
}
