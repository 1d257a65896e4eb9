/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "host/recorder.h"
#include "base/log.h"
#include "host/clock.h"
#include "host/recorder_priv.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { STATES_SPARE = 3 };

const char *recorder_state_name(enum recorder_state s)
{
    static const char *const names[RECORDER_STATES] = {"idle", "armed", "starting", "recording",
                                                       "closing"};
    return s < RECORDER_STATES ? names[s] : "unknown";
}

const char *recorder_alarm_name(enum recorder_alarm a)
{
    static const char *const names[RECORDER_ALARMS] = {"", "disk_full", "disk_slow", "failed"};
    return a < RECORDER_ALARMS ? names[a] : "unknown";
}

/* --- setup ----------------------------------------------------------------------------------- */

static void fill_head(struct recorder *r)
{
    const struct bs_cfg *c = r->cfg.bs;
    struct recording_head *h = r->head;
    *h = (struct recording_head){
        .first_tick = r->cfg.schedule->first,
        .rate_hz = (double)r->cfg.schedule->rate,
        .carrier_hz = c->radio.carrier_hz,
        .tx_gain_db = c->radio.tx_gain_db,
        .rx_gain_db = c->radio.rx_gain_db,
        .n_rx = c->radio.n_rx,
    };
    snprintf(h->version, sizeof h->version, "%s", MIRADOR_VERSION);
    snprintf(h->serial, sizeof h->serial, "%s", r->cfg.serial ? r->cfg.serial : "");
    for (size_t i = 0; i < BS_RIS; i++)
        h->profiles[i] = *r->cfg.profiles[i];
}

struct recorder *recorder_create(const struct recorder_cfg *cfg, struct status *err)
{
    struct recorder *r = calloc(1, sizeof *r);
    struct recording_head *head = calloc(1, sizeof *head);
    if (!r || !head) {
        free(r);
        free(head);
        status_set(err, ERR_NO_MEMORY, "recorder: out of memory");
        return NULL;
    }
    r->cfg = *cfg;
    r->head = head;
    r->period_s = (double)cfg->schedule->period / (double)cfg->schedule->rate;
    r->ring_cycles = (size_t)ceil(cfg->bs->record.pretrigger_s / r->period_s);
    r->checkpoint_cycles = (size_t)fmax(1, cfg->bs->record.checkpoint_s / r->period_s);
    r->n_slot = (size_t)cfg->bs->record.queue_cycles + r->ring_cycles +
                (r->ring_cycles ? r->checkpoint_cycles : 0);
    r->n_state = STATES_SPARE + r->ring_cycles / r->checkpoint_cycles +
                 (size_t)cfg->bs->record.queue_cycles / r->checkpoint_cycles;
    r->state_size = pipeline_state_max(cfg->pipeline);
    r->need_state = true;
    r->clock_tick = cfg->schedule->first;
    r->clock_s = clock_unix_s();
    fill_head(r);
    pthread_mutex_init(&r->lock, NULL);
    pthread_cond_init(&r->news, NULL);
    pthread_cond_init(&r->room, NULL);
    if (r->ring_cycles > 0) {
        if (recorder_memory(r, err)) {
            recorder_destroy(&r);
        } else {
            recorder_use_memory(r);
            r->status.state = RECORDER_ARMED;
        }
    }
    return r;
}

void recorder_destroy(struct recorder **recorder)
{
    struct recorder *r = *recorder;
    struct status err;
    if (!r)
        return;
    if (recording_writer_finish(&r->writer, "ended", &err))
        log_warn("%s", err.text);
    recorder_memory_free(r);
    pthread_cond_destroy(&r->room);
    pthread_cond_destroy(&r->news);
    pthread_mutex_destroy(&r->lock);
    free(r->head);
    free(r);
    *recorder = NULL;
}

void recorder_close_with(struct recorder *r, enum recorder_alarm alarm, const char *why)
{
    r->status.state = RECORDER_CLOSING;
    if (r->status.alarm == RECORDER_WELL)
        snprintf(r->status.why, sizeof r->status.why, "%s", why);
    if (alarm != RECORDER_WELL)
        r->status.alarm = alarm;
    pthread_cond_signal(&r->news);
}

/* --- any thread ------------------------------------------------------------------------------- */

void recorder_stop_thread(struct recorder *r)
{
    pthread_mutex_lock(&r->lock);
    r->stopping = true;
    if (r->status.state == RECORDER_RECORDING)
        recorder_close_with(r, RECORDER_WELL, "the base station ended");
    pthread_cond_signal(&r->news);
    pthread_mutex_unlock(&r->lock);
}

static int start(struct recorder *r, const char *name, enum recorder_extent extent,
                 struct status *err)
{
    char prefix[RECORDING_PATH];
    if (extent == RECORDER_CONFIGURED && r->cfg.bs->record.stream)
        extent = RECORDER_STREAM;
    if (extent == RECORDER_STREAM && !r->cfg.stream)
        return status_set(err, ERR_STATE,
                          "there is no endless stream to record: radio.capture is gated, not "
                          "continuous");
    if (r->status.state != RECORDER_IDLE && r->status.state != RECORDER_ARMED)
        return status_set(err, ERR_BUSY, "a recording is %s: %.120s",
                          recorder_state_name(r->status.state), r->status.prefix);
    if (recording_prefix(name, prefix, err))
        return err->code;
    memcpy(r->status.prefix, prefix, sizeof prefix);
    r->status.alarm = RECORDER_WELL;
    r->status.why[0] = r->mark[0] = '\0';
    r->status.cycles = r->status.bytes = r->status.queued_max = 0;
    r->status.stream_samples = 0;
    r->streaming = r->opening = extent == RECORDER_STREAM;
    r->status.state = RECORDER_STARTING;
    pthread_cond_signal(&r->news);
    return OK;
}

/* Before the start is acknowledged: samples come from here on, and wait for their files. */
static int open_stream(struct recorder *r, struct status *err)
{
    int rc = sample_stream_open(r->cfg.stream, err);
    pthread_mutex_lock(&r->lock);
    r->opening = false;
    if (rc)
        recorder_come_to_rest(r);
    pthread_cond_signal(&r->news);
    pthread_mutex_unlock(&r->lock);
    return rc;
}

int recorder_start(struct recorder *r, const char *name, enum recorder_extent extent,
                   struct status *err)
{
    pthread_mutex_lock(&r->lock);
    int rc = start(r, name, extent, err);
    const bool opening = rc == OK && r->opening;
    pthread_mutex_unlock(&r->lock);
    return opening ? open_stream(r, err) : rc;
}

int recorder_stop(struct recorder *r, struct status *err)
{
    int rc = OK;
    pthread_mutex_lock(&r->lock);
    if (r->status.state == RECORDER_RECORDING)
        recorder_close_with(r, RECORDER_WELL, "stopped");
    else
        rc = status_set(err, ERR_STATE, "no recording is running");
    pthread_mutex_unlock(&r->lock);
    return rc;
}

static int keep_ring(struct recorder *r, const char *text, const char *name, struct status *err)
{
    if (r->status.state != RECORDER_ARMED || !r->queue.head)
        return status_set(err, ERR_STATE,
                          "nothing is being recorded, and no ring holds the last seconds "
                          "(record.pretrigger_s): 'mirador record start' first");
    if (start(r, name, RECORDER_WINDOWS, err))
        return err->code;
    snprintf(r->queue.tail->cycle.mark, RECORDING_TEXT, "%s", text);
    r->snapshot = true;
    r->snapshot_left = r->queue.n;
    return OK;
}

int recorder_mark(struct recorder *r, const char *text, const char *name, struct status *err)
{
    int rc = OK;
    if (strlen(text) >= RECORDING_TEXT)
        return status_set(err, ERR_ARG, "the mark is longer than %d bytes", RECORDING_TEXT - 1);
    pthread_mutex_lock(&r->lock);
    if (r->status.state == RECORDER_RECORDING && !r->snapshot)
        snprintf(r->mark, sizeof r->mark, "%s", text[0] ? text : "mark");
    else
        rc = keep_ring(r, text[0] ? text : "mark", name, err);
    pthread_mutex_unlock(&r->lock);
    return rc;
}

/* Cycles may be several periods apart. */
static double ring_length_s(const struct recorder *r)
{
    if (r->queue.n == 0)
        return 0;
    const int64_t first = r->queue.head->cycle.plan.index, last = r->queue.tail->cycle.plan.index;
    return (double)(last - first + 1) * r->period_s;
}

void recorder_status(struct recorder *r, struct recorder_status *out)
{
    pthread_mutex_lock(&r->lock);
    *out = r->status;
    out->queued = r->queue.n;
    out->ring_s = r->status.state == RECORDER_ARMED ? ring_length_s(r) : 0;
    pthread_mutex_unlock(&r->lock);
}
