/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Schedule and TX thread: for the cycle that RX asks for, arms the RIS boards, queues burst and
 * trigger pulse, and reads what the radio reports about earlier bursts. */
#include "base/log.h"
#include "host/bs/arming.h"
#include "host/bs/daemon.h"
#include "host/clock.h"
#include <stdio.h>
#include <string.h>
#include <time.h>

#define DATA_LEAD_S 0.02 /* a slot of data is put together and with the radio in less */
enum { LOOK_MS = 5 };    /* between two looks at the clock: less than that lead */
enum {
    RETUNE_EARLIER = 4000
}; /* 1/4000 s before a capture: half of what cycles leave between them */

struct conductor {
    struct daemon *d;
    struct arming arming;
    struct pilot_arming pilots;
    struct turns turns;
    uint64_t first;              /* cycle number when turns began; 0: not yet */
    bool counting;               /* base is known */
    uint64_t base;               /* cycle number of schedule index 0 */
    uint64_t cycle;              /* the last one planned */
    struct pipeline_shown shown; /* since that one was armed, as far as the boards obeyed */
    bool stuck;                  /* beams that were to go are still shown */
};

/* The counter never repeats and keeps pace with time: a skipped cycle skips its number, since users
 * count cycles by their own clocks. */
static int next_cycle(struct conductor *c, int64_t index, uint64_t *cycle)
{
    do {
        if (cycle_counter_next(&c->d->p.counter, cycle))
            return ERR_STATE;
        if (!c->counting)
            c->base = *cycle - (uint64_t)index;
        c->counting = true;
    } while (*cycle < c->base + (uint64_t)index);
    return OK;
}

static void publish_ris(struct daemon *d, const struct telemetry_ris *ris)
{
    const struct telemetry_item item = {.kind = TELEMETRY_RIS, .ris = *ris};
    const struct ris_client_counters c = ris_client_counters(d->p.ris);
    const uint64_t values[] = {c.arms, c.acks, c.late, c.nacks, c.lost};
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++)
        atomic_store(&d->ris[i], values[i]);
    telemetry_queue_put(d->p.reports, &item);
}

static void arm_boards(struct conductor *c, struct cycle_plan *plan,
                       const struct pipeline_shown *next, int64_t by_ns)
{
    struct telemetry_ris ris;
    int64_t t0 = clock_ns();
    arming_run(&c->arming, plan, by_ns, &ris);
    c->shown = pipeline_shown_after(&c->shown, next, ris.ok);
    ris.shown = c->shown;
    deadlines_note(c->d->p.deadlines, DEADLINE_ARM, t0, t0 + (int64_t)(1e3 * ris.wait_us));
    publish_ris(c->d, &ris);
}

/* Every 8th cycle of a user carries a sync frame, and every one while the user does not answer: it
 * may have just come in and not know the cycle. */
static bool sync_is_due(const struct conductor *c, const struct cycle_plan *plan)
{
    return (turns_count(&c->turns, plan->user) - 1) % SYNC_FRAME_PERIOD == 0 ||
           !pipeline_answered(c->d->p.pipeline, plan->user);
}

/* By the numbers of the cycles, which keep pace with time. */
static void choose_user(struct conductor *c, struct cycle_plan *plan)
{
    struct turn_user user[BS_USERS_MAX];
    const struct schedule *s = &c->d->p.schedule;
    const double period_s = (double)s->period / (double)s->rate;
    if (!c->turns.begun)
        c->first = plan->cycle;
    roster_users(c->d->p.roster, user);
    plan->user = turns_next(&c->turns, user, (double)(plan->cycle - c->first) * period_s,
                            plan->cycle / daemon_every(c->d));
    plan->others = roster_size(c->d->p.roster) > 1;
}

static void seal(struct conductor *c, struct cycle_plan *plan, const uint8_t **sync,
                 uint8_t frame[SYNC_FRAME_BYTES])
{
    const struct roster *roster = c->d->p.roster;
    const struct secure_keys *keys = &roster_keys(roster)[plan->user];
    uint32_t id = (uint32_t)roster_id(roster, plan->user);
    *sync = NULL;
    plan->sync = sync_is_due(c, plan);
    if (secure_seal_sensing(keys, plan->cycle, id, plan->sensing))
        return;
    if (plan->sync) {
        secure_seal_sync(keys, plan->cycle, id, frame);
        *sync = frame;
    }
}

static bool send_burst(struct conductor *c, struct cycle_plan *plan)
{
    const struct daemon_parts *p = &c->d->p;
    const int64_t start = schedule_start(&p->schedule, plan->index);
    const struct schedule_span *pulse = &p->schedule.window[WINDOW_TRIGGER];
    const struct sc16 *buf[RADIO_CHANNELS_MAX];
    uint8_t frame[SYNC_FRAME_BYTES];
    const uint8_t *sync;
    seal(c, plan, &sync, frame);
    size_t n = burst_fill(p->burst, plan->sensing, sync);
    for (size_t i = 0; i < p->cfg->radio.n_tx; i++) /* one channel senses, all carry data */
        buf[i] = i == 0 ? burst_samples(p->burst) : burst_silence(p->burst);
    if (radio_tx_burst(p->radio, start, buf, n))
        return false;
    return !p->cfg->trigger.enable ||
           radio_trigger_pulse(p->radio, start + pulse->begin, pulse->n) == OK;
}

/* Between cycles, when none may follow for long: beams for somebody who may not be told of any more
 * say where they were. */
static void let_beams_go(struct conductor *c)
{
    struct status err = {0};
    uint8_t rest[BS_RIS];
    if (!pipeline_shows_forgotten(c->d->p.pipeline, &c->shown, rest))
        return;
    const bool stuck = arming_rest(&c->arming, rest, &err) != OK;
    if (stuck && !c->stuck)
        log_warn("the surfaces still show beams for a user who is forgotten: %s", err.text);
    c->stuck = stuck;
    c->shown.beams = stuck;
}

static void give_orders(struct conductor *c, struct cycle_plan *plan,
                        const struct pipeline_shown *next, int64_t by_ns)
{
    struct daemon *d = c->d;
    arm_boards(c, plan, next, by_ns);
    if (!send_burst(c, plan)) {
        plan->faults |= FAULT_TX_LOST;
        atomic_fetch_add(&d->sends_failed, 1);
    }
    if (radio_is_down(d->p.radio))
        plan->faults |= FAULT_RADIO_DOWN;
}

static int conduct(struct conductor *c, const struct cycle_request *ask)
{
    struct daemon *d = c->d;
    struct cycle_plan plan = {.index = ask->index,
                              .faults = ask->faults,
                              .excused = d->p.cfg->radio.force_unlocked ? FAULT_UNSYNCHRONISED : 0};
    const int64_t begin =
        schedule_start(&d->p.schedule, ask->index) + d->p.schedule.window[WINDOW_SENSING].begin;
    plan.faults |= tuning_apply(d->p.tuning, d->p.radio,
                                begin - d->p.schedule.rate / RETUNE_EARLIER, &plan.radio);
    plan.tuning = radio_tuning(d->p.radio);
    if (next_cycle(c, ask->index, &plan.cycle))
        return ERR_STATE;
    c->cycle = plan.cycle;
    choose_user(c, &plan);
    struct pipeline_shown next = {.user = plan.user, .id = roster_id(d->p.roster, plan.user)};
    pipeline_profiles(d->p.pipeline, &next);
    memcpy(plan.profile, next.profile, sizeof plan.profile);
    plan.still = pipeline_identity(d->p.pipeline) == BS_IDENTITY_STEERING;
    if (plan.faults & FAULT_RADIO_DOWN) {
        let_beams_go(c);
    } else {
        give_orders(c, &plan, &next, ask->by_ns);
    }
    cycle_gate_answer(d->p.gate, &plan);
    return OK;
}

/* Between answer and train. */
static void conduct_pilots(struct conductor *c, int64_t index)
{
    struct daemon *d = c->d;
    const struct schedule_span *pulse = &d->p.schedule.window[WINDOW_PILOT_TRIGGER];
    bool ok = d->p.cfg->trigger.enable && pilot_arming_run(&c->pilots, c->cycle) &&
              radio_trigger_pulse(d->p.radio, schedule_start(&d->p.schedule, index) + pulse->begin,
                                  pulse->n) == OK;
    if (!ok)
        atomic_fetch_add(&d->trains_lost, 1);
    cycle_gate_answer_part(d->p.gate, CYCLE_PILOTS, ok);
}

/* Putting a slot together takes milliseconds of a processor that the position on its way out may
 * want, so that goes first, until `latest`; in gated time, which stands, whenever it comes. */
static void let_report_out(struct daemon *d, int64_t index, int64_t latest)
{
    const struct timespec nap = {.tv_nsec = 200000};
    int64_t now;
    while (atomic_load(&d->published) < index && !atomic_load(&d->stop) &&
           (d->p.cfg->run.gated || (radio_now(d->p.radio, &now) == OK && now < latest)))
        nanosleep(&nap, NULL);
}

/* Whether the fix and the permission of this cycle are there in time for its downlink slot. */
static bool decided(struct daemon *d, int64_t index)
{
    const struct schedule *s = &d->p.schedule;
    const int64_t latest =
        schedule_start(s, index) + s->downlink - (int64_t)(DATA_LEAD_S * (double)s->rate);
    int64_t now;
    int got = 0;
    if (d->p.cfg->run.gated)
        got = cycle_gate_wait_done(d->p.gate, index);
    while (got == 0 && !d->p.cfg->run.gated && radio_now(d->p.radio, &now) == OK && now < latest)
        got = cycle_gate_look_done(d->p.gate, index, LOOK_MS);
    if (got > 0)
        let_report_out(d, index, latest);
    return got > 0;
}

static void conduct_data(struct conductor *c, int64_t index)
{
    struct daemon *d = c->d;
    enum link_slot_kind kind = LINK_SLOT_NONE;
    if (decided(d, index))
        kind = air_link_send(d->p.link, d->p.radio, d->p.pipeline, index);
    else
        atomic_fetch_add(&d->slots_late, 1);
    cycle_gate_answer_part(d->p.gate, CYCLE_DATA, (int)kind);
}

void *daemon_schedule(void *daemon)
{
    struct conductor c = {.d = daemon};
    struct cycle_request ask;
    pthread_setname_np(pthread_self(), "bs-schedule");
    struct daemon_parts *p = &c.d->p;
    const struct arming_cfg arming = {
        .cfg = p->cfg, .schedule = &p->schedule, .client = p->ris, .profiles = p->profiles};
    const struct pilot_arming_cfg pilots = {.cfg = p->cfg,
                                            .schedule = &p->schedule,
                                            .client = p->ris,
                                            .profiles = p->profiles,
                                            .pilots = p->pilots};
    arming_init(&c.arming, &arming);
    if (p->calib)
        pilot_arming_init(&c.pilots, &pilots);
    while (cycle_gate_wait_request(c.d->p.gate, &ask)) {
        if (ask.part == CYCLE_REST) {
            let_beams_go(&c);
            cycle_gate_answer_part(c.d->p.gate, CYCLE_REST, 0);
        } else if (ask.part == CYCLE_PILOTS) {
            conduct_pilots(&c, ask.index);
        } else if (ask.part == CYCLE_DATA) {
            conduct_data(&c, ask.index);
        } else if (conduct(&c, &ask)) {
            log_error("the cycle counter cannot be written down: is the state folder's disk full?");
            atomic_store(&c.d->failed, true);
            cycle_gate_stop(c.d->p.gate);
        }
    }
    atomic_fetch_sub(&c.d->threads_left, 1);
    return NULL;
}
