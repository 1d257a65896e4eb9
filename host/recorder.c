/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "host/recorder.h"
#include "base/log.h"
#include "host/clock.h"
#include "host/recorder_priv.h"
#include <assert.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { STATES_SPARE = 3 };
#define TOO_SLOW "the disk is slower than the samples come"

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

/* Under the lock, once threads run. */
static void use_memory(struct recorder *r)
{
    r->have_memory = true;
    r->status.memory_bytes = r->memory_bytes;
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
    r->clock_s = 1e-9 * (double)clock_unix_ns();
    fill_head(r);
    pthread_mutex_init(&r->lock, NULL);
    pthread_cond_init(&r->news, NULL);
    pthread_cond_init(&r->room, NULL);
    if (r->ring_cycles > 0) {
        if (recorder_memory(r, err)) {
            recorder_destroy(&r);
        } else {
            use_memory(r);
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

/* --- DSP thread: under the lock -----------------------------------------------------------------
 */

/* Ends the recording with what is in the queue. */
static void close_with(struct recorder *r, enum recorder_alarm alarm, const char *why)
{
    r->status.state = RECORDER_CLOSING;
    if (r->status.alarm == RECORDER_WELL)
        snprintf(r->status.why, sizeof r->status.why, "%s", why);
    if (alarm != RECORDER_WELL)
        r->status.alarm = alarm;
    pthread_cond_signal(&r->news);
}

/* Of a ring, so that it begins with a checkpoint. */
static void evict(struct recorder *r)
{
    if (r->queue.n <= r->ring_cycles + r->checkpoint_cycles)
        return;
    do
        recorder_recycle(r, slot_pop(&r->queue));
    while (r->queue.head && !r->queue.head->state);
}

static void close_open(struct recorder *r)
{
    struct slot *slot = r->open;
    r->open = NULL;
    if (!slot)
        return;
    if (!slot->reported) { /* the answer never came: the daemon ends */
        recorder_recycle(r, slot);
        return;
    }
    memcpy(slot->cycle.mark, r->mark, sizeof r->mark);
    r->mark[0] = '\0';
    slot_push(&r->queue, slot);
    if (r->status.state == RECORDER_ARMED)
        evict(r);
    if (r->queue.n > r->status.queued_max)
        r->status.queued_max = r->queue.n;
}

/* While a recording starts, cycles go on into the queue: between the ring and what follows there
 * is no gap. What a snapshot keeps ends when its writing begins. */
static bool taking(const struct recorder *r)
{
    if (r->ended || !r->have_memory || r->overrun)
        return false;
    switch (r->status.state) {
    case RECORDER_ARMED:
    case RECORDER_STARTING:
        return true;
    case RECORDER_RECORDING:
        return !r->snapshot;
    default:
        return false;
    }
}

static void too_slow(struct recorder *r)
{
    if (r->open)
        recorder_recycle(r, r->open);
    r->open = NULL;
    r->need_state = true;
    if (r->status.state == RECORDER_RECORDING)
        close_with(r, RECORDER_SLOW, TOO_SLOW);
    if (r->status.state == RECORDER_STARTING) /* it ends with what is whole */
        r->overrun = true;
}

static struct slot *open_slot(struct recorder *r)
{
    while (r->cfg.lossless && r->status.state == RECORDER_STARTING)
        pthread_cond_wait(&r->room, &r->lock);
    while (r->cfg.lossless && taking(r) && !r->free.head)
        pthread_cond_wait(&r->room, &r->lock);
    if (!taking(r))
        return NULL;
    struct slot *slot = slot_pop(&r->free);
    if (!slot) {
        too_slow(r);
        return NULL;
    }
    memset(&slot->cycle, 0, offsetof(struct recording_cycle, report));
    slot->reported = false;
    slot->cycle.input.capture = -1;
    bool due = r->need_state || ++r->since_state >= r->checkpoint_cycles;
    if (due && r->n_state_free > 0) {
        slot->state = r->state[--r->n_state_free];
        r->since_state = 0;
        r->need_state = false;
    }
    return slot;
}

void recorder_begin(struct recorder *r, const struct cycle_plan *plan)
{
    const struct schedule *s = r->cfg.schedule;
    pthread_mutex_lock(&r->lock);
    r->clock_tick = schedule_start(s, plan->index) + s->window[WINDOW_SENSING].n;
    r->clock_s = 1e-9 * (double)clock_unix_ns();
    close_open(r);
    struct slot *slot = open_slot(r);
    r->open = slot;
    pthread_cond_signal(&r->news);
    pthread_mutex_unlock(&r->lock);
    if (!slot)
        return;
    slot->cycle.plan = *plan;
    if (slot->state) {
        long n = pipeline_state_save(r->cfg.pipeline, slot->state, r->state_size);
        assert(n > 0);
        slot->cycle.state = (struct recording_chunk){.n = (size_t)n, .bytes = slot->state};
    }
}

void recorder_pixels(struct recorder *r, size_t ris, const struct pixel_map *map)
{
    struct slot *slot = r->open;
    if (!slot)
        return;
    pipeline_pixel_factors(map, slot->factor[ris]);
    slot->cycle.pixels[ris] =
        (struct recording_chunk){.n = map->n_element * sizeof(cplxf), .bytes = slot->factor[ris]};
}

static void note_window(struct slot *slot, struct block *block)
{
    struct recording_window *w = &slot->cycle.window[block->kind];
    *w = (struct recording_window){.there = true,
                                   .info = block->info,
                                   .plan_faults = block->plan.faults,
                                   .n_samp = block->n_samp};
    for (size_t a = 0; a < block->n_ant; a++)
        w->samp[a] = block->samp[a];
    slot->block[block->kind] = block;
}

struct block *recorder_swap(struct recorder *r, struct block *block)
{
    const enum block_kind kind = block->kind;
    struct block *back = block;
    if (!r->open) /* it changes in this thread alone */
        return block;
    if (kind == BLOCK_SENSING) /* what the pipeline took from others at its start */
        pipeline_input_taken(r->cfg.pipeline, &r->open->cycle.input);
    pthread_mutex_lock(&r->lock);
    while (r->cfg.lossless && r->n_spare[kind] == 0)
        pthread_cond_wait(&r->room, &r->lock);
    if (r->n_spare[kind] == 0) {
        too_slow(r);
    } else {
        back = r->spare[kind][--r->n_spare[kind]];
        note_window(r->open, block);
    }
    pthread_mutex_unlock(&r->lock);
    return back;
}

void recorder_report(struct recorder *r, const struct cycle_report *report)
{
    if (!r->open)
        return;
    r->open->cycle.report = *report;
    r->open->reported = true;
}

void recorder_end(struct recorder *r)
{
    pthread_mutex_lock(&r->lock);
    close_open(r);
    if (r->status.state == RECORDER_RECORDING)
        close_with(r, RECORDER_WELL, "the base station ended");
    r->ended = true;
    pthread_cond_signal(&r->news);
    pthread_mutex_unlock(&r->lock);
}

/* --- its own thread ----------------------------------------------------------------------------
 */

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

/* Under the lock. What the queue still has is the ring's. */
static void come_to_rest(struct recorder *r)
{
    r->status.state = at_rest(r);
    if (r->overrun || r->status.state == RECORDER_IDLE)
        empty_queue(r);
    r->snapshot = r->failed = r->overrun = false;
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

/* Called and left with the lock held; released while files are touched and memory is made. */
static void begin_recording(struct recorder *r)
{
    struct status err = {0};
    r->head->tick0 = r->clock_tick;
    r->head->unix0_s = r->clock_s;
    pthread_mutex_unlock(&r->lock);
    int rc = recorder_memory(r, &err);
    if (rc == OK)
        r->writer = recording_writer_create(r->status.prefix, r->head, r->cfg.bs, &err);
    pthread_mutex_lock(&r->lock);
    if (rc == OK)
        use_memory(r);
    if (r->writer) {
        r->status.state = RECORDER_RECORDING;
        if (r->overrun)
            close_with(r, RECORDER_SLOW, TOO_SLOW);
        log_info("recording to %s", r->status.prefix);
        tell(r, "recording begins: %s", r->status.prefix);
    } else {
        fail(r, &err);
        come_to_rest(r);
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
        close_with(r, RECORDER_WELL, "kept from the ring");
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
    come_to_rest(r);
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
        if (r->status.state == RECORDER_STARTING)
            begin_recording(r);
        else if (to_write(r))
            write_one(r);
        else if (r->status.state == RECORDER_CLOSING && !r->open)
            end_recording(r);
        else if (r->stopping && (!r->writer || (r->status.state == RECORDER_RECORDING && !r->open)))
            break;
        else
            pthread_cond_wait(&r->news, &r->lock);
    }
    pthread_mutex_unlock(&r->lock);
}

void recorder_stop_thread(struct recorder *r)
{
    pthread_mutex_lock(&r->lock);
    r->stopping = true;
    if (r->status.state == RECORDER_RECORDING)
        close_with(r, RECORDER_WELL, "the base station ended");
    pthread_cond_signal(&r->news);
    pthread_mutex_unlock(&r->lock);
}

/* --- any thread --------------------------------------------------------------------------------
 */

static int start(struct recorder *r, const char *name, struct status *err)
{
    char prefix[RECORDING_PATH];
    if (r->status.state != RECORDER_IDLE && r->status.state != RECORDER_ARMED)
        return status_set(err, ERR_BUSY, "a recording is %s: %.120s",
                          recorder_state_name(r->status.state), r->status.prefix);
    if (recording_prefix(name, prefix, err))
        return err->code;
    memcpy(r->status.prefix, prefix, sizeof prefix);
    r->status.alarm = RECORDER_WELL;
    r->status.why[0] = r->mark[0] = '\0';
    r->status.cycles = r->status.bytes = r->status.queued_max = 0;
    r->status.state = RECORDER_STARTING;
    pthread_cond_signal(&r->news);
    return OK;
}

int recorder_start(struct recorder *r, const char *name, struct status *err)
{
    pthread_mutex_lock(&r->lock);
    int rc = start(r, name, err);
    pthread_mutex_unlock(&r->lock);
    return rc;
}

int recorder_stop(struct recorder *r, struct status *err)
{
    int rc = OK;
    pthread_mutex_lock(&r->lock);
    if (r->status.state == RECORDER_RECORDING)
        close_with(r, RECORDER_WELL, "stopped");
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
    if (start(r, name, err))
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
