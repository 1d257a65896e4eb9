/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The train of live pilots: which cycles carry one, over which surface, in which order. Base
 * station and user compute it from the cycle number and the same configuration; nothing is
 * announced. Pilot i is one slot of the sensing sequence (a prefix of one period, in which the
 * surface switches, then `periods` periods) under profile i / 2 with sign pilot_sign(i):
 * W1, -W1, -W2, W2, W3, ... so that a linear drift alternates. docs/calibration.md, "Live". */
#pragma once
#include <stdbool.h>

#include "dsp/waveform.h"

enum { PILOTS_MIN = 12, PILOTS_MAX = 62 };

enum pilot_choice { PILOTS_ALTERNATE, PILOTS_RIS1, PILOTS_RIS2 };

struct pilot_train {
    int every;      /* cycles from train to train; 0: none */
    int n;          /* pilots, even, PILOTS_MIN..PILOTS_MAX */
    int periods;    /* of one pilot after its prefix, 1..8 */
    int which;      /* enum pilot_choice */
    double delay_s; /* start of the cycle's burst to start of the train */
};

static inline bool pilot_train_due(const struct pilot_train *t, uint64_t cycle)
{
    return t->every > 0 && cycle % (uint64_t)t->every == 0;
}

/* Surface that steps, 0 or 1; the other one holds still. */
static inline size_t pilot_train_ris(const struct pilot_train *t, uint64_t cycle)
{
    if (t->which != PILOTS_ALTERNATE)
        return t->which == PILOTS_RIS2;
    return cycle / (uint64_t)t->every % 2;
}

static inline int pilot_sign(size_t pilot)
{
    return (pilot % 4 == 0 || pilot % 4 == 3) ? 1 : -1;
}

/* The sensing waveform cut to pilots. */
static inline struct waveform_cfg pilot_train_waveform(const struct pilot_train *t,
                                                       struct waveform_cfg wave)
{
    wave.periods = (size_t)t->periods;
    return wave;
}
