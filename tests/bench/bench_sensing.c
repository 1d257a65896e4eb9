/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What a position costs once its answer is here, mode by mode: twelve seconds of scene lab are
 * recorded in coded and in steering mode and worked over again, by turns, with and without the map.
 * Of each cycle the fastest of its repeats counts, as a preempted one says nothing about the code.
 * Steering may take 30 % more than coded at the 99 % point, which is the worst cycle of these. The
 * burst is worked on before the answer comes; its time counts where it is not done by then. The
 * recordings take 1.3 GB for a moment.
 */
#include "bench.h"

#include <math.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/state_dir.h"
#include "host/replay.h"

/* The linker puts this in place of clock_gettime (--wrap): the stages' clock stands still while
 * another program has the processor. */
int __wrap_clock_gettime(clockid_t clock, struct timespec *t);
int __wrap_clock_gettime(clockid_t clock, struct timespec *t)
{
    return (int)syscall(SYS_clock_gettime,
                        clock == CLOCK_MONOTONIC ? CLOCK_THREAD_CPUTIME_ID : clock, t);
}

enum { REPEATS = 7, MOST = 100 };

static const char *const overrides[] = {"estimate.map=no"};

struct mode {
    const char *name, *identity; /* as recorded */
    size_t n_override;
    double ms[MOST], burst_ms[MOST]; /* of each position: from its answer on; before */
    size_t n;
};

static struct mode modes[] = {
    {.name = "coded", .identity = "bs.identity.mode=coded"},
    {.name = "coded, no map", .identity = "bs.identity.mode=coded", .n_override = 1},
    {.name = "steering", .identity = "bs.identity.mode=steering"},
    {.name = "steering, no map", .identity = "bs.identity.mode=steering", .n_override = 1},
};
enum { CODED, CODED_PLAIN, STEERING, STEERING_PLAIN, MODES };

static void give_up(const char *what)
{
    fprintf(stderr, "bench_sensing: %s\n", what);
    exit(1);
}

static void record(const char *identity, const char *prefix)
{
    int status;
    fflush(stdout);
    pid_t pid = fork();
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (!freopen("/dev/null", "w", stdout))
            _exit(127);
        execl(MIRADOR_BIN_DIR "/mirador", "mirador", "demo", "--headless", "--json", "--speed", "0",
              "--seconds", "12", "--seed", "1", "--set", identity, "--record", prefix,
              (char *)NULL);
        _exit(127);
    }
    if (waitpid(pid, &status, 0) != pid || status != 0)
        give_up("mirador demo --record failed");
}

static void keep_least(double *least, double ms, int repeat)
{
    *least = repeat ? fmin(*least, ms) : ms;
}

/* Keeps the faster of this run and those before. */
static void work_over(struct mode *mode, const char *prefix, int repeat)
{
    const struct replay_cfg cfg = {
        .recording = prefix, .sets = {overrides, mode->n_override}, .to_s = INFINITY};
    struct status err = {0};
    struct replay *replay = replay_create(&cfg, &err);
    struct replay_step *step = calloc(1, sizeof *step);
    size_t n = 0;
    int rc = OK;
    while (replay && step && n < MOST && (rc = replay_next(replay, step, &err)) == OK) {
        const struct report_stages *s = &step->report.stages;
        if (step->report.response != RESPONSE_PERMITTED)
            continue;
        keep_least(&mode->ms[n], 1e-3 * (s->response_us + s->fix_us), repeat);
        keep_least(&mode->burst_ms[n], 1e-3 * s->sensing_us, repeat);
        n++;
    }
    if (!replay || !step || rc != ERR_NOT_FOUND || n < 20 || (repeat && n != mode->n))
        give_up(err.text[0] ? err.text : "too few positions, or not as many in each run");
    mode->n = n;
    replay_destroy(&replay);
    free(step);
}

static double percentile(const double *ms, size_t n, double p)
{
    return ms[(size_t)ceil(p / 100 * (double)(n - 1))];
}

static void print_times(const char *what, double *ms, size_t n)
{
    qsort(ms, n, sizeof *ms, bench_compare);
    printf("%-28s p50 %6.3f ms, p90 %6.3f ms, p99 %6.3f ms of %zu\n", what, percentile(ms, n, 50),
           percentile(ms, n, 90), percentile(ms, n, 99), n);
}

static double steering_over_coded(double p)
{
    return percentile(modes[STEERING].ms, modes[STEERING].n, p) /
           percentile(modes[CODED].ms, modes[CODED].n, p);
}

static int report(void)
{
    int over = 0;
    for (size_t i = 0; i < MODES; i++) {
        char burst[64];
        snprintf(burst, sizeof burst, "%s, its burst", modes[i].name);
        print_times(modes[i].name, modes[i].ms, modes[i].n);
        print_times(burst, modes[i].burst_ms, modes[i].n);
    }
    over |= bench_report("steering over coded, p50", steering_over_coded(50), "", 1.3);
    over |= bench_report("steering over coded, p90", steering_over_coded(90), "", 1.3);
    over |= bench_report("steering over coded, p99", steering_over_coded(99), "", 1.3);
    over |= bench_report("the map's part, coded, p50",
                         percentile(modes[CODED].ms, modes[CODED].n, 50) -
                             percentile(modes[CODED_PLAIN].ms, modes[CODED_PLAIN].n, 50),
                         "ms", 2);
    return over;
}

int main(void)
{
    char folder[128], prefix[2][160];
    struct status err = {.code = OK};
    if (state_dir_create("bench-sensing", folder, sizeof folder, &err) != OK)
        give_up(err.text);
    for (int i = 0; i < 2; i++) {
        snprintf(prefix[i], sizeof prefix[i], "%s/%d", folder, i);
        record(modes[i ? STEERING : CODED].identity, prefix[i]);
    }
    for (int repeat = 0; repeat < REPEATS; repeat++)
        for (size_t m = 0; m < MODES; m++)
            work_over(&modes[m], prefix[m >= STEERING], repeat);
    if (state_dir_remove(folder, &err) != OK)
        give_up(err.text);
    return report();
}
