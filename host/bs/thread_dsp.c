/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * DSP thread: blocks in, reports out. The sensing block is worked on while the response is on its
 * way. */
#include "host/bs/daemon.h"
#include "host/clock.h"

static void note_stages(struct daemon *d, const struct cycle_report *r)
{
    const double us = 1e3;
    if (r->outcome != FIX_DONE)
        return;
    int64_t end = r->received_ns + (int64_t)(r->stages.total_us * us);
    int64_t fix = end - (int64_t)(r->stages.fix_us * us);
    int64_t response = fix - (int64_t)(r->stages.response_us * us);
    deadlines_note(d->p.deadlines, DEADLINE_RESPONSE, response, fix);
    deadlines_note(d->p.deadlines, DEADLINE_FIX, fix, end);
    deadlines_note(d->p.deadlines, DEADLINE_TOTAL, r->received_ns, end);
}

static void finish(struct daemon *d, const struct block *block, struct telemetry_item *item)
{
    item->kind = TELEMETRY_CYCLE;
    pipeline_response(d->p.pipeline, block, &item->report);
    note_stages(d, &item->report);
    telemetry_queue_put(d->p.reports, item);
}

void *daemon_dsp(void *daemon)
{
    struct daemon *d = daemon;
    struct telemetry_item item = {0};
    struct block *block;
    pthread_setname_np(pthread_self(), "bs-dsp");
    while ((block = block_queue_pop(d->p.queue))) {
        int64_t index = block->plan.index;
        if (block->kind == BLOCK_SENSING) {
            pipeline_sensing(d->p.pipeline, block);
            deadlines_note(d->p.deadlines, DEADLINE_SENSING, block->received_ns, clock_ns());
            block_pool_give(d->p.sensing_pool, block);
        } else {
            finish(d, block, &item);
            block_pool_give(d->p.response_pool, block);
            cycle_gate_done(d->p.gate, index);
        }
    }
    atomic_fetch_sub(&d->threads_left, 1);
    return NULL;
}
