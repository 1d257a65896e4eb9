/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Calibration thread: whatever the processors have left. In gated time everybody waits for it, so
 * there it runs as the others do. */
#include "base/log.h"
#include "host/bs/daemon.h"
#include <sched.h>

void *daemon_calib(void *daemon)
{
    struct daemon *d = daemon;
    const struct sched_param none = {0};
    pthread_setname_np(pthread_self(), "bs-calib");
    if (!d->p.cfg->run.gated && pthread_setschedparam(pthread_self(), SCHED_IDLE, &none))
        log_warn("the calibration thread runs at normal priority: SCHED_IDLE was refused");
    calib_worker_run(d->p.calib);
    atomic_fetch_sub(&d->threads_left, 1);
    return NULL;
}
