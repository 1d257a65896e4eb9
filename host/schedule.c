/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "host/schedule.h"
#include "base/log.h"
#include <math.h>

#define LEAD_SENSING_S  1e-6
#define LEAD_RESPONSE_S 20.48e-6 /* two periods of silence, to see the answer begin */
#define TAIL_S          64e-6 /* delay spread, the device's own latency, the user's clock error */
#define TRIGGER_S       10e-6
#define REARM_S         20e-3 /* boards take the pilots' sequence between the answer and the train */
#define GUARD_S         500e-6 /* between response and communication, and before the next cycle */

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
        "pilots",        "pilot trigger",   "communication",
    };
    return names[window];
}

static void lay_out(struct schedule *s, const struct schedule_cfg *cfg)
{
    int64_t code = (int64_t)(cfg->slot_samps * cfg->n_slot);
    int64_t burst =
        code * (int64_t)cfg->n_rep + (int64_t)(cfg->sensing_symbols * cfg->symbol_samps);
    int64_t answer = code + (int64_t)(cfg->response_symbols * cfg->symbol_samps);
    int64_t lead_a = ticks(s, LEAD_SENSING_S), lead_b = ticks(s, LEAD_RESPONSE_S);
    struct schedule_span *w = s->window;
    w[WINDOW_BURST] = (struct schedule_span){0, burst};
    w[WINDOW_SENSING] = (struct schedule_span){-lead_a, lead_a + burst + ticks(s, TAIL_S)};
    w[WINDOW_RESPONSE] =
        (struct schedule_span){s->response - lead_b, lead_b + answer + ticks(s, TAIL_S)};
    w[WINDOW_TRIGGER] = (struct schedule_span){s->response, ticks(s, TRIGGER_S)};
    int64_t train = (int64_t)(cfg->pilots * cfg->pilot_samps);
    w[WINDOW_PILOTS] = (struct schedule_span){span_end(&w[WINDOW_RESPONSE]), 0};
    w[WINDOW_PILOT_TRIGGER] = (struct schedule_span){s->pilots, ticks(s, TRIGGER_S)};
    if (train > 0)
        w[WINDOW_PILOTS] =
            (struct schedule_span){s->pilots - lead_b, lead_b + train + ticks(s, TAIL_S)};
    int64_t comm = span_end(&w[WINDOW_PILOTS]) + ticks(s, GUARD_S);
    w[WINDOW_COMM] = (struct schedule_span){comm, s->period - lead_a - ticks(s, GUARD_S) - comm};
}

static int check(const struct schedule *s, struct status *err)
{
    const struct schedule_span *w = s->window;
    const double ms = 1e3 / (double)s->rate;
    if (w[WINDOW_RESPONSE].begin < span_end(&w[WINDOW_SENSING]))
        return status_set(err, ERR_ARG,
                          "schedule: the response capture begins %.3f ms into the cycle but the "
                          "sensing capture ends at %.3f ms: raise schedule.response_delay_s",
                          (double)w[WINDOW_RESPONSE].begin * ms,
                          (double)span_end(&w[WINDOW_SENSING]) * ms);
    if (w[WINDOW_PILOTS].n > 0 &&
        w[WINDOW_PILOTS].begin < span_end(&w[WINDOW_RESPONSE]) + ticks(s, REARM_S))
        return status_set(
            err, ERR_ARG,
            "schedule: the pilots begin %.3f ms into the cycle, but the boards are free "
            "for them only at %.3f ms: raise pixels.delay_s",
            (double)w[WINDOW_PILOTS].begin * ms,
            (double)(span_end(&w[WINDOW_RESPONSE]) + ticks(s, REARM_S)) * ms);
    if (w[WINDOW_COMM].n < 0)
        return status_set(
            err, ERR_ARG,
            "schedule: sensing, response and pilots take %.3f ms with guards, more than the "
            "period of %.3f ms: raise schedule.cycle_period_s",
            (double)(s->period - w[WINDOW_COMM].n) * ms, (double)s->period * ms);
    return OK;
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
    if (s->rate <= 0 || s->period <= 0 || s->response <= 0)
        return status_set(err, ERR_ARG, "schedule: rate, period and response delay must be > 0");
    if (cfg->slot_samps == 0 || cfg->n_slot == 0 || cfg->n_rep == 0)
        return status_set(err, ERR_ARG, "schedule: slots and repetitions must be > 0");
    lay_out(s, cfg);
    return check(s, err);
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
