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

static bool waits(const struct bs_cfg *cfg)
{
    return cfg->run.gated && cfg->record.wait;
}

/* Its memory is made when a recording wants it. */
static int make_stream(struct daemon_parts *p, struct status *err)
{
    const struct sample_stream_cfg sc = {
        .n_ant = p->cfg->radio.n_rx,
        .n_samp = (size_t)(p->cfg->record.stream_s * p->cfg->radio.rate_hz),
        .lossless = waits(p->cfg)};
    if (p->cfg->radio.capture != RADIO_CONTINUOUS)
        return OK;
    p->stream = sample_stream_create(&sc, err);
    if (!p->stream)
        return err->code;
    radio_stream_to(p->radio, p->stream);
    return OK;
}

int daemon_recorder_make(struct daemon_parts *p, struct status *err)
{
    struct radio_identity id;
    if (radio_identify(p->radio, &id, err) || make_stream(p, err))
        return err->code;
    struct recorder_cfg rc = {.bs = p->cfg,
                              .schedule = &p->schedule,
                              .pipeline = p->pipeline,
                              .serial = id.serial,
                              .stream = p->stream,
                              .lossless = waits(p->cfg),
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
    if (!p->cfg->record.file[0])
        return OK;
    return recorder_start(p->recorder, p->cfg->record.file, RECORDER_CONFIGURED, err);
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
