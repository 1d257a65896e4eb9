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
/* How a driver shows a pattern; it calls text_slots_shown when the board does. */
typedef int text_slots_show(struct board *board, const uint8_t *pattern, struct board_ack *ack,
                            struct status *err);
/* A sequence that stays with its idle profile at every edge needs no trigger: that profile is shown
 * and acknowledged as the sequence. Any other is refused. NULL: disarmed, and nothing changes. */
int text_slots_arm(struct text_slots *s, const struct ris_arm *arm, text_slots_show *show,
                   struct board *board, struct board_ack *ack, struct status *err);
int text_slots_trigger(struct text_slots *s, enum ris_trigger source, struct board_ack *ack,
                       struct status *err);
/* A slot, or with RIS_SLOT_ACTIVE what was last sent. */
int text_slots_readback(const struct text_slots *s, uint16_t slot, struct board_readback *out,
                        struct status *err);
void text_slots_state(const struct text_slots *s, struct ris_state *out);
