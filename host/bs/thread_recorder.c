/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Recorder: where recordings go, and the thread that writes them. */
#include "base/log.h"
#include "host/bs/daemon.h"
#include "host/radio_identity.h"
#include <stdio.h>

static void audit_line(void *audit, const char *line)
{
    audit_write(audit, "%s", line);
}

int daemon_recorder_make(struct daemon_parts *p, struct status *err)
{
    struct radio_identity id;
    if (radio_identify(p->radio, &id, err))
        return err->code;
    struct recorder_cfg rc = {.bs = p->cfg,
                              .schedule = &p->schedule,
                              .pipeline = p->pipeline,
                              .serial = id.serial,
                              .lossless = p->cfg->run.gated,
                              .tell = audit_line,
                              .tell_context = p->audit};
    for (size_t i = 0; i < BS_RIS; i++)
        rc.profiles[i] = &p->profiles[i];
    if (p->cfg->record.folder[0])
        snprintf(p->record_folder, sizeof p->record_folder, "%s", p->cfg->record.folder);
    else
        snprintf(p->record_folder, sizeof p->record_folder, "%s/recordings", p->cfg->run.state_dir);
    p->recorder = recorder_create(&rc, err);
    if (!p->recorder)
        return err->code;
    return p->cfg->record.file[0] ? recorder_start(p->recorder, p->cfg->record.file, err) : OK;
}

void *daemon_recorder(void *daemon)
{
    struct daemon *d = daemon;
    /* Not "bs-": it writes files, which the threads of that prefix never do. */
    pthread_setname_np(pthread_self(), "recorder");
    recorder_run(d->p.recorder);
    atomic_fetch_sub(&d->threads_left, 1);
    return NULL;
}
