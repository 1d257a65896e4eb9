/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * RX thread: per cycle two captures, the sensing burst and the response window, and in some more,
 * the train of pilots and the uplink, each into a block that goes on to the DSP thread. It also
 * looks after the radio between two cycles, while nobody else uses it: what touches a cycle goes
 * into its plan, and a radio that is gone is opened again while the cycles go on without it. */
#include "base/log.h"
#include "base/options.h"
#include "host/bs/daemon.h"
#include "host/clock.h"
#include <math.h>

#define LEAD_S       0.005 /* the device's queues want so much beyond the acknowledgements */
#define LEAD_GATED_S 0.001 /* the room's clock waits for us */
#define PATIENCE_S   0.100 /* past the end of a block, before it counts as missing */
#define REOPEN_S     0.1   /* longest pause between two attempts to open the radio */
#define SAY_AGAIN_S  30.0
#define REST_LOOK_NS INT64_C(500000000) /* between two looks at the surfaces in a pause */
enum { WAIT_MS = 1000 };                /* between two looks at whether we are to end */
enum { DEAD_CYCLES = 10 };              /* in a row without samples: the device is opened anew */

struct ear {
    struct daemon *d;
    int64_t index;   /* of the last cycle, -1 before the first */
    int dead;        /* cycles without samples in a row */
    double pause_s;  /* until the next attempt to open the radio */
    bool rested;     /* the cycles before the next one were not missed */
    int64_t looks;   /* at what the surfaces show, asked for while cycles rest */
    int64_t said_ns; /* when the log was last told that it is away; 0: it is not */
};

static int64_t begin_of(const struct daemon *d, int64_t index, enum schedule_window window)
{
    return schedule_start(&d->p.schedule, index) + d->p.schedule.window[window].begin;
}

/* From the boards' acknowledgements to the burst: surfaces that took another profile come to rest.
 */
static double lead_s(const struct daemon *d)
{
    const struct schedule *s = &d->p.schedule;
    return fmax(LEAD_S, (double)s->guard.follow / (double)s->rate);
}

/* What the boards must have to acknowledge before a cycle is worth beginning: what they are
 * promised, or half of what short cycles leave between a capture and the next burst. */
static double arming_s(const struct daemon *d)
{
    const struct schedule_span *w = d->p.schedule.window;
    const struct schedule_span *last = &w[w[WINDOW_UPLINK].n > 0   ? WINDOW_UPLINK
                                          : w[WINDOW_PILOTS].n > 0 ? WINDOW_PILOTS
                                                                   : WINDOW_RESPONSE];
    const int64_t left = d->p.schedule.period + w[WINDOW_SENSING].begin - last->begin - last->n;
    const double left_s = (double)left / (double)d->p.schedule.rate - lead_s(d);
    return fmin(1e-3 * d->p.cfg->ris.ack_ms, fmax(0, left_s / 2));
}

unsigned daemon_every(const struct daemon *d)
{
    const unsigned every = atomic_load(&d->every);
    return every ? every : 1;
}

/* The next cycle that can be prepared in time, and when its burst must be with the radio. Without
 * a radio: the one that has begun by our own clock, and ERR_TIMEOUT if that has been taken already.
 * Cycles must not run ahead of time then: the next one with a radio would have to wait for it. */
static int choose_cycle(struct ear *e, struct cycle_request *out)
{
    struct daemon *d = e->d;
    const struct schedule *s = &d->p.schedule;
    const double rate = (double)s->rate;
    const int64_t clock = clock_ns(), next = e->index < 0 ? 0 : e->index + daemon_every(d);
    int64_t now;
    const bool down = radio_now(d->p.radio, &now) != OK;
    if (down && begin_of(d, next, WINDOW_SENSING) > now)
        return ERR_TIMEOUT;
    const double before_s = d->p.cfg->run.gated ? LEAD_GATED_S : lead_s(d) + arming_s(d);
    const int64_t earliest = down ? now - s->period : now + (int64_t)(before_s * rate);
    out->index = schedule_next(s, next, earliest);
    const double left_s = (double)(begin_of(d, out->index, WINDOW_SENSING) - now) / rate;
    out->by_ns = clock + (int64_t)((left_s - lead_s(d)) * 1e9);
    if (e->index >= 0 && !e->rested)
        atomic_fetch_add(&d->cycles_skipped, (uint64_t)(out->index - next));
    e->index = out->index;
    return OK;
}

static int request(struct daemon *d, int64_t index, enum schedule_window window)
{
    return radio_rx_request(d->p.radio, begin_of(d, index, window),
                            (size_t)d->p.schedule.window[window].n);
}

/* An endless stream goes on while the boards are being armed. In a gated room it does not. */
static bool wait_for_plan(struct daemon *d, int64_t index, struct cycle_plan *plan)
{
    int got = 0;
    if (d->p.cfg->radio.capture == RADIO_GATED || d->p.cfg->run.gated)
        return cycle_gate_wait_plan(d->p.gate, plan);
    while ((got = cycle_gate_look_plan(d->p.gate, plan, 1)) == 0)
        radio_rx_drain(d->p.radio, begin_of(d, index, WINDOW_SENSING));
    return got > 0;
}

/* n samples from the window's begin on, already asked for. */
static int record_as(struct daemon *d, struct cycle_plan *plan, enum block_kind kind,
                     enum schedule_window window, size_t n, struct block *block)
{
    int rc = ERR_RADIO;
    block->info = (struct radio_block){.faults = FAULT_RADIO_DOWN};
    if (!(plan->faults & FAULT_RADIO_DOWN))
        rc = radio_rx_read(d->p.radio, begin_of(d, plan->index, window), n, block->samp, PATIENCE_S,
                           &block->info);
    block->received_ns = clock_ns();
    if (kind == BLOCK_SENSING && rc != ERR_RADIO) /* before anyone works on its echoes */
        plan->faults |= radio_tx_settle(d->p.radio);
    block->plan = *plan;
    block->kind = kind;
    block_queue_push(d->p.queue, block);
    return rc;
}

static int record(struct daemon *d, struct cycle_plan *plan, enum block_kind kind,
                  enum schedule_window window, struct block *block)
{
    return record_as(d, plan, kind, window, (size_t)d->p.schedule.window[window].n, block);
}

/* Answer of the schedule thread; an endless stream goes on until `window` meanwhile. */
static int wait_for_part(struct daemon *d, enum cycle_part part, int64_t index,
                         enum schedule_window window, int *answer)
{
    const bool drain = d->p.cfg->radio.capture != RADIO_GATED && !d->p.cfg->run.gated;
    int got;
    cycle_gate_ask(d->p.gate, part, index);
    while ((got = cycle_gate_look(d->p.gate, part, answer, drain ? 1 : WAIT_MS)) == 0)
        if (drain)
            radio_rx_drain(d->p.radio, begin_of(d, index, window));
    return got > 0 ? OK : ERR_INTERRUPTED;
}

/* The boards were busy with the answer's code until now. If they are not armed in time there are no
 * pilots, and nothing else is lost. */
static int run_pilots(struct daemon *d, struct cycle_plan *plan)
{
    int armed;
    if (!pilot_train_due(&d->p.cfg->pixels.train, plan->cycle) || plan->faults & FAULT_RADIO_DOWN)
        return OK;
    struct block *block = block_pool_take(d->p.pilot_pool, true);
    if (!block)
        return ERR_INTERRUPTED;
    if (request(d, plan->index, WINDOW_PILOTS))
        plan->faults |= FAULT_RADIO_DOWN;
    if (wait_for_part(d, CYCLE_PILOTS, plan->index, WINDOW_PILOTS, &armed))
        return ERR_INTERRUPTED;
    if (!armed)
        plan->faults |= FAULT_RIS_LATE;
    return record(d, plan, BLOCK_PILOTS, WINDOW_PILOTS, block);
}

/* The transmit channels, sounded in place of data. */
static int run_sounding(struct daemon *d, struct cycle_plan *plan)
{
    const size_t n = air_link_sounding_samps(d->p.link);
    struct block *block = block_pool_take(d->p.sounding_pool, true);
    if (!block)
        return ERR_INTERRUPTED;
    if (radio_rx_request(d->p.radio, begin_of(d, plan->index, WINDOW_DOWNLINK), n))
        plan->faults |= FAULT_RADIO_DOWN;
    return record_as(d, plan, BLOCK_SOUNDING, WINDOW_DOWNLINK, n, block);
}

/* A slot down, if there is permission for one, and only then one up. */
static int run_data(struct daemon *d, struct cycle_plan *plan)
{
    int sent;
    if (!d->p.link || plan->faults & FAULT_RADIO_DOWN)
        return OK;
    if (wait_for_part(d, CYCLE_DATA, plan->index, WINDOW_DOWNLINK, &sent))
        return ERR_INTERRUPTED;
    if (sent == LINK_SLOT_SOUNDING)
        return run_sounding(d, plan);
    if (sent != LINK_SLOT_DATA)
        return OK;
    struct block *block = block_pool_take(d->p.uplink_pool, true);
    if (!block)
        return ERR_INTERRUPTED;
    if (request(d, plan->index, WINDOW_UPLINK))
        plan->faults |= FAULT_RADIO_DOWN;
    return record(d, plan, BLOCK_UPLINK, WINDOW_UPLINK, block);
}

/* One cycle. Returns OK, ERR_INTERRUPTED, or what the radio said. */
static int run_cycle(struct daemon *d, struct cycle_request *ask)
{
    struct cycle_plan plan;
    struct block *sensing = block_pool_take(d->p.sensing_pool, true);
    struct block *response = block_pool_take(d->p.response_pool, true);
    if (!sensing || !response)
        return ERR_INTERRUPTED;
    if (request(d, ask->index, WINDOW_SENSING) || request(d, ask->index, WINDOW_RESPONSE))
        ask->faults |= FAULT_RADIO_DOWN;
    cycle_gate_request(d->p.gate, ask);
    if (!wait_for_plan(d, ask->index, &plan))
        return ERR_INTERRUPTED;
    int first = record(d, &plan, BLOCK_SENSING, WINDOW_SENSING, sensing);
    int second = record(d, &plan, BLOCK_RESPONSE, WINDOW_RESPONSE, response);
    int third = run_pilots(d, &plan);
    int fourth = third == ERR_INTERRUPTED ? third : run_data(d, &plan);
    return first ? first : second ? second : third ? third : fourth;
}

static void say_down(struct ear *e, const char *why)
{
    int64_t now = clock_ns();
    if (e->said_ns && (double)(now - e->said_ns) < SAY_AGAIN_S * 1e9)
        return;
    log_warn("no radio: %s; trying again until it is back", why);
    e->said_ns = now;
}

static void say_back(struct ear *e)
{
    if (e->said_ns)
        log_info("the radio is back");
    e->said_ns = 0;
    e->pause_s = 0;
}

/* One attempt, and a pause if it fails. */
static void reopen(struct ear *e)
{
    struct status err;
    const struct daemon *d = e->d;
    if (radio_reopen(d->p.radio, &err) == OK) {
        say_back(e);
        e->dead = 0;
        return;
    }
    say_down(e, err.text);
    const double longest =
        fmin(REOPEN_S, (double)d->p.schedule.period / (double)d->p.schedule.rate);
    e->pause_s = fmin(longest, fmax(0.02, 2 * e->pause_s));
    struct timespec nap = {.tv_nsec = (long)(e->pause_s * 1e9)};
    nanosleep(&nap, NULL);
}

double daemon_paused_s(const struct daemon *d)
{
    int64_t left = atomic_load(&d->paused_until_ns) - clock_ns();
    return left > 0 ? (double)left * 1e-9 : 0;
}

/* An endless stream goes on unheard. */
static void nap(struct daemon *d)
{
    const bool drain = d->p.cfg->radio.capture != RADIO_GATED && !d->p.cfg->run.gated;
    const struct timespec time = {.tv_nsec = 2000000};
    int64_t now;
    atomic_fetch_add(&d->heartbeat, 1);
    if (drain && radio_now(d->p.radio, &now) == OK)
        radio_rx_drain(d->p.radio, now);
    nanosleep(&time, NULL);
}

/* Told to pause: neither bursts nor captures, and a gated room's time stands. Users are forgotten
 * meanwhile, and the schedule thread has to look at what the surfaces show; no cycle begins before
 * it has. */
static void rest(struct ear *e)
{
    struct daemon *d = e->d;
    int64_t due = clock_ns();
    int looked = 1, answer;
    e->rested = false;
    while ((daemon_paused_s(d) > 0 || looked == 0) && !atomic_load(&d->stop)) {
        e->rested = true;
        if (looked > 0 && clock_ns() >= due) {
            due = clock_ns() + REST_LOOK_NS;
            cycle_gate_ask(d->p.gate, CYCLE_REST, ++e->looks);
        }
        looked = cycle_gate_look(d->p.gate, CYCLE_REST, &answer, 0);
        nap(d);
    }
}

/* Returns what touches the coming cycle. */
static uint32_t look_after_radio(struct ear *e)
{
    struct radio *radio = e->d->p.radio;
    uint32_t faults = radio_watch(radio);
    if (!(faults & FAULT_RADIO_DOWN) && e->dead < DEAD_CYCLES)
        return faults;
    say_down(e, radio_is_down(radio) ? "the device does not answer any more"
                                     : "the device gives no samples");
    reopen(e);
    return radio_watch(radio);
}

static void serve(struct ear *e)
{
    struct daemon *d = e->d;
    const int stop_after = d->p.cfg->run.stop_after;
    for (int n = 0; !atomic_load(&d->stop) && (stop_after == 0 || n < stop_after);) {
        atomic_fetch_add(&d->heartbeat, 1);
        rest(e);
        struct cycle_request ask = {.part = CYCLE_BURST, .faults = look_after_radio(e)};
        if (choose_cycle(e, &ask))
            continue;
        int rc = run_cycle(d, &ask);
        if (rc == ERR_INTERRUPTED)
            return;
        n++;
        e->dead = rc ? e->dead + 1 : 0;
        if (d->p.cfg->run.gated && !cycle_gate_wait_done(d->p.gate, e->index))
            return;
    }
}

void *daemon_rx(void *daemon)
{
    struct ear ear = {.d = daemon, .index = -1};
    pthread_setname_np(pthread_self(), "bs-rx");
    serve(&ear);
    stop_request();
    atomic_fetch_sub(&ear.d->threads_left, 1);
    return NULL;
}
