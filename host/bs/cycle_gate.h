/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * How the threads of the daemon walk through a cycle together. RX asks for cycle n once its stream
 * requests are out; the schedule thread answers when burst and trigger pulse are queued and the RIS
 * boards have acknowledged; DSP reports when the fix of n is done. RX enters recv for cycle n only
 * with the answer for n, and in a gated room also only after the fix of n-1: then the room's clock,
 * which moves only while RX waits in recv, never makes anybody late. */
#pragma once
#include "host/block_pool.h"

struct cycle_gate;

struct cycle_gate *cycle_gate_create(struct status *err); /* setup only */
void cycle_gate_destroy(struct cycle_gate **gate);

/* What RX asks for: the cycle, and, once its answer is recorded, its train of pilots. */
struct cycle_request {
    enum cycle_part { CYCLE_BURST, CYCLE_PILOTS } part;
    int64_t index;
    uint32_t faults; /* CYCLE_BURST: what is known to touch the cycle already (enum cycle_fault) */
    int64_t by_ns;   /* CYCLE_BURST: clock_ns() at which its burst must be with the radio */
};

/* RX thread: a CYCLE_BURST. */
void cycle_gate_request(struct cycle_gate *gate, const struct cycle_request *request);
/* Waits for the answer to the last request. False once stopped. */
bool cycle_gate_wait_plan(struct cycle_gate *gate, struct cycle_plan *plan);
/* The same without waiting longer than timeout_ms: 1 there it is, 0 not yet, -1 stopped. */
int cycle_gate_look_plan(struct cycle_gate *gate, struct cycle_plan *plan, unsigned timeout_ms);
/* Asks for the boards to be armed for the pilots of cycle `index`, and looks for the answer, *ok,
 * likewise. */
void cycle_gate_ask_pilots(struct cycle_gate *gate, int64_t index);
int cycle_gate_look_pilots(struct cycle_gate *gate, bool *ok, unsigned timeout_ms);
/* Waits until the fix of cycle `index` is done. False once stopped. */
bool cycle_gate_wait_done(struct cycle_gate *gate, int64_t index);

/* Schedule thread. Waits for a request; false once stopped. */
bool cycle_gate_wait_request(struct cycle_gate *gate, struct cycle_request *request);
void cycle_gate_answer(struct cycle_gate *gate, const struct cycle_plan *plan);
void cycle_gate_answer_pilots(struct cycle_gate *gate, bool ok);

/* DSP thread. */
void cycle_gate_done(struct cycle_gate *gate, int64_t index);

/* Any thread: everybody who waits, or will wait, is let go. */
void cycle_gate_stop(struct cycle_gate *gate);
