/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "host/schedule.h"
#include "base/log.h"
#include <math.h>
#include <stdio.h>

#define LEAD_SENSING_S  1e-6
#define LEAD_RESPONSE_S 20.48e-6 /* two periods of silence, to see the answer begin */
#define TAIL_S          64e-6 /* delay spread, the device's own latency, the user's clock error */
#define TAIL_SAMPS      600   /* a device's latency counts in samples */
#define TRIGGER_S       10e-6
enum { DATA_SYMBOLS = 4 }; /* two pilots, header and data */
#define REARM_S 20e-3      /* boards take the pilots' sequence between the answer and the train */

static int64_t ticks(const struct schedule *s, double t_s)
{
    return (int64_t)llround(t_s * (double)s->rate);
}

static int64_t span_end(const struct schedule_span *w)
{
    return w->begin + w->n;
}

const char *schedule_window_name(enum schedule_window window)
{
    static const char *const names[WINDOW_COUNT] = {
        "sensing burst", "sensing capture", "response capture", "response trigger",
        "pilots",        "pilot trigger",   "downlink",         "uplink",
    };
    return names[window];
}

const char *schedule_guard_name(enum schedule_guard guard)
{
    static const char *const names[GUARD_COUNT] = {
        "none",
        "switching",
        "turn-around",
        "surfaces settle",
        "surfaces are re-armed",
        "fix and permission",
        "boards and surfaces take the next profile",
    };
    return names[guard];
}

/* What to change in the configuration to move a window. */
static const char *key_of(enum schedule_window window)
{
    static const char *const keys[WINDOW_COUNT] = {
        [WINDOW_SENSING] = "schedule.cycle_period_s", /* the next cycle's */
        [WINDOW_RESPONSE] = "schedule.response_delay_s", [WINDOW_PILOTS] = "pixels.delay_s",
        [WINDOW_DOWNLINK] = "link.downlink_delay_s",     [WINDOW_UPLINK] = "link.uplink_delay_s",
    };
    return keys[window];
}

/* Silence before an answer. A slow radio needs more for its two periods. */
static int64_t lead_of(const struct schedule *s, const struct schedule_cfg *cfg)
{
    const int64_t least = ticks(s, LEAD_RESPONSE_S), periods = (int64_t)cfg->symbol_samps * 16 / 9;
    return periods > least ? periods : least;
}

static int64_t tail_of(const struct schedule *s)
{
    const int64_t least = ticks(s, TAIL_S);
    return least > TAIL_SAMPS ? least : TAIL_SAMPS;
}

/* As many whole symbols as the slots hold. */
static void lay_out_data(struct schedule *s, const struct schedule_cfg *cfg)
{
    const int64_t symbol = (int64_t)cfg->symbol_samps, lead = lead_of(s, cfg);
    s->downlink = ticks(s, cfg->downlink_delay_s);
    s->uplink = ticks(s, cfg->uplink_delay_s);
    s->downlink_symbols = (size_t)(ticks(s, cfg->downlink_s) / symbol);
    s->uplink_symbols = (size_t)(ticks(s, cfg->uplink_s) / symbol);
    s->window[WINDOW_DOWNLINK] =
        (struct schedule_span){s->downlink, (int64_t)s->downlink_symbols * symbol};
    s->window[WINDOW_UPLINK] = (struct schedule_span){
        s->uplink - lead, lead + (int64_t)s->uplink_symbols * symbol + tail_of(s)};
}

static void lay_out(struct schedule *s, const struct schedule_cfg *cfg)
{
    int64_t code = (int64_t)(cfg->slot_samps * cfg->n_slot);
    int64_t burst =
        code * (int64_t)cfg->n_rep + (int64_t)(cfg->sensing_symbols * cfg->symbol_samps);
    int64_t answer = code + (int64_t)(cfg->response_symbols * cfg->symbol_samps);
    int64_t lead_a = ticks(s, LEAD_SENSING_S), lead_b = lead_of(s, cfg);
    struct schedule_span *w = s->window;
    w[WINDOW_BURST] = (struct schedule_span){0, burst};
    w[WINDOW_SENSING] = (struct schedule_span){-lead_a, lead_a + burst + tail_of(s)};
    w[WINDOW_RESPONSE] = (struct schedule_span){s->response - lead_b, lead_b + answer + tail_of(s)};
    w[WINDOW_TRIGGER] = (struct schedule_span){s->response, ticks(s, TRIGGER_S)};
    int64_t train = (int64_t)(cfg->pilots * cfg->pilot_samps);
    w[WINDOW_PILOTS] = (struct schedule_span){span_end(&w[WINDOW_RESPONSE]), 0};
    if (train > 0) {
        w[WINDOW_PILOT_TRIGGER] = (struct schedule_span){s->pilots, ticks(s, TRIGGER_S)};
        w[WINDOW_PILOTS] = (struct schedule_span){s->pilots - lead_b, lead_b + train + tail_of(s)};
    }
    if (cfg->data)
        lay_out_data(s, cfg);
}

static bool is_data(enum schedule_window w)
{
    return w == WINDOW_DOWNLINK || w == WINDOW_UPLINK;
}

static void widen(struct schedule_gap *gap, enum schedule_guard guard, int64_t need)
{
    if (need <= gap->need)
        return;
    gap->guard = guard;
    gap->need = need;
}

/* The guard from the end of gap->after to gap->before. The burst ends inside its capture, so only
 * what the base station does after it counts as a turn. */
static void find_guard(const struct schedule *s, struct schedule_gap *gap)
{
    const enum schedule_window a = gap->after, b = gap->before;
    if ((a == WINDOW_DOWNLINK) != (b == WINDOW_DOWNLINK) || (is_data(a) && b == WINDOW_SENSING))
        widen(gap, GUARD_SWITCH, s->guard.turn);
    if (b == WINDOW_SENSING || (is_data(a) && is_data(b)))
        widen(gap, GUARD_TURNAROUND, s->guard.turnaround);
    if (b == WINDOW_SENSING)
        widen(gap, GUARD_FOLLOW, s->guard.follow + s->guard.arm);
    if (is_data(b) && (a == WINDOW_RESPONSE || a == WINDOW_PILOTS))
        widen(gap, GUARD_SETTLE, s->guard.settle);
    if (a == WINDOW_RESPONSE && b == WINDOW_PILOTS)
        widen(gap, GUARD_REARM, s->guard.rearm);
    if (a == WINDOW_RESPONSE && is_data(b))
        widen(gap, GUARD_PREPARE, s->guard.prepare);
}

/* What binds the beginning of `before` among the n windows that begin earlier. */
static struct schedule_gap find_gap(const struct schedule *s, const enum schedule_window *earlier,
                                    size_t n, enum schedule_window before, int64_t next)
{
    struct schedule_gap worst = {.begin = INT64_MIN};
    for (size_t i = 0; i < n; i++) {
        struct schedule_gap gap = {.after = earlier[i],
                                   .before = before,
                                   .begin = span_end(&s->window[earlier[i]]),
                                   .next = next};
        find_guard(s, &gap);
        if (worst.begin == INT64_MIN || gap.begin + gap.need > worst.begin + worst.need)
            worst = gap;
    }
    return worst;
}

/* Begin of a window; data wait for the answer, wherever they are put. */
static int64_t place_of(const struct schedule *s, enum schedule_window w)
{
    const int64_t begin = s->window[w].begin, answer = s->window[WINDOW_RESPONSE].begin;
    return is_data(w) && begin <= answer ? answer + 1 : begin;
}

/* The windows in use in the order of time. Returns how many. */
static size_t sort_windows(const struct schedule *s, enum schedule_window order[WINDOW_COUNT])
{
    static const enum schedule_window all[] = {WINDOW_SENSING, WINDOW_RESPONSE, WINDOW_PILOTS,
                                               WINDOW_DOWNLINK, WINDOW_UPLINK};
    size_t n = 0;
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        size_t at = n;
        if (s->window[all[i]].n == 0)
            continue;
        for (; at > 0 && place_of(s, order[at - 1]) > place_of(s, all[i]); at--)
            order[at] = order[at - 1];
        order[at] = all[i];
        n++;
    }
    return n;
}

size_t schedule_gaps(const struct schedule *s, struct schedule_gap gap[WINDOW_COUNT])
{
    enum schedule_window order[WINDOW_COUNT];
    const size_t n = sort_windows(s, order);
    for (size_t i = 1; i < n; i++)
        gap[i - 1] = find_gap(s, order, i, order[i], s->window[order[i]].begin);
    gap[n - 1] = find_gap(s, order, n, WINDOW_SENSING, s->period + s->window[WINDOW_SENSING].begin);
    return n;
}

static int refuse(const struct schedule *s, const struct schedule_gap *g, bool last,
                  struct status *err)
{
    const double ms = 1e3 / (double)s->rate;
    const bool move_data = is_data(g->after) && !is_data(g->before) && !last;
    char guard[96] = "";
    if (g->need > 0)
        snprintf(guard, sizeof guard, " and %.3f ms must be free after it (%s)",
                 (double)g->need * ms, schedule_guard_name(g->guard));
    return status_set(err, ERR_ARG,
                      "schedule: the %s%s begins %.3f ms into the cycle, but the %s ends at %.3f "
                      "ms%s: raise %s",
                      last ? "next cycle's " : "", schedule_window_name(g->before),
                      (double)g->next * ms, schedule_window_name(g->after), (double)g->begin * ms,
                      guard, key_of(move_data ? g->after : g->before));
}

static int check(const struct schedule *s, struct status *err)
{
    struct schedule_gap gap[WINDOW_COUNT];
    const size_t n = schedule_gaps(s, gap);
    for (size_t i = 0; i < n; i++)
        if (gap[i].begin + gap[i].need > gap[i].next)
            return refuse(s, &gap[i], i + 1 == n, err);
    return OK;
}

static int check_data(const struct schedule *s, const struct schedule_cfg *cfg, struct status *err)
{
    if (!cfg->data || (s->downlink_symbols >= DATA_SYMBOLS && s->uplink_symbols >= DATA_SYMBOLS))
        return OK;
    const bool down = s->downlink_symbols < DATA_SYMBOLS;
    return status_set(err, ERR_ARG,
                      "schedule: link.%s_s %g holds %zu OFDM symbols of %.3g s, and four are the "
                      "least: raise it",
                      down ? "downlink" : "uplink", down ? cfg->downlink_s : cfg->uplink_s,
                      down ? s->downlink_symbols : s->uplink_symbols,
                      (double)cfg->symbol_samps / cfg->rate_hz);
}

int schedule_init(struct schedule *s, const struct schedule_cfg *cfg, struct status *err)
{
    *s = (struct schedule){
        .rate = (int64_t)llround(cfg->rate_hz),
        .slot = (int64_t)cfg->slot_samps,
    };
    s->period = ticks(s, cfg->period_s);
    s->response = ticks(s, cfg->response_delay_s);
    s->pilots = ticks(s, cfg->pilots_delay_s);
    s->pilot = (int64_t)cfg->pilot_samps;
    s->guard = (struct schedule_guards){
        .turn = ticks(s, cfg->switch_s),
        .turnaround = ticks(s, cfg->turnaround_s),
        .settle = ticks(s, fmax(cfg->settle_s, cfg->surface_s)),
        .rearm = ticks(s, fmax(REARM_S, cfg->surface_s)),
        .prepare = ticks(s, cfg->prepare_s),
        .follow = ticks(s, cfg->follow_s),
        .arm = ticks(s, cfg->arm_s),
    };
    if (s->rate <= 0 || s->period <= 0 || s->response <= 0)
        return status_set(err, ERR_ARG, "schedule: rate, period and response delay must be > 0");
    if (cfg->slot_samps == 0 || cfg->n_slot == 0)
        return status_set(err, ERR_ARG, "schedule: slots must be > 0");
    if (cfg->symbol_samps == 0)
        return status_set(err, ERR_ARG, "schedule: a symbol must be > 0");
    lay_out(s, cfg);
    return check_data(s, cfg, err) ? err->code : check(s, err);
}

void schedule_begin(struct schedule *s, int64_t tick)
{
    s->first = tick <= 0 ? 0 : (tick + s->period - 1) / s->period * s->period;
}

int64_t schedule_next(const struct schedule *s, int64_t index, int64_t earliest)
{
    int64_t begin = schedule_start(s, index) + s->window[WINDOW_SENSING].begin;
    if (begin >= earliest)
        return index;
    return index + (earliest - begin + s->period - 1) / s->period;
}

double schedule_fix_time(const struct schedule *s, int64_t index)
{
    int64_t start = schedule_start(s, index);
    double burst = (double)s->window[WINDOW_BURST].n;
    return (double)start / (double)s->rate + burst / 2 / (double)s->rate;
}
