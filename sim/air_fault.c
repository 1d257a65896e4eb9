/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "sim/air_fault.h"

#include <assert.h>
#include <math.h>

#include "sim/air_clock.h"
#include "sim/air_layout.h"

static bool of_kind(const struct air_fault *f, unsigned radio, uint32_t kinds)
{
    return f->radio == radio && (kinds >> f->kind & 1);
}

static void fired(struct air_seg *s, struct air_fault_state *state, int64_t tick)
{
    if (state->fired++ == 0)
        state->first_tick = tick;
    state->last_tick = tick;
    s->count_moves++;
}

/* Windows and steps: only that they were felt, and since when. */
static void felt(struct air_seg *s, size_t i, int64_t tick)
{
    if (s->fault_state[i].fired == 0)
        fired(s, &s->fault_state[i], tick);
}

static int add_drift(struct air_seg *s, const struct air_fault *f)
{
    struct air_drift_list *list = &s->drift[f->radio];
    if (f->kind != AIR_FAULT_REF_UNLOCKED || f->value == 0)
        return OK;
    if (list->n == AIR_N_DRIFT)
        return ERR_NO_SPACE;
    list->window[list->n++] = (struct air_drift){f->at_tick, f->until_tick, 1e-6 * f->value};
    return OK;
}

int air_faults_set(struct air *air, const struct air_fault *faults, size_t n)
{
    struct air_seg *s = air->seg;
    int rc = n <= AIR_N_FAULT ? OK : ERR_NO_SPACE;
    air_lock(air);
    s->n_faults = 0;
    for (unsigned r = 0; r < AIR_MAX_RADIOS; r++)
        s->drift[r].n = 0;
    for (size_t i = 0; rc == OK && i < n; i++) {
        s->faults[i] = faults[i];
        s->fault_state[i] = (struct air_fault_state){0};
        rc = add_drift(s, &faults[i]);
    }
    if (rc == OK)
        s->n_faults = n;
    air_unlock(air);
    return rc;
}

size_t air_faults_n(const struct air *air)
{
    return air->seg->n_faults;
}

void air_fault_get(struct air *air, size_t i, struct air_fault *fault,
                   struct air_fault_state *state)
{
    assert(i < air->seg->n_faults);
    air_lock(air);
    *fault = air->seg->faults[i];
    if (state)
        *state = air->seg->fault_state[i];
    air_unlock(air);
}

static bool open_at(const struct air_fault *f, const struct air_fault_state *state, int64_t tick)
{
    return tick >= f->at_tick && tick < f->until_tick && !(f->count && state->fired >= f->count);
}

bool air_fault_take(struct air *air, unsigned radio, uint32_t kinds, int64_t tick, bool fresh,
                    struct air_fault *out)
{
    struct air_seg *s = air->seg;
    bool found = false;
    if (!s->n_faults)
        return false;
    air_lock(air);
    for (size_t i = 0; i < s->n_faults; i++) {
        const struct air_fault *f = &s->faults[i];
        struct air_fault_state *state = &s->fault_state[i];
        if (!of_kind(f, radio, kinds) || !open_at(f, state, tick))
            continue;
        bool turn = fresh ? ++state->seen % f->every == 0 : f->every == 1 && state->fired == 0;
        if (!turn || found)
            continue;
        fired(s, state, tick);
        *out = *f;
        found = true;
    }
    air_unlock(air);
    return found;
}

int64_t air_fault_next(struct air *air, unsigned radio, uint32_t kinds, int64_t tick)
{
    struct air_seg *s = air->seg;
    int64_t next = AIR_NEVER;
    if (!s->n_faults)
        return next;
    air_lock(air);
    for (size_t i = 0; i < s->n_faults; i++) {
        const struct air_fault *f = &s->faults[i];
        if (of_kind(f, radio, kinds) && f->every == 1 && s->fault_state[i].fired == 0 &&
            f->at_tick > tick && f->at_tick < next)
            next = f->at_tick;
    }
    air_unlock(air);
    return next;
}

bool air_fault_holds(struct air *air, unsigned radio, enum air_fault_kind kind, int64_t tick)
{
    struct air_seg *s = air->seg;
    bool holds = false;
    if (!s->n_faults)
        return false;
    air_lock(air);
    for (size_t i = 0; i < s->n_faults; i++) {
        const struct air_fault *f = &s->faults[i];
        if (!of_kind(f, radio, UINT32_C(1) << kind) || tick < f->at_tick || tick >= f->until_tick)
            continue;
        felt(s, i, tick);
        holds = true;
    }
    air_unlock(air);
    return holds;
}

int64_t air_fault_loss(struct air *air, unsigned radio, int64_t tick, int64_t *returned_tick)
{
    struct air_seg *s = air->seg;
    int64_t next = AIR_NEVER;
    *returned_tick = -1;
    for (size_t i = 0; i < s->n_faults; i++) { /* never written after the start */
        const struct air_fault *f = &s->faults[i];
        if (!of_kind(f, radio, AIR_FAULT_BIT(DEVICE_GONE)))
            continue;
        if (f->at_tick >= tick && f->at_tick < next)
            next = f->at_tick;
        if (!f->keeps_time && f->until_tick <= tick && f->until_tick > *returned_tick)
            *returned_tick = f->until_tick;
    }
    return next;
}

unsigned air_fault_felt(struct air *air, unsigned radio, enum air_fault_kind kind, int64_t after,
                        int64_t upto)
{
    struct air_seg *s = air->seg;
    unsigned n = 0;
    air_lock(air);
    for (size_t i = 0; i < s->n_faults; i++) {
        const struct air_fault *f = &s->faults[i];
        if (!of_kind(f, radio, UINT32_C(1) << kind) || f->at_tick <= after || f->at_tick > upto)
            continue;
        n += s->fault_state[i].fired == 0;
        felt(s, i, f->at_tick);
    }
    air_unlock(air);
    return n;
}

double air_fault_jumps(struct air *air, unsigned radio, int64_t after, int64_t upto)
{
    struct air_seg *s = air->seg;
    double sum = 0;
    for (size_t i = 0; i < s->n_faults; i++) {
        const struct air_fault *f = &s->faults[i];
        if (of_kind(f, radio, AIR_FAULT_BIT(TIME_JUMP)) && f->at_tick > after && f->at_tick <= upto)
            sum += f->value;
    }
    return sum;
}

/* --- receive channels ------------------------------------------------------------------------- */

static void apply(struct air_effect *e, const struct air_fault *f, double elapsed, bool holds,
                  double rate_hz)
{
    switch (f->kind) {
    case AIR_FAULT_DEAD_CHANNEL:
        e->dead |= holds;
        break;
    case AIR_FAULT_GAIN_STEP:
        e->gain_db += holds ? f->value : 0;
        break;
    case AIR_FAULT_LO_JUMP:
        e->phase_rad += holds ? f->value * M_PI / 180 : 0;
        break;
    case AIR_FAULT_PHASE_DRIFT: /* stays where it has drifted to */
        e->phase_rad += f->value * M_PI / 180 / rate_hz * elapsed;
        e->rad_per_samp += holds ? f->value * M_PI / 180 / rate_hz : 0;
        break;
    case AIR_FAULT_CLIPPING:
        e->limit = holds ? fmin(e->limit, pow(10.0, -f->value / 20)) : e->limit;
        break;
    }
}

struct air_effect air_fault_effect(struct air *air, unsigned radio, unsigned channel, int64_t k)
{
    const uint32_t kinds = AIR_FAULT_BIT(DEAD_CHANNEL) | AIR_FAULT_BIT(GAIN_STEP) |
                           AIR_FAULT_BIT(LO_JUMP) | AIR_FAULT_BIT(PHASE_DRIFT) |
                           AIR_FAULT_BIT(CLIPPING);
    struct air_effect e = {.until = AIR_NEVER, .limit = 1.0};
    struct air_seg *s = air->seg;
    if (!s->n_faults)
        return e;
    air_lock(air);
    for (size_t i = 0; i < s->n_faults; i++) {
        const struct air_fault *f = &s->faults[i];
        if (!of_kind(f, radio, kinds) || (f->channel >= 0 && f->channel != (int)channel))
            continue;
        int64_t from = air_tick_to_samp(air, radio, f->at_tick);
        int64_t to =
            f->until_tick == AIR_NEVER ? AIR_NEVER : air_tick_to_samp(air, radio, f->until_tick);
        if (k < from) {
            e.until = from < e.until ? from : e.until;
            continue;
        }
        if (k < to) {
            e.until = to < e.until ? to : e.until;
            felt(s, i, f->at_tick);
        }
        apply(&e, f, (double)((k < to ? k : to) - from), k < to, s->cfg.rate_hz);
    }
    air_unlock(air);
    return e;
}

/* --- clocks ----------------------------------------------------------------------------------- */

double air_fault_drift(const struct air *air, unsigned radio, double tick, double *rate)
{
    const struct air_drift_list *list = &air->seg->drift[radio];
    double sum = 0;
    *rate = 0;
    for (unsigned i = 0; i < list->n; i++) {
        const struct air_drift *w = &list->window[i];
        if (tick < (double)w->at)
            continue;
        bool over = tick >= (double)w->until;
        sum += w->rate * ((over ? (double)w->until : tick) - (double)w->at);
        *rate += over ? 0 : w->rate;
    }
    return sum;
}

/* --- counts ----------------------------------------------------------------------------------- */

void air_count(struct air *air, unsigned radio, enum air_count which, uint64_t n)
{
    atomic_fetch_add(&air->seg->counts[radio][which], n);
    atomic_fetch_add(&air->seg->count_moves, 1);
}

uint64_t air_counts(struct air *air, unsigned radio, uint64_t *out)
{
    for (int i = 0; i < AIR_N_COUNT; i++)
        out[i] = atomic_load(&air->seg->counts[radio][i]);
    return atomic_load(&air->seg->count_moves);
}

const char *air_fault_name(int kind)
{
#define NAME_(id, name) name,
    static const char *const names[] = {AIR_FAULT_KINDS(NAME_)};
    return kind >= 0 && kind < AIR_N_FAULT_KIND ? names[kind] : "?";
}

const char *air_count_name(int which)
{
    static const char *const names[] = {AIR_COUNTS(NAME_)};
    return which >= 0 && which < AIR_N_COUNT ? names[which] : "?";
}
