/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What boards without memory and trigger have in common: their slots live here, and sequences that
 * would change what shows at an edge are refused with a cure. */
#pragma once
#include "ris_ctrl/board.h"
#include "ris_ctrl/store.h"

struct text_slots {
    const struct board_cfg *cfg;
    struct store *store;
    bool lit; /* something was shown since the board was opened */
    uint8_t shown[RIS_PATTERN_MAX];
    uint64_t shown_hash;
    uint32_t tag; /* of the last sequence */
    int64_t opened_us;
};

/* ERR_NO_MEMORY. cfg outlives it. */
int text_slots_init(struct text_slots *s, const struct board_cfg *cfg,
                    struct status *err) MUST_CHECK;
void text_slots_free(struct text_slots *s);

int text_slots_load(struct text_slots *s, uint16_t slot, const uint8_t *pattern,
                    struct board_ack *ack, struct status *err);
/* The pattern to be shown; NULL says why not (also for a trigger that the board does not have). */
const uint8_t *text_slots_get(const struct text_slots *s, uint16_t slot, enum ris_when when,
                              struct status *err);
void text_slots_shown(struct text_slots *s, const uint8_t *pattern, struct board_ack *ack);
/* A sequence that stays with its idle profile at every edge needs no trigger: the pattern that has
 * to be shown now, after which text_slots_armed acknowledges it. NULL says why not: any other. */
const uint8_t *text_slots_still(const struct text_slots *s, const struct ris_arm *arm,
                                struct status *err);
void text_slots_armed(struct text_slots *s, const struct ris_arm *arm, struct board_ack *ack);
void text_slots_disarm(const struct text_slots *s, struct board_ack *ack); /* nothing changes */
int text_slots_trigger(struct text_slots *s, enum ris_trigger source, struct board_ack *ack,
                       struct status *err);
/* A slot, or with RIS_SLOT_ACTIVE what was last sent. */
int text_slots_readback(const struct text_slots *s, uint16_t slot, struct board_readback *out,
                        struct status *err);
void text_slots_state(const struct text_slots *s, struct ris_state *out);
