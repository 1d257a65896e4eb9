/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/realtime.h"
#include "base/log.h"
#include <errno.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

enum { TEXT = 256 };

static bool first_time(atomic_bool *said)
{
    return !atomic_exchange(said, true);
}

static bool ask_fifo(pthread_t thread, int policy, const struct realtime_cfg *cfg)
{
    static atomic_bool said;
    const struct sched_param param = {.sched_priority = cfg->priority};
    int e = pthread_setschedparam(thread, policy, &param);
    if (e && first_time(&said))
        log_warn("no SCHED_FIFO: %s; threads run as ordinary ones and a busy machine makes them "
                 "late. Allow it with 'ulimit -r 99', LimitRTPRIO=99 in a unit, or "
                 "CAP_SYS_NICE; or %s",
                 strerror(e), cfg->off ? cfg->off : "set run.realtime: no");
    return e == 0;
}

/* "0-3,6" */
static const char *list_cpus(const cpu_set_t *set, char text[TEXT])
{
    size_t at = 0;
    text[0] = '\0';
    for (int c = 0; c < CPU_SETSIZE && at < TEXT - 24; c++) {
        int first = c;
        if (!CPU_ISSET(c, set))
            continue;
        while (c + 1 < CPU_SETSIZE && CPU_ISSET(c + 1, set))
            c++;
        at += (size_t)snprintf(text + at, TEXT - at, c > first ? "%s%d-%d" : "%s%d", at ? "," : "",
                               first, c);
    }
    return text;
}

static void complain_cpus(const cpu_set_t *wanted)
{
    static atomic_bool said;
    char have[TEXT], want[TEXT];
    cpu_set_t all;
    if (!first_time(&said))
        return;
    CPU_ZERO(&all);
    sched_getaffinity(0, sizeof all, &all);
    log_warn("not every CPU of run.cpus (%s) can be had: this process may use %s; threads run "
             "where the kernel puts them. Correct run.cpus, or AllowedCPUs= of the unit",
             list_cpus(wanted, want), list_cpus(&all, have));
}

static bool pin(pthread_t thread, const int *cpus, size_t n_cpu)
{
    cpu_set_t before, wanted, got;
    CPU_ZERO(&wanted);
    for (size_t i = 0; i < n_cpu; i++)
        CPU_SET((size_t)cpus[i], &wanted);
    if (pthread_getaffinity_np(thread, sizeof before, &before))
        return false;
    if (pthread_setaffinity_np(thread, sizeof wanted, &wanted) == 0 &&
        pthread_getaffinity_np(thread, sizeof got, &got) == 0 && CPU_EQUAL(&wanted, &got))
        return true;
    pthread_setaffinity_np(thread, sizeof before, &before);
    complain_cpus(&wanted);
    return false;
}

static struct realtime_grant apply(pthread_t thread, int policy, const struct realtime_cfg *cfg)
{
    return (struct realtime_grant){
        .fifo = cfg->priority > 0 && ask_fifo(thread, policy, cfg),
        .pinned = cfg->n_cpu > 0 && pin(thread, cfg->cpus, cfg->n_cpu),
    };
}

struct realtime_grant realtime_apply(pthread_t thread, const struct realtime_cfg *cfg)
{
    return apply(thread, SCHED_FIFO | SCHED_RESET_ON_FORK, cfg);
}

struct realtime_grant realtime_process(const struct realtime_cfg *cfg)
{
    return apply(pthread_self(), SCHED_FIFO, cfg);
}

bool realtime_lock_memory(void)
{
    static atomic_bool said;
    if (mlockall(MCL_CURRENT) == 0 && mlockall(MCL_FUTURE | MCL_ONFAULT) == 0)
        return true;
    if (first_time(&said))
        log_warn("memory is not locked: %s; a machine that swaps will make the radio late. Allow "
                 "it with 'ulimit -l unlimited', LimitMEMLOCK=infinity in a unit, or "
                 "CAP_IPC_LOCK; or set run.lock_memory: no",
                 strerror(errno));
    munlockall();
    return false;
}

size_t realtime_cpus(int *cpus, size_t n_max)
{
    cpu_set_t all;
    size_t n = 0;
    CPU_ZERO(&all);
    sched_getaffinity(0, sizeof all, &all);
    for (int c = 0; c < CPU_SETSIZE && n < n_max; c++)
        if (CPU_ISSET(c, &all))
            cpus[n++] = c;
    return n;
}
