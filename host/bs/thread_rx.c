/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * RX thread: per cycle two timed captures, the sensing burst and the response window, each into a
 * block that goes on to the DSP thread. */
#include "base/log.h"
#include "base/options.h"
#include "host/bs/daemon.h"
#include "host/clock.h"

#define LEAD_S     0.060 /* ungated: RIS acknowledgements and the device's queues want so much */
#define PATIENCE_S 0.100 /* past the end of a block, before it counts as missing */
enum {
    DEAD_BLOCKS = 10,
    DEAD_CALLS = 3
}; /* cycles in a row without samples, and of UHD's refusal */

static int64_t choose_cycle(struct daemon *d, int64_t last)
{
    int64_t now;
    if (d->p.cfg->run.gated || radio_now(d->p.radio, &now))
        return last + 1;
    int64_t earliest = now + (int64_t)(LEAD_S * (double)d->p.schedule.rate);
    int64_t index = schedule_next(&d->p.schedule, last + 1, earliest);
    if (last >= 0)
        atomic_fetch_add(&d->cycles_skipped, (uint64_t)(index - last - 1));
    return index;
}

static int request(struct daemon *d, int64_t index, enum schedule_window window)
{
    const struct schedule_span *w = &d->p.schedule.window[window];
    return radio_rx_request(d->p.radio, schedule_start(&d->p.schedule, index) + w->begin,
                            (size_t)w->n);
}

static int record(struct daemon *d, const struct cycle_plan *plan, enum schedule_window window,
                  struct block *block)
{
    const struct schedule_span *w = &d->p.schedule.window[window];
    int rc = radio_rx_read(d->p.radio, schedule_start(&d->p.schedule, plan->index) + w->begin,
                           (size_t)w->n, block->samp, PATIENCE_S, &block->info);
    block->received_ns = clock_ns();
    block->plan = *plan;
    block->kind = window == WINDOW_SENSING ? BLOCK_SENSING : BLOCK_RESPONSE;
    block_queue_push(d->p.queue, block);
    return rc;
}

/* One cycle. Returns OK, ERR_INTERRUPTED, or what the radio said. */
static int run_cycle(struct daemon *d, int64_t index)
{
    struct cycle_plan plan;
    struct block *sensing = block_pool_take(d->p.sensing_pool, true);
    struct block *response = block_pool_take(d->p.response_pool, true);
    if (!sensing || !response)
        return ERR_INTERRUPTED;
    if (request(d, index, WINDOW_SENSING) || request(d, index, WINDOW_RESPONSE))
        return ERR_RADIO;
    cycle_gate_request(d->p.gate, index);
    if (!cycle_gate_wait_plan(d->p.gate, &plan))
        return ERR_INTERRUPTED;
    int first = record(d, &plan, WINDOW_SENSING, sensing);
    int second = record(d, &plan, WINDOW_RESPONSE, response);
    return first ? first : second;
}

static void serve(struct daemon *d)
{
    const int stop_after = d->p.cfg->run.stop_after;
    int64_t index = -1;
    int dead = 0, refused = 0;
    for (int n = 0; !atomic_load(&d->stop) && (stop_after == 0 || n < stop_after); n++) {
        atomic_fetch_add(&d->heartbeat, 1);
        index = choose_cycle(d, index);
        int rc = run_cycle(d, index);
        if (rc == ERR_INTERRUPTED)
            return;
        dead = rc ? dead + 1 : 0;
        refused = rc == ERR_RADIO ? refused + 1 : 0;
        if (dead == DEAD_BLOCKS || refused == DEAD_CALLS) {
            log_error("no samples from the radio in %d cycles: is it (or the room) still there?",
                      dead);
            atomic_store(&d->failed, true);
            return;
        }
        if (d->p.cfg->run.gated && !cycle_gate_wait_done(d->p.gate, index))
            return;
    }
}

void *daemon_rx(void *daemon)
{
    struct daemon *d = daemon;
    pthread_setname_np(pthread_self(), "bs-rx");
    serve(d);
    stop_request();
    atomic_fetch_sub(&d->threads_left, 1);
    return NULL;
}
