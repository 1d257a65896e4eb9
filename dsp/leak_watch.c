/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "dsp/leak_watch.h"
#include <math.h>
#include <string.h>

/* A step of exactly the limit must not hide behind rounding and noise (leak taps stand more than
 * 60 dB over their noise). */
#define MARGIN 0.95

void leak_watch_reset(struct leak_watch *watch)
{
    watch->known = false;
}

static float db(float ratio)
{
    return 10 * log10f(fmaxf(ratio, 1e-20f));
}

static bool gain_moved(const struct leak_watch *w, const cplxf *tap, size_t a)
{
    const float now = cplxf_norm(tap[a]), before = fmaxf(cplxf_norm(w->tap[a]), 1e-30f);
    return fabsf(db(now / before)) >= (float)(MARGIN * LEAK_STEP_DB) ||
           db(now / fmaxf(w->first[a], 1e-30f)) < (float)-LEAK_GONE_DB;
}

/* arg(now_a / before_a) - arg(now_b / before_b) */
static bool phase_moved(const struct leak_watch *w, const cplxf *tap, size_t a, size_t b)
{
    const cplxf turn_a = tap[a] * conjf(w->tap[a]), turn_b = tap[b] * conjf(w->tap[b]);
    return fabsf(cargf(turn_a * conjf(turn_b))) >= (float)(MARGIN * LEAK_STEP_RAD);
}

bool leak_watch_look(struct leak_watch *w, const cplxf *tap, size_t n_ant)
{
    bool moved = false;
    for (size_t a = 0; w->known && a < n_ant; a++) {
        moved |= gain_moved(w, tap, a);
        for (size_t b = a + 1; b < n_ant; b++)
            moved |= phase_moved(w, tap, a, b);
    }
    for (size_t a = 0; !w->known && a < n_ant; a++)
        w->first[a] = cplxf_norm(tap[a]);
    memcpy(w->tap, tap, n_ant * sizeof *tap);
    w->known = true;
    return moved;
}

void leak_watch_state(struct leak_watch *watch, struct state_io *io)
{
    state_flag(io, &watch->known);
    state_cplxf(io, watch->tap, STREAM_MAX_ANT);
    state_bytes(io, watch->first, sizeof watch->first);
}
