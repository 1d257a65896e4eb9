/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Which pattern the elements show: static, or stepped by the board's timer after trigger edges.
 * The pattern of the next latch is always shifted out ahead, so a latch costs one pulse.
 * Freestanding, no heap. All calls are serialised by the caller: on a microcontroller requests run
 * with the trigger's and the timer's interrupt masked. */
#pragma once
#include "firmware/core/ris_hw.h"
#include "firmware/core/ris_slots.h"

struct ris_sequencer {
    const struct ris_hw *hw;
    const struct ris_slots *slots;
    uint8_t mode;    /* enum ris_mode */
    uint8_t trigger; /* enum ris_trigger */
    bool single;     /* armed for one APPLY at the edge: arm holds its slot, nothing else */
    struct ris_arm arm;
    uint8_t edge;  /* next or current edge of the sequence */
    uint32_t step; /* of the current edge, to be latched next */
    uint16_t next; /* slot shifted out for the next latch */

    uint8_t shown[RIS_PATTERN_MAX]; /* a copy, as its slot may be loaded anew */
    uint64_t shown_hash;            /* 0 = dark */

    uint32_t edges, stray_edges, sequences;
};

void ris_sequencer_init(struct ris_sequencer *q, const struct ris_hw *hw,
                        const struct ris_slots *slots, enum ris_trigger trigger);

/* Each returns RIS_NACK_NONE or why nothing changed. A new ARM or APPLY replaces an armed
 * sequence; while one steps they are refused. */
enum ris_nack ris_sequencer_arm(struct ris_sequencer *q, const struct ris_arm *arm) MUST_CHECK;
enum ris_nack ris_sequencer_apply(struct ris_sequencer *q, uint16_t slot,
                                  enum ris_when when) MUST_CHECK;
enum ris_nack ris_sequencer_disarm(struct ris_sequencer *q) MUST_CHECK;
enum ris_nack ris_sequencer_trigger(struct ris_sequencer *q, enum ris_trigger source) MUST_CHECK;

/* The armed sequence needs that slot: it must not be loaded now. */
bool ris_sequencer_uses(const struct ris_sequencer *q, uint16_t slot);
uint8_t ris_sequencer_edges_left(const struct ris_sequencer *q);

void ris_sequencer_edge(struct ris_sequencer *q);  /* on the trigger's edge */
void ris_sequencer_timer(struct ris_sequencer *q); /* on each tick of hw->timer */
