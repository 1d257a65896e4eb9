/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Recorder: its own thread, which touches files. */
#include "base/log.h"
#include "host/recorder_priv.h"
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

enum { STREAM_SAMPS = 1 << 18, STREAM_LOOK_NS = 2000000 };

static enum recorder_state at_rest(const struct recorder *r)
{
    return r->ring_cycles > 0 ? RECORDER_ARMED : RECORDER_IDLE;
}

/* Under the lock. */
static void empty_queue(struct recorder *r)
{
    while (r->queue.head)
        recorder_recycle(r, slot_pop(&r->queue));
    r->need_state = true;
}

void recorder_come_to_rest(struct recorder *r)
{
    if (r->streaming)
        sample_stream_close(r->cfg.stream);
    r->status.state = at_rest(r);
    if (r->overrun || r->status.state == RECORDER_IDLE)
        empty_queue(r);
    r->snapshot = r->failed = r->overrun = r->streaming = false;
    r->mark[0] = '\0';
    pthread_cond_broadcast(&r->room);
}

static void fail(struct recorder *r, const struct status *err)
{
    r->failed = true;
    r->status.alarm = err->code == ERR_NO_SPACE ? RECORDER_FULL : RECORDER_FAILED;
    snprintf(r->status.why, sizeof r->status.why, "%.150s", err->text);
    r->status.state = RECORDER_CLOSING;
    log_error("recording stopped: %s", err->text);
}

static void __attribute__((format(printf, 2, 3)))
tell(const struct recorder *r, const char *format, ...)
{
    char line[RECORDING_PATH + RECORDING_TEXT + 80];
    va_list args;
    if (!r->cfg.tell)
        return;
    va_start(args, format);
    vsnprintf(line, sizeof line, format, args);
    va_end(args);
    r->cfg.tell(r->cfg.tell_context, line);
}

static void open_files(struct recorder *r, struct status *err)
{
    r->writer = recording_writer_create(r->status.prefix, r->head, r->cfg.bs, err);
    if (r->writer && r->streaming && recording_writer_add_stream(r->writer, r->head, err))
        recording_writer_abandon(&r->writer);
}

/* Called and left with the lock held; released while files are touched and memory is made. */
static void begin_recording(struct recorder *r)
{
    struct status err = {0};
    r->head->tick0 = r->clock_tick;
    r->head->unix0_s = r->clock_s;
    pthread_mutex_unlock(&r->lock);
    int rc = recorder_memory(r, &err);
    if (rc == OK)
        open_files(r, &err);
    pthread_mutex_lock(&r->lock);
    if (rc == OK)
        recorder_use_memory(r);
    if (r->writer) {
        r->status.state = RECORDER_RECORDING;
        if (r->overrun)
            recorder_close_with(r, RECORDER_SLOW, RECORDER_TOO_SLOW);
        log_info("recording to %s", r->status.prefix);
        tell(r, "recording begins: %s", r->status.prefix);
    } else {
        fail(r, &err);
        recorder_come_to_rest(r);
    }
    pthread_cond_broadcast(&r->room);
}

static void write_one(struct recorder *r)
{
    struct status err = {0};
    struct slot *slot = slot_pop(&r->queue);
    bool skip = r->failed;
    pthread_mutex_unlock(&r->lock);
    int rc = skip ? OK : recording_writer_append(r->writer, &slot->cycle, &err);
    pthread_mutex_lock(&r->lock);
    r->status.cycles = recording_writer_cycles(r->writer);
    r->status.bytes = recording_writer_bytes(r->writer);
    recorder_recycle(r, slot);
    if (rc)
        fail(r, &err);
    if (r->snapshot && r->snapshot_left > 0 && --r->snapshot_left == 0)
        recorder_close_with(r, RECORDER_WELL, "kept from the ring");
}

/* Samples of the stream, or the sight that none wait. Returns false then. */
static bool write_stream(struct recorder *r)
{
    struct status err = {0};
    struct sample_run run;
    if (!r->streaming || !r->writer || !sample_stream_peek(r->cfg.stream, STREAM_SAMPS, &run))
        return false;
    const bool skip = r->failed;
    pthread_mutex_unlock(&r->lock);
    int rc = skip ? OK : recording_writer_stream(r->writer, run.tick, run.samp, run.n, &err);
    sample_stream_done(r->cfg.stream, run.n);
    pthread_mutex_lock(&r->lock);
    r->status.bytes = recording_writer_bytes(r->writer);
    r->status.stream_samples = recording_writer_stream_samples(r->writer);
    if (rc)
        fail(r, &err);
    return true;
}

/* The stream ends with the recording's last cycle, and one that was not kept up with ends it. */
static void look_after_stream(struct recorder *r)
{
    if (!r->streaming)
        return;
    if (r->status.state == RECORDER_RECORDING && sample_stream_overrun(r->cfg.stream))
        recorder_close_with(r, RECORDER_SLOW, RECORDER_TOO_SLOW);
    if (r->status.state == RECORDER_CLOSING && !r->open)
        sample_stream_close(r->cfg.stream);
}

/* The RX thread does not signal: it never takes the lock. */
static void wait_for_news(struct recorder *r)
{
    struct timespec until;
    if (!r->streaming || !r->writer) {
        pthread_cond_wait(&r->news, &r->lock);
        return;
    }
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_nsec += STREAM_LOOK_NS;
    until.tv_sec += until.tv_nsec / 1000000000;
    until.tv_nsec %= 1000000000;
    pthread_cond_timedwait(&r->news, &r->lock, &until);
}

static void end_recording(struct recorder *r)
{
    struct status err = {0};
    char why[RECORDING_TEXT];
    memcpy(why, r->status.why, sizeof why);
    const bool slow = r->status.alarm == RECORDER_SLOW;
    pthread_mutex_unlock(&r->lock);
    if (slow)
        log_error("recording stopped: %s; raise record.queue_cycles, or record to another disk",
                  why);
    int rc = recording_writer_finish(&r->writer, why, &err);
    pthread_mutex_lock(&r->lock);
    if (rc)
        fail(r, &err);
    log_info("recorded %llu cycles, %llu bytes: %s", (unsigned long long)r->status.cycles,
             (unsigned long long)r->status.bytes, r->status.why);
    tell(r, "recording ends: %s, %llu cycles: %s", r->status.prefix,
         (unsigned long long)r->status.cycles, r->status.why);
    empty_queue(r);
    recorder_come_to_rest(r);
}

static bool to_write(const struct recorder *r)
{
    return r->writer && r->queue.head &&
           (r->status.state == RECORDER_RECORDING || r->status.state == RECORDER_CLOSING);
}

void recorder_run(struct recorder *r)
{
    pthread_mutex_lock(&r->lock);
    for (;;) {
        look_after_stream(r);
        const bool streamed = write_stream(r);
        if (r->status.state == RECORDER_STARTING && !r->opening)
            begin_recording(r);
        else if (to_write(r))
            write_one(r);
        else if (streamed)
            continue;
        else if (r->status.state == RECORDER_CLOSING && !r->open)
            end_recording(r);
        else if (r->stopping && (!r->writer || (r->status.state == RECORDER_RECORDING && !r->open)))
            break;
        else
            wait_for_news(r);
    }
    pthread_mutex_unlock(&r->lock);
}
