/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The device's clock against ours, once a cycle. When the device's time jumps (or starts at 0 again
 * after a reopening) the epoch between its count and our ticks moves, so that ticks go on: the
 * schedule, the cycle numbers and the times of positions never notice. */
#include "base/log.h"
#include "host/clock.h"
#include "host/radio_priv.h"
#include <math.h>
#include <stdlib.h>

#define BACK_S     0.001  /* behind what was seen already: a jump */
#define AGREE_S    0.005  /* of the two clocks ... */
#define RATES      1e-3   /* ... and of their rates: CLOCK_MONOTONIC may be slewed by 500 ppm */
#define QUICK_NS   500000 /* reading both clocks, if nothing comes in between */
#define BLURRED_NS 2000000
#define SEARCH_S   0.1 /* what a search for a lost device costs in a gated room */

static int64_t since(const struct radio *radio, int64_t mono_ns)
{
    return (int64_t)((double)(mono_ns - radio->watch.mono_ns) * 1e-9 * (double)radio->rate);
}

/* Where the clock should stand by what we know. A gated room's time stands while we do not
 * receive, so there the last look counts. */
static int64_t expected(const struct radio *radio, int64_t mono_ns)
{
    return radio->watch.tick + (radio->cfg.paced ? since(radio, mono_ns) : 0);
}

/* Where the clock stands by what we know while the device is away. */
static int64_t without_device(const struct radio *radio, int64_t mono_ns)
{
    const struct watch_state *w = &radio->watch;
    return w->tick + (radio->cfg.paced ? since(radio, mono_ns)
                                       : llround(w->searches * SEARCH_S * (double)radio->rate));
}

int radio_now(struct radio *radio, int64_t *tick)
{
    int64_t full = 0;
    double frac = 0;
    if (radio_is_down(radio)) {
        *tick = without_device(radio, clock_ns());
        return ERR_RADIO;
    }
    pthread_mutex_lock(&radio->usrp_lock);
    uhd_error e = uhd_usrp_get_time_now(radio->usrp, 0, &full, &frac);
    pthread_mutex_unlock(&radio->usrp_lock);
    *tick = tick_of_time(radio, full, frac);
    return e ? radio_lose(radio) : OK;
}

/* The device's clock, read between two readings of ours. */
struct glance {
    int64_t now, before_ns, after_ns;
};

/* Held up between the readings of all three for so long that they say nothing. */
static bool blurred(const struct radio *radio, const struct glance *g)
{
    return radio->cfg.paced && g->after_ns - g->before_ns > BLURRED_NS;
}

/* The quickest of three: we may be held up between the readings. */
static int glance(struct radio *radio, struct glance *best)
{
    for (int i = 0; i < 3; i++) {
        struct glance g = {.before_ns = clock_ns()};
        if (radio_now(radio, &g.now))
            return ERR_RADIO;
        g.after_ns = clock_ns();
        if (i == 0 || g.after_ns - g.before_ns < best->after_ns - best->before_ns)
            *best = g;
        if (!radio->cfg.paced || g.after_ns - g.before_ns < QUICK_NS)
            return OK;
    }
    return OK;
}

/* By how much the device's clock may differ from ours without having jumped. */
static int64_t tolerance(const struct radio *radio, int64_t mono_ns)
{
    return (int64_t)(AGREE_S * (double)radio->rate + RATES * (double)since(radio, mono_ns));
}

/* In a gated room, whose time may run on while we reopen the device, only a step back is sure. */
static bool jumped(const struct radio *radio, const struct glance *g)
{
    if (radio->watch.mono_ns == 0)
        return false;
    if (g->now < radio->watch.tick - (int64_t)(BACK_S * (double)radio->rate))
        return true;
    const int64_t slack = tolerance(radio, g->after_ns);
    return radio->cfg.paced && (g->now > expected(radio, g->after_ns) + slack ||
                                g->now < expected(radio, g->before_ns) - slack);
}

static void note_time(struct radio *radio, int64_t now, int64_t mono_ns)
{
    radio->watch.tick = now;
    radio->watch.mono_ns = mono_ns;
}

/* Samples at a wrong time may also be old, or of a command that came late and was executed at once;
 * then the device's clock agrees with ours. In a gated room there is neither. */
bool radio_watch_absorb(struct radio *radio, int64_t jump)
{
    struct glance g;
    if (glance(radio, &g))
        return false;
    const int64_t slack = tolerance(radio, g.after_ns);
    if (radio->cfg.paced && (jump < g.now - expected(radio, g.after_ns) - slack ||
                             jump > g.now - expected(radio, g.before_ns) + slack))
        return false;
    atomic_fetch_sub(&radio->epoch, jump);
    radio_count_add(radio, COUNT_TIME_JUMP, 1);
    radio->watch.jump += jump;
    return true;
}

static void say_jump(const struct radio *radio, int64_t jump)
{
    if (jump)
        log_warn("the radio's time jumped by %.6f s: ticks go on from where they were",
                 (double)jump / (double)radio->rate);
}

uint32_t radio_watch(struct radio *radio)
{
    struct glance g;
    uint32_t faults = 0;
    if (glance(radio, &g))
        return FAULT_RADIO_DOWN;
    const int64_t mono = g.before_ns + (g.after_ns - g.before_ns) / 2, want = expected(radio, mono);
    int64_t now = g.now;
    const bool sharp = !blurred(radio, &g);
    if (sharp && jumped(radio, &g)) {
        atomic_fetch_add(&radio->epoch, want - now);
        radio_count_add(radio, COUNT_TIME_JUMP, 1);
        radio->watch.jump += now - want;
        radio->watch.pps_tick = INT64_MIN;
        radio->rxs.contiguous = false;
        now = want;
        faults |= FAULT_TIME;
    }
    say_jump(radio, radio->watch.jump);
    radio->watch.jump = 0;
    if (sharp)
        note_time(radio, now, mono);
    faults |= radio_sync_watch(radio, now);
    return radio_is_down(radio) ? FAULT_RADIO_DOWN : faults;
}

/* After a reopening: the old epoch if the device kept its time, else ticks by our clock. A device
 * that counts from a PPS edge was given a whole second there, and ticks began at one. */
void radio_watch_resume(struct radio *radio)
{
    struct glance g;
    if (radio->watch.mono_ns == 0 || glance(radio, &g)) {
        radio->watch.searches = 0;
        return;
    }
    const int64_t mono = g.before_ns + (g.after_ns - g.before_ns) / 2, rate = radio->rate,
                  want = without_device(radio, mono), half = rate / 2, before = radio_epoch(radio);
    const bool kept = g.now >= radio->watch.tick &&
                      (!radio->cfg.paced || (g.now < want + half && g.now > want - half));
    int64_t epoch = before + want - g.now;
    if (radio_sync_has_pps(radio))
        epoch = llround((double)epoch / (double)rate) * rate;
    if (!kept)
        atomic_store(&radio->epoch, epoch);
    radio->watch.searches = 0;
    note_time(radio, kept ? g.now : g.now + epoch - before, mono);
}
