/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What happens when in a cycle. All times are ticks (samples) relative to the cycle's start, which
 * is the first sample of the sensing burst. Pure data; everything but schedule_init is RT-safe.
 *
 *   |sensing burst + frame|  ...  |response slot| ... |pilots|  communication (reserved) | next
 * cycle ^ trigger by ATR              ^ timed pulse       ^ timed pulse */
#pragma once
#include "frames/status.h"
#include <stdint.h>

struct schedule_cfg {
    double rate_hz;          /* samples per second, whole */
    double period_s;         /* of one cycle */
    double response_delay_s; /* burst start to response start */
    size_t slot_samps;       /* one coded slot, prefix included */
    size_t n_slot, n_rep;    /* slots of a code; repetitions of the code in the burst */
    size_t symbol_samps;     /* one OFDM symbol of a frame, prefix included */
    size_t sensing_symbols;  /* pilot, data and the sync frame's symbol */
    size_t response_symbols; /* pilot and data */
    size_t pilots;           /* of a train; 0: none */
    size_t pilot_samps;      /* one of them, prefix included */
    double pilots_delay_s;   /* burst start to the train's start */
};

enum schedule_window {
    WINDOW_BURST,    /* BS sends: coded slots, then the 40-bit frame */
    WINDOW_SENSING,  /* BS records the burst, with a lead and a tail */
    WINDOW_RESPONSE, /* BS records the user's answer */
    WINDOW_TRIGGER,  /* pulse on the RIS trigger line for the response */
    WINDOW_PILOTS,   /* BS records the user's train of pilots; empty without */
    WINDOW_PILOT_TRIGGER,
    WINDOW_COMM, /* reserved for communication */
    WINDOW_COUNT
};

struct schedule_span {
    int64_t begin; /* relative to the cycle's start; a lead makes it negative */
    int64_t n;     /* samples */
};

struct schedule {
    int64_t rate;     /* ticks per second */
    int64_t period;   /* ticks */
    int64_t first;    /* tick of cycle index 0 */
    int64_t slot;     /* ticks of one coded slot */
    int64_t response; /* nominal start of the answer */
    int64_t pilots;   /* nominal start of the train */
    int64_t pilot;    /* ticks of one pilot */
    struct schedule_span window[WINDOW_COUNT];
};

/* Setup only. ERR_ARG with the numbers in *err when windows overlap or do not fit in the period. */
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

const char *schedule_window_name(enum schedule_window window);
