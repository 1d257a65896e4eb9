/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/log.h"
#include "host/bs/daemon.h"
#include <errno.h>
#include <sched.h>
#include <string.h>
#include <time.h>

struct job {
    pthread_t *thread;
    void *(*run)(void *);
    const char *name;
    int priority; /* SCHED_FIFO */
};

static int start_job(struct daemon *d, const struct job *job, bool realtime)
{
    pthread_attr_t attr;
    pthread_attr_init(&attr);
    if (realtime) {
        const struct sched_param param = {.sched_priority = job->priority};
        pthread_attr_setinheritsched(&attr, PTHREAD_EXPLICIT_SCHED);
        pthread_attr_setschedpolicy(&attr, SCHED_FIFO);
        pthread_attr_setschedparam(&attr, &param);
    }
    int e = pthread_create(job->thread, &attr, job->run, d);
    pthread_attr_destroy(&attr);
    return e;
}

int daemon_threads_start(struct daemon *d, struct status *err)
{
    const struct job jobs[] = {
        {&d->dsp, daemon_dsp, "bs-dsp", 50},
        {&d->schedule, daemon_schedule, "bs-schedule", 55},
        {&d->rx, daemon_rx, "bs-rx", 60},
    };
    bool realtime = d->p.cfg->run.realtime && !d->p.cfg->run.gated;
    for (size_t i = 0; i < sizeof jobs / sizeof jobs[0]; i++) {
        int e = start_job(d, &jobs[i], realtime);
        if (e == EPERM && realtime) {
            log_warn("no permission for SCHED_FIFO, the radio threads run as ordinary ones: allow "
                     "it with 'ulimit -r 60' or CAP_SYS_NICE, or set run.realtime: no");
            realtime = false;
            e = start_job(d, &jobs[i], realtime);
        }
        if (e)
            return status_set(err, ERR_STATE, "cannot start thread %s: %s", jobs[i].name,
                              strerror(e));
        atomic_fetch_add(&d->threads_left, 1);
    }
    return OK;
}

bool daemon_threads_stop(struct daemon *d, double timeout_s)
{
    const struct timespec nap = {.tv_nsec = 10000000};
    atomic_store(&d->stop, true);
    cycle_gate_stop(d->p.gate);
    block_pool_stop(d->p.sensing_pool);
    block_pool_stop(d->p.response_pool);
    block_queue_stop(d->p.queue);
    telemetry_queue_stop(d->p.reports);
    for (double t = 0; t < timeout_s && atomic_load(&d->threads_left) > 0; t += 0.01)
        nanosleep(&nap, NULL);
    if (atomic_load(&d->threads_left) > 0)
        return false;
    if (d->dsp)
        pthread_join(d->dsp, NULL);
    if (d->schedule)
        pthread_join(d->schedule, NULL);
    if (d->rx)
        pthread_join(d->rx, NULL);
    return true;
}
