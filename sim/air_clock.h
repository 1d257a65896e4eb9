/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The room's clock, its gate, and who takes part. Ungated, time is CLOCK_MONOTONIC x speed. Gated,
 * it jumps from tick to tick: it moves only when every thread that takes part waits (in recv, or in
 * a send or message wait of a thread that has called recv), every open TX burst reaches beyond, the
 * room has handled all events and its horizon covers the target; pace is capped at speed, and at 1
 * where that is 0 and one of the gate has left. */
#pragma once
#include "sim/air.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Takes the radio for this process. ERR_BUSY: a live process holds it. */
int air_join(struct air *air, unsigned radio, struct status *err) MUST_CHECK;
/* lost: its device has gone (DEVICE_GONE), and this process looks for it: gated time waits for the
 * process to call air_device_there until that succeeds or it ends. */
void air_leave(struct air *air, unsigned radio, bool lost);
/* False while a DEVICE_GONE holds. The process that has lost it waits here for 0.1 s of room time
 * first when the room is gated: there is no other way for it to see time pass. */
bool air_device_there(struct air *air, unsigned radio);

/* Device sample index of the radio's own clock at a tick (floor), and the first tick at or after a
 * device sample. */
int64_t air_tick_to_samp(const struct air *air, unsigned radio, int64_t tick);
int64_t air_samp_to_tick(const struct air *air, unsigned radio, int64_t samp);

/* The calling thread becomes a participant (stream: which streamer it reads). */
int air_gate_enter(struct air *air, unsigned radio, uint64_t stream) MUST_CHECK; /* ERR_NO_SPACE */
/* Threads that last read this streamer leave the gate. */
void air_gate_leave(struct air *air, unsigned radio, uint64_t stream);
/* Waiting threads of the radio must look again before time moves on: call after any change that
 * could alter what they wait for. */
void air_gate_kick(struct air *air, unsigned radio);

/* Waits until the clock (and, when channel is set, the room's horizon) reaches tick, something
 * changes that may interest the caller, or 0.1 s of wall time passed. Returns true once reached. A
 * thread in the gate counts as waiting for `tick` from the first call until it returns true or
 * calls air_wait_end; so call in a loop, looking at one's own conditions in between. */
struct air_wait {
    int64_t tick;
    bool channel;
    uint32_t seen; /* from air_wait_begin */
};
void air_wait_begin(struct air *air, struct air_wait *wait, int64_t tick, bool channel);
bool air_wait_step(struct air *air, struct air_wait *wait);
void air_wait_end(struct air *air);

/* Rate change of a private room without traffic (time in seconds goes on). */
void air_set_rate(struct air *air, double rate_hz);

#ifdef __cplusplus
}
#endif
