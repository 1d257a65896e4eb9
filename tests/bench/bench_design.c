/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * `mirador ris design` as it is called, over 41 x 41 x 5 points: 2 s for 16 x 16 elements, 20 s for
 * 64 x 64. Processor time is what counts, as a design may be preempted; beside it the seconds that
 * passed and how many complex multiply-adds (y += a x, 4096 of double precision in the cache) this
 * machine does in that time. */
#include "bench.h"

#include <complex.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/state_dir.h"

enum { N = 4096, PASSES = 5000 };

static struct {
    double x[2][N], y[2][N];
} machine;

/* Real arithmetic: C's complex product looks for infinities. */
static void multiply_add(void *ctx)
{
    (void)ctx;
    for (int pass = 0; pass < PASSES; pass++) {
        const double re = 1e-3 * pass, im = 1 - re;
        for (int i = 0; i < N; i++) {
            machine.y[0][i] += re * machine.x[0][i] - im * machine.x[1][i];
            machine.y[1][i] += re * machine.x[1][i] + im * machine.x[0][i];
        }
    }
}

static void run(const char *folder, const char *kind, const char *side)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (chdir(folder) != 0 || freopen("/dev/null", "w", stdout) == NULL)
        _exit(127);
    execl(MIRADOR_BIN_DIR "/mirador", "mirador", "ris", "design", "--scene", "lab", "--ris", "RIS1",
          "--kind", kind, "--columns", side, "--rows", side, "--region-z", "0.9,1.6", "--no-plot",
          (char *)NULL);
    _exit(127);
}

static int design(const char *folder, const char *kind, const char *side, double limit_s,
                  double madd_s)
{
    struct rusage used;
    int status = 0;
    char name[40];
    double began = bench_now_s();
    fflush(stdout);
    pid_t pid = fork();
    if (pid == 0)
        run(folder, kind, side);
    if (wait4(pid, &status, 0, &used) != pid || status != 0) {
        fprintf(stderr, "bench_design: mirador ris design --kind %s failed\n", kind);
        exit(1);
    }
    double passed = bench_now_s() - began;
    double cpu = (double)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) +
                 1e-6 * (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec);
    snprintf(name, sizeof name, "design %s %s x %s", kind, side, side);
    int over = bench_report(name, cpu, "s", limit_s);
    printf("%-28s %10.3f s\n%-28s %10.1f 1e9 multiply-adds\n", "  passed", passed, "  ratio",
           1e-9 * cpu / madd_s);
    return over;
}

int main(void)
{
    char folder[128];
    struct status err = {.code = OK};
    setenv("MIRADOR_DATA", MIRADOR_SOURCE_DIR "/config", 1);
    if (state_dir_create("bench-design", folder, sizeof folder, &err) != OK) {
        fprintf(stderr, "bench_design: %s\n", err.text);
        return 1;
    }
    double madd_s = bench_median_cpu_s(multiply_add, NULL, 11) / PASSES / N;
    printf("%-28s %10.3f ns\n", "machine: multiply-add", 1e9 * madd_s);
    int over = 0;
    static const char *const kinds[] = {"wide", "focus", "codebook"};
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        over |= design(folder, kinds[i], "16", 2, madd_s);
        over |= design(folder, kinds[i], "64", 20, madd_s);
    }
    if (state_dir_remove(folder, &err) != OK)
        return 1;
    return over;
}
