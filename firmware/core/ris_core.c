/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "firmware/core/ris_core.h"

#define CRC_BYTES  4
#define FROM_BOARD 0x80 /* bit of the types that only boards send */

int ris_core_init(struct ris_core *core, const struct ris_core_cfg *cfg, const struct ris_hw *hw)
{
    if (!ris_shape_valid(cfg->shape) || cfg->n_slots == 0 || cfg->n_slots == RIS_SLOT_ACTIVE ||
        cfg->trigger > RIS_TRIGGER_FALLING)
        return ERR_ARG;
    core->hw = *hw;
    core->boot_id = cfg->boot_id;
    core->have_answer = false;
    core->packets = core->nacks = 0;
    core->last_nack = RIS_NACK_NONE;
    core->supply_mv = 0;
    ris_slots_init(&core->slots, cfg->shape, cfg->n_slots, cfg->patterns, cfg->hashes);
    ris_sequencer_init(&core->sequencer, &core->hw, &core->slots, cfg->trigger);
    ris_decoder_init(&core->decoder);
    return OK;
}

void ris_core_state(const struct ris_core *core, struct ris_state *out)
{
    const struct ris_sequencer *q = &core->sequencer;
    *out = (struct ris_state){
        .boot_id = core->boot_id,
        .uptime_ms = (uint32_t)(core->hw.now_us(core->hw.ctx) / 1000),
        .mode = q->mode,
        .trigger = q->trigger,
        .edges_left = ris_sequencer_edges_left(q),
        .last_nack = core->last_nack,
        .slots_loaded = ris_slots_loaded(&core->slots),
        .supply_mv = core->supply_mv,
        .tag = q->arm.tag,
        .shown = q->shown_hash,
        .packets = core->packets,
        .bad_packets = core->decoder.n_bad,
        .nacks = core->nacks,
        .edges = q->edges,
        .stray_edges = q->stray_edges,
        .sequences = q->sequences,
    };
}

static enum ris_nack refuse(struct ris_core *core, enum ris_nack reason)
{
    core->nacks++;
    core->last_nack = (uint8_t)reason;
    core->reply.type = RIS_NACK;
    core->reply.nack = (struct ris_refusal){core->request.type, (uint8_t)reason};
    return reason;
}

static void acknowledge(struct ris_core *core, enum ris_nack refusal, uint64_t hash)
{
    if (refusal != RIS_NACK_NONE) {
        refuse(core, refusal);
        return;
    }
    core->reply.type = RIS_ACK;
    core->reply.ack = (struct ris_ack){
        .type = core->request.type, .hash = hash, .board_us = core->hw.now_us(core->hw.ctx)};
}

static void on_hello(struct ris_core *core)
{
    core->slots.staged = 0;
    core->reply.type = RIS_INFO;
    core->reply.info = (struct ris_info){
        .protocol = RIS_PROTOCOL,
        .shape = core->slots.shape,
        .n_slots = core->slots.n,
        .firmware = RIS_CORE_VERSION,
        .boot_id = core->boot_id,
    };
}

static void on_load(struct ris_core *core)
{
    const struct ris_load *m = &core->request.load;
    enum ris_nack refusal = ris_sequencer_uses(&core->sequencer, m->slot)
                                ? RIS_NACK_BUSY
                                : ris_slots_load(&core->slots, m);
    acknowledge(core, refusal, m->hash);
}

static void on_arm(struct ris_core *core)
{
    const struct ris_arm *m = &core->request.arm;
    uint64_t hashes[RIS_STEPS_MAX + 1];
    enum ris_nack refusal = ris_sequencer_arm(&core->sequencer, m);
    if (refusal == RIS_NACK_NONE) {
        for (size_t k = 0; k < m->n_steps; k++)
            hashes[k] = core->slots.hashes[m->steps[k]];
        hashes[m->n_steps] = core->slots.hashes[m->idle];
    }
    acknowledge(core, refusal,
                refusal == RIS_NACK_NONE ? ris_arm_hash(hashes, m->n_steps + 1u) : 0);
}

static void on_apply(struct ris_core *core)
{
    const struct ris_ask *m = &core->request.ask;
    enum ris_nack refusal = ris_sequencer_apply(&core->sequencer, m->slot, m->value);
    acknowledge(core, refusal, refusal == RIS_NACK_NONE ? core->slots.hashes[m->slot] : 0);
}

/* The pattern to read back: a slot's, or what shows, from the chain itself where that is wired and
 * no latch may come in between. */
static enum ris_nack read_source(struct ris_core *core, uint16_t slot, uint8_t *chain,
                                 const uint8_t **pattern, uint8_t *source)
{
    const struct ris_sequencer *q = &core->sequencer;
    *source = RIS_FROM_RAM;
    if (slot != RIS_SLOT_ACTIVE) {
        enum ris_nack refusal = ris_slots_check(&core->slots, slot);
        if (refusal == RIS_NACK_NONE)
            *pattern = ris_slots_pattern(&core->slots, slot);
        return refusal;
    }
    if (q->mode == RIS_DARK || q->shown_hash == 0)
        return RIS_NACK_EMPTY;
    *pattern = q->shown;
    size_t n = ris_pattern_bytes(core->slots.shape);
    if (q->mode == RIS_IDLE && core->hw.chain(core->hw.ctx, chain, n)) {
        *pattern = chain;
        *source = RIS_FROM_CHAIN;
    }
    return RIS_NACK_NONE;
}

static enum ris_nack on_readback(struct ris_core *core)
{
    const struct ris_ask m = core->request.ask;
    uint8_t chain[RIS_PATTERN_MAX];
    const uint8_t *pattern = NULL;
    uint8_t source;
    size_t total = ris_pattern_bytes(core->slots.shape);
    enum ris_nack refusal = read_source(core, m.slot, chain, &pattern, &source);
    if (refusal != RIS_NACK_NONE)
        return refuse(core, refusal);
    if (m.offset >= total)
        return refuse(core, RIS_NACK_RANGE);

    struct ris_profile_part *part = &core->reply.profile;
    size_t left = total - m.offset;
    core->reply.type = RIS_PROFILE;
    part->slot = m.slot;
    part->source = source;
    part->shape = core->slots.shape;
    part->offset = m.offset;
    part->n = (uint8_t)(left < RIS_CHUNK_MAX ? left : RIS_CHUNK_MAX);
    part->hash = ris_profile_hash(part->shape, pattern);
    for (size_t i = 0; i < part->n; i++)
        part->data[i] = pattern[m.offset + i];
    return RIS_NACK_NONE;
}

static void dispatch(struct ris_core *core)
{
    struct ris_sequencer *q = &core->sequencer;
    enum ris_nack refusal;
    switch (core->request.type) {
    case RIS_HELLO:
        on_hello(core);
        break;
    case RIS_LOAD:
        on_load(core);
        break;
    case RIS_ARM:
        on_arm(core);
        break;
    case RIS_APPLY:
        on_apply(core);
        break;
    case RIS_TRIGGER:
        refusal = ris_sequencer_trigger(q, core->request.ask.value);
        acknowledge(core, refusal, q->shown_hash);
        break;
    case RIS_DISARM:
        refusal = ris_sequencer_disarm(q);
        acknowledge(core, refusal, q->shown_hash);
        break;
    case RIS_READBACK:
        on_readback(core);
        break;
    case RIS_STATUS:
        core->reply.type = RIS_STATE;
        ris_core_state(core, &core->reply.state);
        break;
    default:
        refuse(core, RIS_NACK_TYPE);
    }
}

/* The request's own CRC-32, at the end of the frame just decoded. */
static uint32_t request_crc(const struct ris_decoder *d)
{
    const uint8_t *p = d->frame + d->cobs.len - CRC_BYTES;
    return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static void answer(struct ris_core *core, bool valid)
{
    uint32_t crc = request_crc(&core->decoder);
    bool repeated = core->have_answer && core->answered == crc;
    core->packets++;
    /* HELLO opens a session: whatever was answered before belongs to another one. */
    if (!repeated || core->request.type == RIS_HELLO) {
        core->reply.seq = core->request.seq;
        if (valid)
            dispatch(core);
        else
            refuse(core, core->request.type <= RIS_DISARM ? RIS_NACK_RANGE : RIS_NACK_TYPE);
        int n = ris_msg_encode(&core->reply, core->answer, sizeof core->answer);
        core->n_answer = n > 0 ? (size_t)n : 0;
        core->answered = crc;
        core->have_answer = true;
    }
    core->hw.send(core->hw.ctx, core->answer, core->n_answer);
}

void ris_core_byte(struct ris_core *core, uint8_t byte)
{
    int r = ris_decoder_push(&core->decoder, byte, &core->request);
    /* Damaged packets are counted and get no answer: nobody can tell whose they are. An echo of
     * our own answers must not be answered either. */
    if (r != 1 && r != ERR_ARG)
        return;
    if (core->request.type & FROM_BOARD)
        return;
    answer(core, r == 1);
}

void ris_core_edge(struct ris_core *core)
{
    ris_sequencer_edge(&core->sequencer);
}

void ris_core_timer(struct ris_core *core)
{
    ris_sequencer_timer(&core->sequencer);
}
