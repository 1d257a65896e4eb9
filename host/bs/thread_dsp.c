/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * DSP thread: blocks in, reports out. The sensing block is worked on while the response is on its
 * way. */
#include "host/bs/daemon.h"
#include "host/clock.h"

struct adopted {
    uint64_t version[BS_RIS];
    struct pixel_map map; /* scratch */
};

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
    telemetry_queue_put(d->p.reports, item);
    note_stages(d, &item->report);
    recorder_report(d->p.recorder, &item->report);
    if (d->p.link)
        air_link_decide(d->p.link, &item->report, d->p.pipeline,
                        pipeline_answer_channel(d->p.pipeline));
}

/* A recorder keeps the block, and gives an empty one instead. */
static void give_back(struct daemon *d, struct block_pool *pool, struct block *block)
{
    block_pool_give(pool, recorder_swap(d->p.recorder, block));
}

/* What the calibration thread knew by this cycle becomes part of the model. */
static void adopt(struct daemon *d, const struct cycle_plan *plan, struct adopted *adopted)
{
    for (size_t i = 0; i < BS_RIS && d->p.calib; i++)
        if (calib_worker_adopt(d->p.calib, i, plan->index, &adopted->version[i], &adopted->map)) {
            recorder_pixels(d->p.recorder, i, &adopted->map);
            pipeline_pixels(d->p.pipeline, i, &adopted->map);
        }
}

/* The cycle's report is in the item still: it says where the answer began and where the user is. */
static void hand_on(struct daemon *d, const struct block *block, const struct telemetry_item *item)
{
    struct pixel_pilots pilots;
    if (pilot_extract_run(d->p.extract, block, &item->report, &pilots) == OK)
        calib_worker_put(d->p.calib, &pilots);
}

static void keep_channels(struct daemon *d)
{
    const struct tx_sounding *own = air_link_channels(d->p.link);
    if (own)
        site_calib_transmit(d->p.site, own->own, d->p.cfg->radio.n_tx, (double)own->match);
}

static void hear(struct daemon *d, const struct block *block, struct telemetry_item *item)
{
    item->kind = TELEMETRY_LINK;
    if (block->kind == BLOCK_UPLINK)
        air_link_hear(d->p.link, block, &item->link);
    else
        air_link_sounded(d->p.link, block, &item->link);
    if (block->kind == BLOCK_SOUNDING)
        keep_channels(d);
    telemetry_queue_put(d->p.reports, item);
}

void *daemon_dsp(void *daemon)
{
    struct daemon *d = daemon;
    struct telemetry_item item = {0}, link_item = {0};
    static struct adopted adopted; /* one DSP thread; large */
    struct block *block;
    pthread_setname_np(pthread_self(), "bs-dsp");
    while ((block = block_queue_pop(d->p.queue))) {
        int64_t index = block->plan.index;
        if (block->kind == BLOCK_SENSING) {
            recorder_begin(d->p.recorder, &block->plan);
            adopt(d, &block->plan, &adopted);
            pipeline_sensing(d->p.pipeline, block);
            deadlines_note(d->p.deadlines, DEADLINE_SENSING, block->received_ns, clock_ns());
            give_back(d, d->p.sensing_pool, block);
        } else if (block->kind == BLOCK_PILOTS) {
            hand_on(d, block, &item);
            give_back(d, d->p.pilot_pool, block);
        } else if (block->kind == BLOCK_UPLINK || block->kind == BLOCK_SOUNDING) {
            hear(d, block, &link_item);
            block_pool_give(block->kind == BLOCK_UPLINK ? d->p.uplink_pool : d->p.sounding_pool,
                            block);
        } else {
            finish(d, block, &item);
            give_back(d, d->p.response_pool, block);
            cycle_gate_done(d->p.gate, index);
        }
    }
    recorder_end(d->p.recorder);
    atomic_fetch_sub(&d->threads_left, 1);
    return NULL;
}
