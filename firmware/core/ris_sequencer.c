/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "firmware/core/ris_sequencer.h"

void ris_sequencer_init(struct ris_sequencer *q, const struct ris_hw *hw,
                        const struct ris_slots *slots, enum ris_trigger trigger)
{
    *q = (struct ris_sequencer){
        .hw = hw, .slots = slots, .mode = RIS_DARK, .trigger = (uint8_t)trigger};
    hw->trigger(hw->ctx, trigger);
}

static void prepare(struct ris_sequencer *q, uint16_t slot)
{
    q->next = slot;
    q->hw->shift(q->hw->ctx, ris_slots_pattern(q->slots, slot), ris_pattern_bytes(q->slots->shape));
}

static void latch_next(struct ris_sequencer *q)
{
    const uint8_t *pattern = ris_slots_pattern(q->slots, q->next);
    size_t n = ris_pattern_bytes(q->slots->shape);
    q->hw->latch(q->hw->ctx);
    for (size_t i = 0; i < n; i++)
        q->shown[i] = pattern[i];
    q->shown_hash = q->slots->hashes[q->next];
}

static void show(struct ris_sequencer *q, uint16_t slot)
{
    prepare(q, slot);
    latch_next(q);
}

static bool armed(const struct ris_sequencer *q)
{
    return q->mode == RIS_ARMED || q->mode == RIS_RUNNING;
}

static bool commit(const struct ris_sequencer *q, struct ris_change change)
{
    change.trigger = q->trigger;
    change.slots = q->slots;
    return q->hw->commit == NULL || q->hw->commit(q->hw->ctx, &change) == 0;
}

static enum ris_nack arm_refusal(const struct ris_sequencer *q, const struct ris_arm *arm)
{
    if (q->mode == RIS_RUNNING)
        return RIS_NACK_BUSY;
    if (q->trigger == RIS_TRIGGER_NONE)
        return RIS_NACK_TRIGGER;
    enum ris_nack refusal = ris_slots_check(q->slots, arm->idle);
    for (size_t k = 0; k < arm->n_steps && refusal == RIS_NACK_NONE; k++)
        refusal = ris_slots_check(q->slots, arm->steps[k]);
    return refusal;
}

enum ris_nack ris_sequencer_arm(struct ris_sequencer *q, const struct ris_arm *arm)
{
    enum ris_nack refusal = arm_refusal(q, arm);
    if (refusal != RIS_NACK_NONE)
        return refusal;
    if (!commit(q, (struct ris_change){.kind = RIS_REPORT_ARM, .arm = arm}))
        return RIS_NACK_HARDWARE;
    q->arm = *arm;
    q->single = false;
    q->edge = 0;
    show(q, arm->idle);
    prepare(q, arm->steps[0]);
    q->mode = RIS_ARMED;
    return RIS_NACK_NONE;
}

static enum ris_nack apply_at_edge(struct ris_sequencer *q, uint16_t slot)
{
    if (q->trigger == RIS_TRIGGER_NONE)
        return RIS_NACK_TRIGGER;
    if (!commit(q, (struct ris_change){.kind = RIS_REPORT_APPLY_AT_EDGE,
                                       .slot = slot,
                                       .shown = q->shown_hash == 0 ? NULL : q->shown}))
        return RIS_NACK_HARDWARE;
    q->arm = (struct ris_arm){.idle = slot, .n_edges = 1, .n_steps = 1, .reps = {1}};
    q->arm.steps[0] = slot;
    q->single = true;
    q->edge = 0;
    prepare(q, slot);
    q->mode = RIS_ARMED;
    return RIS_NACK_NONE;
}

enum ris_nack ris_sequencer_apply(struct ris_sequencer *q, uint16_t slot, enum ris_when when)
{
    enum ris_nack refusal = ris_slots_check(q->slots, slot);
    if (refusal != RIS_NACK_NONE)
        return refusal;
    if (q->mode == RIS_RUNNING)
        return RIS_NACK_BUSY;
    if (when == RIS_AT_EDGE)
        return apply_at_edge(q, slot);
    if (!commit(q, (struct ris_change){.kind = RIS_REPORT_APPLY, .slot = slot}))
        return RIS_NACK_HARDWARE;
    show(q, slot);
    q->mode = RIS_IDLE;
    return RIS_NACK_NONE;
}

enum ris_nack ris_sequencer_disarm(struct ris_sequencer *q)
{
    if (!armed(q))
        return RIS_NACK_NONE;
    bool keep = q->single; /* an APPLY that waits for its edge has shown nothing yet */
    const uint8_t *shown = keep ? q->shown : ris_slots_pattern(q->slots, q->arm.idle);
    if (keep && q->shown_hash == 0)
        shown = NULL;
    if (!commit(q, (struct ris_change){.kind = RIS_REPORT_DISARM, .shown = shown}))
        return RIS_NACK_HARDWARE;
    q->hw->timer(q->hw->ctx, 0, 0);
    if (!keep)
        show(q, q->arm.idle);
    else if (shown != NULL) /* so that the chain reads back what shows */
        q->hw->shift(q->hw->ctx, q->shown, ris_pattern_bytes(q->slots->shape));
    q->mode = shown == NULL ? RIS_DARK : RIS_IDLE;
    return RIS_NACK_NONE;
}

enum ris_nack ris_sequencer_trigger(struct ris_sequencer *q, enum ris_trigger source)
{
    if (source == q->trigger)
        return RIS_NACK_NONE;
    if (armed(q))
        return RIS_NACK_BUSY;
    q->trigger = (uint8_t)source;
    q->hw->trigger(q->hw->ctx, source);
    return RIS_NACK_NONE;
}

bool ris_sequencer_uses(const struct ris_sequencer *q, uint16_t slot)
{
    bool used = slot == q->arm.idle;
    if (!armed(q))
        return false;
    for (size_t k = 0; k < q->arm.n_steps; k++)
        used = used || q->arm.steps[k] == slot;
    return used;
}

uint8_t ris_sequencer_edges_left(const struct ris_sequencer *q)
{
    return armed(q) ? (uint8_t)(q->arm.n_edges - q->edge) : 0;
}

void ris_sequencer_edge(struct ris_sequencer *q)
{
    q->edges++;
    if (q->mode != RIS_ARMED) {
        q->stray_edges++;
        return;
    }
    if (q->single) {
        latch_next(q);
        q->sequences++;
        q->mode = RIS_IDLE;
        return;
    }
    q->mode = RIS_RUNNING;
    q->step = 0;
    q->hw->timer(q->hw->ctx, q->arm.delay_ns, q->arm.period_ns);
}

/* The idle profile has just been latched behind the last step of an edge. */
static void end_edge(struct ris_sequencer *q)
{
    q->hw->timer(q->hw->ctx, 0, 0);
    q->edge++;
    if (q->edge < q->arm.n_edges) {
        prepare(q, q->arm.steps[0]);
        q->mode = RIS_ARMED;
    } else {
        q->sequences++;
        q->mode = RIS_IDLE;
    }
}

void ris_sequencer_timer(struct ris_sequencer *q)
{
    if (q->mode != RIS_RUNNING)
        return; /* a tick that was on its way when the sequence ended */
    uint32_t total = (uint32_t)q->arm.reps[q->edge] * q->arm.n_steps;
    latch_next(q);
    q->step++;
    if (q->step < total)
        prepare(q, q->arm.steps[q->step % q->arm.n_steps]);
    else if (q->step == total)
        prepare(q, q->arm.idle);
    else
        end_edge(q);
}
