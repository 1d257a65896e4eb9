/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ris_ctrl/text_slots.h"
#include "base/log.h"
#include "ris_ctrl/clock.h"
#include <string.h>

int text_slots_init(struct text_slots *s, const struct board_cfg *cfg, struct status *err)
{
    *s = (struct text_slots){.cfg = cfg, .opened_us = clock_us()};
    s->store = store_create(cfg->shape, cfg->n_slots);
    return s->store != NULL
               ? OK
               : status_set(err, ERR_NO_MEMORY,
                            "board %s: no memory for its slots; configure fewer", cfg->name);
}

void text_slots_free(struct text_slots *s)
{
    store_destroy(&s->store);
}

static void acknowledge(const struct text_slots *s, uint64_t hash, struct board_ack *ack)
{
    *ack = (struct board_ack){.hash = hash,
                              .board_us = (uint64_t)(clock_us() - s->opened_us),
                              .time_ns = clock_unix_ns()};
}

int text_slots_load(struct text_slots *s, uint16_t slot, const uint8_t *pattern,
                    struct board_ack *ack, struct status *err)
{
    if (slot >= store_size(s->store))
        return status_set(err, ERR_STATE,
                          "board %s: slot number beyond the table; use a slot below %u",
                          s->cfg->name, store_size(s->store));
    store_put(s->store, slot, pattern);
    acknowledge(s, ris_profile_hash(s->cfg->shape, pattern), ack);
    return OK;
}

static int no_trigger(const struct text_slots *s, struct status *err)
{
    return status_set(err, ERR_STATE,
                      "board %s: has no trigger input, so it plays no sequences; use a board with "
                      "our firmware for that",
                      s->cfg->name);
}

const uint8_t *text_slots_get(const struct text_slots *s, uint16_t slot, enum ris_when when,
                              struct status *err)
{
    const uint8_t *pattern = store_get(s->store, slot);
    if (when != RIS_NOW) {
        no_trigger(s, err);
        return NULL;
    }
    if (pattern == NULL)
        status_set(err, ERR_STATE, "board %s: slot never loaded; load the slot first",
                   s->cfg->name);
    return pattern;
}

void text_slots_shown(struct text_slots *s, const uint8_t *pattern, struct board_ack *ack)
{
    s->lit = true;
    memmove(s->shown, pattern, ris_pattern_bytes(s->cfg->shape));
    s->shown_hash = ris_profile_hash(s->cfg->shape, pattern);
    acknowledge(s, s->shown_hash, ack);
}

/* What has to be shown for it; NULL: it would change at an edge. */
static const uint8_t *still(const struct text_slots *s, const struct ris_arm *arm,
                            struct status *err)
{
    for (size_t k = 0; k < arm->n_steps; k++)
        if (arm->steps[k] != arm->idle) {
            no_trigger(s, err);
            return NULL;
        }
    return text_slots_get(s, arm->idle, RIS_NOW, err);
}

static void armed(struct text_slots *s, const struct ris_arm *arm, struct board_ack *ack)
{
    uint64_t hash[RIS_STEPS_MAX + 1];
    for (size_t k = 0; k <= arm->n_steps; k++)
        hash[k] = s->shown_hash;
    s->tag = arm->tag;
    acknowledge(s, ris_arm_hash(hash, arm->n_steps + 1u), ack);
}

int text_slots_arm(struct text_slots *s, const struct ris_arm *arm, text_slots_show *show,
                   struct board *board, struct board_ack *ack, struct status *err)
{
    if (arm == NULL) {
        acknowledge(s, s->shown_hash, ack);
        return OK;
    }
    const uint8_t *pattern = still(s, arm, err);
    if (pattern == NULL)
        return err->code;
    int r = show(board, pattern, ack, err);
    if (r == OK)
        armed(s, arm, ack);
    return r;
}

int text_slots_trigger(struct text_slots *s, enum ris_trigger source, struct board_ack *ack,
                       struct status *err)
{
    if (source != RIS_TRIGGER_NONE)
        return no_trigger(s, err);
    acknowledge(s, s->shown_hash, ack);
    return OK;
}

int text_slots_readback(const struct text_slots *s, uint16_t slot, struct board_readback *out,
                        struct status *err)
{
    const uint8_t *pattern = s->lit ? s->shown : NULL;
    if (slot != RIS_SLOT_ACTIVE)
        pattern = store_get(s->store, slot);
    if (pattern == NULL)
        return status_set(err, ERR_STATE, "board %s: slot never loaded; load the slot first",
                          s->cfg->name);
    *out = (struct board_readback){.shape = s->cfg->shape, .unread = true};
    memcpy(out->pattern, pattern, ris_pattern_bytes(s->cfg->shape));
    out->hash = ris_profile_hash(out->shape, out->pattern);
    return OK;
}

void text_slots_state(const struct text_slots *s, struct ris_state *out)
{
    *out = (struct ris_state){.uptime_ms = (uint32_t)((clock_us() - s->opened_us) / 1000),
                              .mode = s->lit ? RIS_IDLE : RIS_DARK,
                              .tag = s->tag,
                              .shown = s->lit ? s->shown_hash : 0};
    for (uint16_t i = 0; i < store_size(s->store); i++)
        out->slots_loaded = (uint16_t)(out->slots_loaded + (store_get(s->store, i) != NULL));
}
