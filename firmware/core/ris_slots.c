/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "firmware/core/ris_slots.h"

static void copy(uint8_t *to, const uint8_t *from, size_t n)
{
    for (size_t i = 0; i < n; i++)
        to[i] = from[i];
}

void ris_slots_init(struct ris_slots *s, struct ris_shape shape, uint16_t n, uint8_t *patterns,
                    uint64_t *hashes)
{
    s->shape = shape;
    s->n = n;
    s->patterns = patterns;
    s->hashes = hashes;
    s->staged = 0;
    for (size_t i = 0; i < n; i++)
        hashes[i] = 0;
}

/* The last chunk is in: the profile enters its slot. */
static enum ris_nack finish(struct ris_slots *s)
{
    size_t n = ris_pattern_bytes(s->shape);
    s->staged = 0;
    if (ris_profile_hash(s->shape, s->staging) != s->staging_hash)
        return RIS_NACK_HASH;
    if (!ris_pattern_valid(s->shape, s->staging) || s->staging_hash == 0)
        return RIS_NACK_RANGE;
    copy(s->patterns + s->staging_slot * n, s->staging, n);
    s->hashes[s->staging_slot] = s->staging_hash;
    return RIS_NACK_NONE;
}

static enum ris_nack chunk_refusal(const struct ris_slots *s, const struct ris_load *chunk)
{
    bool continues = s->staged > 0 && chunk->slot == s->staging_slot &&
                     chunk->hash == s->staging_hash && chunk->offset == s->staged;
    if (!ris_shape_equal(chunk->shape, s->shape))
        return RIS_NACK_SHAPE;
    if (chunk->slot >= s->n)
        return RIS_NACK_SLOT;
    return chunk->offset == 0 || continues ? RIS_NACK_NONE : RIS_NACK_ORDER;
}

enum ris_nack ris_slots_load(struct ris_slots *s, const struct ris_load *chunk)
{
    enum ris_nack refusal = chunk_refusal(s, chunk);
    if (refusal != RIS_NACK_NONE) {
        s->staged = 0;
        return refusal;
    }
    copy(s->staging + chunk->offset, chunk->data, chunk->n);
    s->staged = (uint16_t)(chunk->offset + chunk->n);
    s->staging_slot = chunk->slot;
    s->staging_hash = chunk->hash;
    return s->staged == ris_pattern_bytes(s->shape) ? finish(s) : RIS_NACK_NONE;
}

enum ris_nack ris_slots_check(const struct ris_slots *s, uint16_t slot)
{
    if (slot >= s->n)
        return RIS_NACK_SLOT;
    return s->hashes[slot] == 0 ? RIS_NACK_EMPTY : RIS_NACK_NONE;
}

const uint8_t *ris_slots_pattern(const struct ris_slots *s, uint16_t slot)
{
    return s->patterns + slot * ris_pattern_bytes(s->shape);
}

uint16_t ris_slots_loaded(const struct ris_slots *s)
{
    uint16_t loaded = 0;
    for (size_t i = 0; i < s->n; i++)
        loaded = (uint16_t)(loaded + (s->hashes[i] != 0));
    return loaded;
}
