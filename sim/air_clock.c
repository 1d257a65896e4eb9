/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Robust lock, futex sleeping, and the rule by which time moves. A process-shared condition
 * variable would freeze for good when a waiter is killed inside it; a plain futex word does not. */
#include "sim/air_clock.h"

#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <linux/futex.h>
#include <math.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "sim/air_layout.h"
#include "sim/air_log.h"
#include "sim/process.h"

#define HOLD_LAPSE_NS                                                                              \
    5000000000ll        /* an open burst that gets no samples for this long underflows             \
                         */
#define PACE_LAG_S 0.25 /* room time that may be caught up after a stall */

void air_lock(struct air *air)
{
    int rc = pthread_mutex_lock(&air->seg->lock);
    if (rc == EOWNERDEAD)
        rc = pthread_mutex_consistent(&air->seg->lock);
    assert(rc == 0);
}

void air_unlock(struct air *air)
{
    int rc = pthread_mutex_unlock(&air->seg->lock);
    assert(rc == 0);
}

void air_notify(struct air *air)
{
    atomic_fetch_add(&air->seg->seq, 1);
    syscall(SYS_futex, &air->seg->seq, FUTEX_WAKE, INT_MAX, NULL, NULL, 0);
}

static void sleep_on(struct air *air, uint32_t seen, int64_t ns)
{
    if (ns <= 0)
        return;
    if (ns > AIR_POLL_NS)
        ns = AIR_POLL_NS;
    struct timespec t = {.tv_sec = ns / 1000000000, .tv_nsec = ns % 1000000000};
    syscall(SYS_futex, &air->seg->seq, FUTEX_WAIT, seen, &t, NULL, 0);
}

/* --- device clocks ---------------------------------------------------------------------------- */

/* Samples [ticks] that the radio's clock has counted too many by a tick. */
static double clock_lead(const struct air *air, unsigned radio, int64_t tick)
{
    double lead = (double)tick * (1e-6 * air->seg->cfg.radios[radio].ppm), rate;
    return air->seg->drift[radio].n ? lead + air_fault_drift(air, radio, (double)tick, &rate)
                                    : lead;
}

int64_t air_tick_to_samp(const struct air *air, unsigned radio, int64_t tick)
{
    return tick + (int64_t)floor(clock_lead(air, radio, tick));
}

int64_t air_samp_to_tick(const struct air *air, unsigned radio, int64_t samp)
{
    if (samp == AIR_NEVER)
        return AIR_NEVER;
    double e = 1e-6 * air->seg->cfg.radios[radio].ppm;
    int64_t tick = samp - (int64_t)floor((double)samp * (e / (1.0 + e)));
    for (int i = 0; i < 3 && air->seg->drift[radio].n; i++)
        tick = samp - (int64_t)floor(clock_lead(air, radio, tick));
    while (air_tick_to_samp(air, radio, tick) < samp)
        tick++;
    while (air_tick_to_samp(air, radio, tick - 1) >= samp)
        tick--;
    return tick;
}

/* --- how time moves --------------------------------------------------------------------------- */

static double ticks_per_ns(const struct air_seg *s)
{
    return s->cfg.rate_hz * 1e-9 * (s->cfg.speed > 0 ? s->cfg.speed : 1.0);
}

static bool has_room(const struct air_seg *s)
{
    return s->cfg.n_sets > 0 && !s->owner_gone;
}

static bool waits_for(const struct air_seg *s, unsigned radio)
{
    for (int i = 0; i < AIR_N_WAITER; i++)
        if (s->waiters[i].pid && s->waiters[i].radio == (int)radio)
            return true;
    return false;
}

/* The earliest tick anyone waits for, or -1 while someone still works. *n counts who takes part. */
static int64_t earliest_wait(const struct air_seg *s, int64_t wall, int *n)
{
    int64_t target = AIR_NEVER;
    *n = 0;
    for (unsigned r = 0; r < s->cfg.n_radios; r++) {
        const struct air_radio_slot *radio = &s->radios[r];
        bool awaited = radio->state == AIR_RADIO_NEVER ||
                       (radio->state == AIR_RADIO_LIVE && !radio->entered) ||
                       (radio->state == AIR_RADIO_LOST && !waits_for(s, r));
        if ((s->cfg.gate_mask >> r & 1) && awaited)
            return -1;
    }
    for (int i = 0; i < AIR_N_WAITER; i++) {
        const struct air_waiter *w = &s->waiters[i];
        if (!w->pid)
            continue;
        bool waits = w->blocked && w->until > s->now;
        if (!waits && s->cfg.lapse_s > 0 && (double)(wall - w->wall_ns) > s->cfg.lapse_s * 1e9)
            continue;
        ++*n;
        if (!waits)
            return -1;
        if (w->until < target)
            target = w->until;
    }
    return target;
}

/* One that time is to wait for has been here and has gone. */
static bool somebody_left(const struct air_seg *s)
{
    for (unsigned r = 0; r < s->cfg.n_radios; r++)
        if ((s->cfg.gate_mask >> r & 1) &&
            (s->radios[r].state == AIR_RADIO_LEFT || s->radios[r].state == AIR_RADIO_DIED))
            return true;
    return false;
}

static int64_t earliest_hold(struct air *air, int64_t wall)
{
    struct air_seg *s = air->seg;
    int64_t lapse = s->cfg.lapse_s > 0 ? (int64_t)(s->cfg.lapse_s * 1e9) : HOLD_LAPSE_NS;
    int64_t target = AIR_NEVER;
    for (unsigned r = 0; r < s->cfg.n_radios; r++)
        for (unsigned p = 0; p < s->cfg.radios[r].n_tx; p++) {
            const struct air_tx_port *port = &s->ports[r][p];
            if (port->hold_k == AIR_NEVER || wall - port->hold_wall_ns > lapse)
                continue;
            int64_t tick = air_samp_to_tick(air, r, port->hold_k);
            if (tick < target)
                target = tick;
        }
    return target;
}

/* Gated, under the lock: moves the clock as far as it may go. Returns the wall time [ns] after
 * which pace alone will allow more, or AIR_POLL_NS. */
static int64_t move_clock(struct air *air)
{
    struct air_seg *s = air->seg;
    int64_t wall = wall_ns();
    air_reap_locked(air, wall);
    int n;
    int64_t now = s->now, target = earliest_wait(s, wall, &n), hold = earliest_hold(air, wall);
    double per_ns = ticks_per_ns(s);
    double allowed = (double)s->pace_tick + (double)(wall - s->pace_wall_ns) * per_ns;
    if (target < 0 || (n == 0 && s->cfg.gate_mask) || (has_room(s) && s->ev_written != s->ev_done))
        return AIR_POLL_NS;
    bool idle = n == 0; /* nobody takes part: time flows as in an ungated room */
    if (idle)
        target = allowed > (double)now ? (int64_t)allowed : now;
    s->held = hold < target;
    if (hold < target)
        target = hold;
    if (has_room(s) && s->horizon < target) {
        if (s->wanted != target) {
            s->wanted = target;
            air_notify(air);
        }
        if (!idle)
            return AIR_POLL_NS;
        target = s->horizon;
    }
    if (target <= now || target == AIR_NEVER) {
        if (idle) { /* held: what was lost is not caught up */
            s->pace_tick = now;
            s->pace_wall_ns = wall;
        }
        return AIR_POLL_NS;
    }
    /* Speed 0 is as fast as all can follow; one who waits for another to return wants no haste. */
    const bool paced = s->cfg.speed > 0 || idle || somebody_left(s);
    if (paced && (double)target > allowed)
        return (int64_t)(((double)target - allowed) / per_ns) + 1;
    if (!paced || allowed - (double)target > PACE_LAG_S * s->cfg.rate_hz) {
        s->pace_tick = target;
        s->pace_wall_ns = wall;
    }
    s->now = target;
    if (s->wanted < target)
        s->wanted = target;
    if (!idle) /* else all sleepers know when to wake, and waking each other they would never sleep
                */
        air_notify(air);
    return AIR_POLL_NS;
}

static int64_t realtime_now(const struct air_seg *s)
{
    return (int64_t)((double)(wall_ns() - s->wall0_ns) * ticks_per_ns(s));
}

int64_t air_now(const struct air *air)
{
    struct air_seg *s = air->seg;
    if (!s->cfg.gated)
        return realtime_now(s);
    if (s->cfg.gate_mask == 0) { /* may be flowing freely */
        struct air *a = (struct air *)air;
        air_lock(a);
        move_clock(a);
        air_unlock(a);
    }
    return s->now;
}

int64_t air_wanted(struct air *air)
{
    if (!air->seg->cfg.gated)
        return realtime_now(air->seg);
    air_lock(air);
    move_clock(air);
    int64_t wanted = air->seg->wanted > air->seg->now ? air->seg->wanted : air->seg->now;
    air_unlock(air);
    return wanted;
}

void air_room_wait(struct air *air, uint32_t *seen, double timeout_s)
{
    int64_t end = wall_ns() + (int64_t)(timeout_s * 1e9);
    for (;;) {
        uint32_t seq = air->seg->seq;
        if (seq != *seen || wall_ns() >= end) {
            *seen = seq;
            return;
        }
        air_lock(air);
        int64_t ns =
            air->seg->cfg.gated ? move_clock(air) : (air_reap_locked(air, wall_ns()), AIR_POLL_NS);
        air_unlock(air);
        int64_t left = end - wall_ns();
        sleep_on(air, seq, ns < left ? ns : left);
    }
}

/* --- the gate --------------------------------------------------------------------------------- */

static struct air_waiter *my_waiter(struct air_seg *s)
{
    const int pid = process_id(), tid = thread_id();
    for (int i = 0; i < AIR_N_WAITER; i++)
        if (s->waiters[i].pid == pid && s->waiters[i].tid == tid)
            return &s->waiters[i];
    return NULL;
}

int air_gate_enter(struct air *air, unsigned radio, uint64_t stream)
{
    struct air_seg *s = air->seg;
    air_lock(air);
    struct air_waiter *w = my_waiter(s);
    for (int i = 0; !w && i < AIR_N_WAITER; i++)
        if (!s->waiters[i].pid)
            w = &s->waiters[i];
    if (w) {
        *w = (struct air_waiter){.tid = thread_id(),
                                 .radio = (int)radio,
                                 .stream = stream,
                                 .wall_ns = wall_ns(),
                                 .pid = process_id()};
        s->radios[radio].entered = 1;
    }
    air_unlock(air);
    return w ? OK : ERR_NO_SPACE;
}

void air_gate_leave(struct air *air, unsigned radio, uint64_t stream)
{
    air_lock(air);
    for (int i = 0; i < AIR_N_WAITER; i++) {
        struct air_waiter *w = &air->seg->waiters[i];
        if (w->pid == process_id() && w->radio == (int)radio && w->stream == stream)
            w->pid = 0;
    }
    air_unlock(air);
    air_notify(air);
}

void air_gate_kick(struct air *air, unsigned radio)
{
    air_lock(air);
    for (int i = 0; i < AIR_N_WAITER; i++) {
        struct air_waiter *w = &air->seg->waiters[i];
        if (w->pid == process_id() && w->radio == (int)radio && w->blocked) {
            w->blocked = 0;
            w->wall_ns = wall_ns();
        }
    }
    atomic_fetch_add(&air->seg->seq,
                     1); /* before the unlock: a waiter on its way to sleep sees it */
    air_unlock(air);
    air_notify(air);
}

void air_wait_begin(struct air *air, struct air_wait *wait, int64_t tick, bool channel)
{
    *wait = (struct air_wait){.tick = tick, .channel = channel, .seen = air->seg->seq};
}

static bool reached(const struct air_seg *s, const struct air_wait *wait)
{
    int64_t now = s->cfg.gated ? s->now : realtime_now(s);
    return now >= wait->tick && (!wait->channel || !has_room(s) || s->horizon >= wait->tick);
}

bool air_wait_step(struct air *air, struct air_wait *wait)
{
    struct air_seg *s = air->seg;
    air_lock(air);
    struct air_waiter *me = my_waiter(s);
    int64_t ns = AIR_POLL_NS;
    bool changed = s->seq != wait->seen;
    if (!changed) {
        if (me) {
            me->blocked = 1;
            me->until = wait->tick;
        }
        if (s->cfg.gated)
            ns = move_clock(air);
        else
            air_reap_locked(air, wall_ns());
    }
    bool there = reached(s, wait);
    if (there && me) {
        me->blocked = 0;
        me->wall_ns = wall_ns();
    }
    int64_t now = s->cfg.gated ? s->now : realtime_now(s);
    air_unlock(air);
    if (there)
        return true;
    double due = (double)(wait->tick - now) / ticks_per_ns(s);
    bool flows = !s->cfg.gated || s->cfg.gate_mask == 0;
    if (flows && due > 0 && due < (double)ns)
        ns = (int64_t)due + 1;
    if (!changed)
        sleep_on(air, wait->seen, ns);
    wait->seen = s->seq;
    return false;
}

void air_wait_end(struct air *air)
{
    air_lock(air);
    struct air_waiter *me = my_waiter(air->seg);
    if (me) {
        me->blocked = 0;
        me->wall_ns = wall_ns();
    }
    air_unlock(air);
}

bool air_device_there(struct air *air, unsigned radio)
{
    struct air_seg *s = air->seg;
    const struct air_radio_slot *slot = &s->radios[radio];
    struct air_wait wait;
    int64_t begin = air_now(air), end = begin + (int64_t)(0.1 * s->cfg.rate_hz);
    if (!air_fault_holds(air, radio, AIR_FAULT_DEVICE_GONE, begin))
        return true;
    if (s->cfg.gated && slot->state == AIR_RADIO_LOST && slot->pid == getpid() &&
        air_gate_enter(air, radio, 0) == OK) {
        air_wait_begin(air, &wait, end, false);
        while (!air_wait_step(air, &wait) && air_room_alive(air))
            continue;
        air_gate_leave(air, radio, 0);
    }
    return !air_fault_holds(air, radio, AIR_FAULT_DEVICE_GONE, air_now(air));
}

void air_set_rate(struct air *air, double rate_hz)
{
    struct air_seg *s = air->seg;
    assert(s->cfg.n_sets == 0);
    air_lock(air);
    if (s->cfg.gated)
        move_clock(air);
    double ratio = rate_hz / s->cfg.rate_hz;
    s->now = (int64_t)llround((double)s->now * ratio);
    s->wanted = s->now;
    s->pace_tick = (int64_t)llround((double)s->pace_tick * ratio);
    s->cfg.rate_hz = rate_hz;
    air_log_clear_locked(air);
    air_unlock(air);
    air_notify(air);
}
