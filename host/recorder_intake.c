/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Recorder: what the DSP thread does with it. */
#include "host/clock.h"
#include "host/recorder_priv.h"
#include <assert.h>
#include <string.h>

/* Under the lock, up to open_slot. */

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
        recorder_close_with(r, RECORDER_SLOW, RECORDER_TOO_SLOW);
    if (r->status.state == RECORDER_STARTING) /* it ends with what is whole */
        r->overrun = true;
}

/* Of a recording with the stream, which without a ring has no window from before it. */
static bool precedes_stream(const struct recorder *r, int64_t index)
{
    const struct schedule *s = r->cfg.schedule;
    return r->streaming && r->ring_cycles == 0 &&
           !sample_stream_since(r->cfg.stream,
                                schedule_start(s, index) + s->window[WINDOW_SENSING].begin);
}

static struct slot *open_slot(struct recorder *r, int64_t index)
{
    while (r->cfg.lossless && r->status.state == RECORDER_STARTING)
        pthread_cond_wait(&r->room, &r->lock);
    while (r->cfg.lossless && taking(r) && !r->free.head)
        pthread_cond_wait(&r->room, &r->lock);
    if (!taking(r) || precedes_stream(r, index))
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
    r->clock_s = clock_unix_s();
    close_open(r);
    struct slot *slot = open_slot(r, plan->index);
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
        recorder_close_with(r, RECORDER_WELL, "the base station ended");
    r->ended = true;
    pthread_cond_signal(&r->news);
    pthread_mutex_unlock(&r->lock);
}
