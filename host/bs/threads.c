/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/log.h"
#include "base/realtime.h"
#include "host/bs/daemon.h"
#include <string.h>
#include <time.h>

#define DISK_PATIENCE_S 120.0 /* a recording of gigabytes goes to a slow disk */

struct job {
    pthread_t *thread;
    void *(*run)(void *);
    const char *name;
    enum realtime_priority priority;
};

static bool real_time(const struct daemon *d)
{
    return d->p.cfg->run.realtime && !d->p.cfg->run.gated;
}

static int start_job(struct daemon *d, const struct job *job)
{
    const struct bs_cfg *cfg = d->p.cfg;
    const struct realtime_cfg wish = {
        .priority = job->priority, .cpus = cfg->run.cpus, .n_cpu = cfg->run.n_cpu};
    int e = pthread_create(job->thread, NULL, job->run, d);
    if (e == 0 && real_time(d))
        d->grant = realtime_apply(*job->thread, &wish);
    return e;
}

/* The calling thread is the one that publishes, on any CPU. */
static void publish_in_time(const struct daemon *d)
{
    const struct realtime_cfg wish = {.priority = REALTIME_REPORT};
    if (real_time(d))
        (void)realtime_apply(pthread_self(), &wish);
}

/* Never in real time. */
static int start_ordinary(struct daemon *d, pthread_t *thread, void *(*run)(void *),
                          const char *name, struct status *err)
{
    int e = pthread_create(thread, NULL, run, d);
    if (e)
        return status_set(err, ERR_STATE, "cannot start thread %s: %s", name, strerror(e));
    atomic_fetch_add(&d->threads_left, 1);
    return OK;
}

int daemon_threads_start(struct daemon *d, struct status *err)
{
    const struct job jobs[] = {
        {&d->dsp, daemon_dsp, "bs-dsp", REALTIME_DSP},
        {&d->schedule, daemon_schedule, "bs-schedule", REALTIME_SCHEDULE},
        {&d->rx, daemon_rx, "bs-rx", REALTIME_RX},
    };
    for (size_t i = 0; i < sizeof jobs / sizeof jobs[0]; i++) {
        int e = start_job(d, &jobs[i]);
        if (e)
            return status_set(err, ERR_STATE, "cannot start thread %s: %s", jobs[i].name,
                              strerror(e));
        atomic_fetch_add(&d->threads_left, 1);
    }
    if (start_ordinary(d, &d->site, daemon_site, "site-calib", err))
        return err->code;
    if (start_ordinary(d, &d->recorder, daemon_recorder, "recorder", err))
        return err->code;
    if (d->p.calib && start_ordinary(d, &d->calib, daemon_calib, "bs-calib", err))
        return err->code;
    publish_in_time(d);
    return OK;
}

/* The disk takes what the recording still has. */
static bool recording_ends(const struct daemon *d)
{
    struct recorder_status status;
    recorder_status(d->p.recorder, &status);
    return status.state != RECORDER_IDLE && status.state != RECORDER_ARMED;
}

bool daemon_threads_stop(struct daemon *d, double timeout_s)
{
    const struct timespec nap = {.tv_nsec = 10000000};
    atomic_store(&d->stop, true);
    cycle_gate_stop(d->p.gate);
    block_pool_stop(d->p.sensing_pool);
    block_pool_stop(d->p.response_pool);
    if (d->p.link) {
        block_pool_stop(d->p.uplink_pool);
        block_pool_stop(d->p.sounding_pool);
    }
    if (d->p.calib) {
        block_pool_stop(d->p.pilot_pool);
        calib_worker_stop(d->p.calib);
    }
    block_queue_stop(d->p.queue);
    telemetry_queue_stop(d->p.reports);
    recorder_stop_thread(d->p.recorder);
    for (double t = 0; atomic_load(&d->threads_left) > 0; t += 0.01) {
        if (t >= timeout_s && (t >= DISK_PATIENCE_S || !recording_ends(d)))
            break;
        nanosleep(&nap, NULL);
    }
    if (atomic_load(&d->threads_left) > 0)
        return false;
    if (d->dsp)
        pthread_join(d->dsp, NULL);
    if (d->schedule)
        pthread_join(d->schedule, NULL);
    if (d->rx)
        pthread_join(d->rx, NULL);
    if (d->site)
        pthread_join(d->site, NULL);
    if (d->recorder)
        pthread_join(d->recorder, NULL);
    if (d->calib)
        pthread_join(d->calib, NULL);
    return true;
}
