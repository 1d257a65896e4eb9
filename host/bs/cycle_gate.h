/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * How the threads of the daemon walk through a cycle together. RX asks for cycle n once its stream
 * requests are out; the schedule thread answers when burst and trigger pulse are queued and the RIS
 * boards have acknowledged; DSP reports when the fix of n is done, which the data of n wait for. RX
 * enters recv for cycle n only with the answer for n, and in a gated room also only after the fix
 * of n-1: then the room's clock, which moves only while RX waits in recv, never makes anybody late.
 */
#pragma once
#include "host/block_pool.h"

struct cycle_gate;

struct cycle_gate *cycle_gate_create(struct status *err); /* setup only */
void cycle_gate_destroy(struct cycle_gate **gate);

/* What RX asks for: the cycle, and, once its answer is recorded, its train of pilots and its data.
 * CYCLE_REST, between cycles: a look at what the surfaces still show. */
enum cycle_part { CYCLE_BURST, CYCLE_PILOTS, CYCLE_DATA, CYCLE_REST, CYCLE_PARTS };

struct cycle_request {
    enum cycle_part part;
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
/* Asks for another part of cycle `index`, and looks for the answer likewise: CYCLE_PILOTS, whether
 * the boards are armed; CYCLE_DATA, what was sent (enum link_slot_kind); CYCLE_REST, nothing, index
 * counts up. One part at a time. */
void cycle_gate_ask(struct cycle_gate *gate, enum cycle_part part, int64_t index);
int cycle_gate_look(struct cycle_gate *gate, enum cycle_part part, int *answer,
                    unsigned timeout_ms);
/* Waits until the fix of cycle `index` is done. False once stopped. */
bool cycle_gate_wait_done(struct cycle_gate *gate, int64_t index);
/* The same without waiting longer than timeout_ms: 1 it is, 0 not yet, -1 stopped. Any thread. */
int cycle_gate_look_done(struct cycle_gate *gate, int64_t index, unsigned timeout_ms);

/* Schedule thread. Waits for a request; false once stopped. */
bool cycle_gate_wait_request(struct cycle_gate *gate, struct cycle_request *request);
void cycle_gate_answer(struct cycle_gate *gate, const struct cycle_plan *plan);
void cycle_gate_answer_part(struct cycle_gate *gate, enum cycle_part part, int answer);

/* DSP thread. */
void cycle_gate_done(struct cycle_gate *gate, int64_t index);

/* Any thread: everybody who waits, or will wait, is let go. */
void cycle_gate_stop(struct cycle_gate *gate);
