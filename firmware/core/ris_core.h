/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The logic of a RIS board: bytes of the packet protocol in, answers out, patterns to the elements.
 * One core runs on the microcontroller, as the simulated room's native board, and under the fuzzer.
 * Freestanding, no heap; calls are serialised by the caller (see ris_sequencer.h). */
#pragma once
#include "firmware/core/ris_hw.h"
#include "firmware/core/ris_sequencer.h"
#include "firmware/core/ris_slots.h"
#include "frames/ris_decoder.h"

#define RIS_CORE_VERSION 0x0001 /* major << 8 | minor */

struct ris_core_cfg {
    struct ris_shape shape;
    uint16_t n_slots;         /* 1..65534 */
    uint8_t *patterns;        /* [n_slots x ris_pattern_bytes(shape)], the core's from now on */
    uint64_t *hashes;         /* [n_slots], likewise */
    uint32_t boot_id;         /* another one after each reset */
    enum ris_trigger trigger; /* source until told otherwise */
};

struct ris_core {
    struct ris_hw hw;
    uint32_t boot_id;
    struct ris_slots slots;
    struct ris_sequencer sequencer;
    struct ris_decoder decoder;
    struct ris_msg request, reply;

    uint8_t answer[RIS_WIRE_MAX]; /* the last one, for a repeated request */
    size_t n_answer;
    uint32_t answered; /* CRC-32 of that request: it covers type, number and body */
    bool have_answer;

    uint16_t supply_mv; /* for STATUS, 0 = not known; the program's to write between two bytes */
    uint32_t packets, nacks;
    uint8_t last_nack; /* enum ris_nack */
};

/* Returns 0, or ERR_ARG when cfg is out of range. hw is copied, every entry but commit is set; the
 * core stays where it is from then on. */
int ris_core_init(struct ris_core *core, const struct ris_core_cfg *cfg,
                  const struct ris_hw *hw) MUST_CHECK;

/* One byte from the controller; answers through hw->send when it completes a request. */
void ris_core_byte(struct ris_core *core, uint8_t byte);

void ris_core_edge(struct ris_core *core);  /* the trigger's edge */
void ris_core_timer(struct ris_core *core); /* a tick of hw->timer */

void ris_core_state(const struct ris_core *core, struct ris_state *out);
