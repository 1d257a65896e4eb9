/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What happens when in a cycle. All times are ticks (samples) relative to the cycle's start, which
 * is the first sample of the sensing burst. Pure data; everything but schedule_init is RT-safe.
 *
 *   |sensing burst + frame| ... |response slot| ... |pilots| ... |downlink| |uplink| ... | next
 * cycle ^ trigger by ATR            ^ timed pulse       ^ timed pulse
 *
 * Between two windows lie guards (schedule_gaps); windows that overlap, or leave less, are refused.
 */
#pragma once
#include "frames/status.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct schedule_cfg {
    double rate_hz;          /* samples per second, whole */
    double period_s;         /* of one cycle */
    double response_delay_s; /* burst start to response start */
    size_t slot_samps;       /* one coded slot, prefix included */
    size_t n_slot, n_rep;    /* slots of a code; repetitions in the burst, 0: frame alone */
    size_t symbol_samps;     /* one OFDM symbol of a frame, prefix included */
    size_t sensing_symbols;  /* pilot, data and the sync frame's symbol */
    size_t response_symbols; /* pilot and data */
    size_t pilots;           /* of a train; 0: none */
    size_t pilot_samps;      /* one of them, prefix included */
    double pilots_delay_s;   /* burst start to the train's start */
    bool data;               /* the data link has its slots; else the numbers below say nothing */
    double downlink_s, downlink_delay_s; /* length; burst start to slot start */
    double uplink_s, uplink_delay_s;
    double switch_s;     /* guard: a radio turns from sending to hearing, or back */
    double turnaround_s; /* guard: between the two slots of data, and before the next cycle */
    double settle_s;     /* guard: from the surfaces' last step to a slot of data */
    double surface_s; /* until a surface shows another profile: settle_s and re-arming are longer */
    double follow_s;  /* guard: before the next cycle, when surfaces take another profile for it */
    double arm_s;     /* and before that, for the boards to acknowledge it */
    double prepare_s; /* guard: from the answer's end to a slot of data: fix, permission, orders */
};

enum schedule_window {
    WINDOW_BURST,    /* BS sends: coded slots, then the 40-bit frame */
    WINDOW_SENSING,  /* BS records the burst, with a lead and a tail */
    WINDOW_RESPONSE, /* BS records the user's answer */
    WINDOW_TRIGGER,  /* pulse on the RIS trigger line for the response */
    WINDOW_PILOTS,   /* BS records the user's train of pilots; empty without */
    WINDOW_PILOT_TRIGGER,
    WINDOW_DOWNLINK, /* BS sends data; empty without the data link */
    WINDOW_UPLINK,   /* BS records the user's data, with a lead and a tail; likewise */
    WINDOW_COUNT
};

struct schedule_span {
    int64_t begin; /* relative to the cycle's start; a lead makes it negative */
    int64_t n;     /* samples */
};

struct schedule {
    int64_t rate;                            /* ticks per second */
    int64_t period;                          /* ticks */
    int64_t first;                           /* tick of cycle index 0 */
    int64_t slot;                            /* ticks of one coded slot */
    int64_t response;                        /* nominal start of the answer */
    int64_t pilots;                          /* nominal start of the train */
    int64_t pilot;                           /* ticks of one pilot */
    int64_t downlink, uplink;                /* nominal starts of the slots of data */
    size_t downlink_symbols, uplink_symbols; /* whole OFDM symbols in them; 0: no data link */
    struct schedule_span window[WINDOW_COUNT];
    struct schedule_guards {
        int64_t turn, turnaround, settle, rearm, prepare, follow, arm; /* ticks */
    } guard;
};

/* Why nothing may happen between two windows. */
enum schedule_guard {
    GUARD_NONE,
    GUARD_SWITCH,     /* a radio turns from sending to hearing, or back */
    GUARD_TURNAROUND, /* orders for what comes next */
    GUARD_SETTLE,     /* the surfaces come to rest */
    GUARD_REARM,      /* the boards take the pilots' sequence */
    GUARD_PREPARE,    /* fix and permission, which the data need */
    GUARD_FOLLOW,     /* boards acknowledge the next cycle's profile, surfaces take it and rest */
    GUARD_COUNT
};

/* Before each window but the first, and at the end of the cycle. */
struct schedule_gap {
    enum schedule_window after, before; /* before: WINDOW_SENSING is the next cycle's */
    enum schedule_guard guard;          /* the one that binds */
    int64_t begin, need;                /* end of `after`; ticks of the guard */
    int64_t next;                       /* begin of `before` */
};

/* Setup only. ERR_ARG, with both windows, the numbers and the key to change in *err, when windows
 * overlap, leave less than their guard or do not fit in the period. */
int schedule_init(struct schedule *s, const struct schedule_cfg *cfg,
                  struct status *err) MUST_CHECK;

/* Cycle 0 starts at the first multiple of the period at or after `tick`. */
void schedule_begin(struct schedule *s, int64_t tick);

static inline int64_t schedule_start(const struct schedule *s, int64_t index)
{
    return s->first + index * s->period;
}

/* First cycle index >= index whose windows all begin at or after `earliest`. */
int64_t schedule_next(const struct schedule *s, int64_t index, int64_t earliest);

/* Device time of the middle of the coded burst of a cycle: the time a fix is valid for [s]. */
double schedule_fix_time(const struct schedule *s, int64_t index);

/* In the order of time. Returns how many. */
size_t schedule_gaps(const struct schedule *s, struct schedule_gap gap[WINDOW_COUNT]);

const char *schedule_window_name(enum schedule_window window);
const char *schedule_guard_name(enum schedule_guard guard);
