/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ris_ctrl/store.h"
#include <assert.h>
#include <stdlib.h>
#include <string.h>

struct store {
    size_t n_pattern; /* bytes of one */
    uint16_t n_slots;
    int shown;
    bool have_shown;
    uint8_t shown_pattern[RIS_PATTERN_MAX];
    bool *loaded;      /* [n_slots] */
    uint8_t *patterns; /* [n_slots x n_pattern] */
};

struct store *store_create(struct ris_shape shape, uint16_t n_slots)
{
    struct store *s = calloc(1, sizeof *s);
    if (s == NULL)
        return NULL;
    s->n_pattern = ris_pattern_bytes(shape);
    s->n_slots = n_slots;
    s->shown = -1;
    s->loaded = calloc(n_slots, sizeof *s->loaded);
    s->patterns = calloc(n_slots, s->n_pattern);
    if (s->loaded == NULL || s->patterns == NULL)
        store_destroy(&s);
    return s;
}

void store_destroy(struct store **store)
{
    if (*store == NULL)
        return;
    free((*store)->loaded);
    free((*store)->patterns);
    free(*store);
    *store = NULL;
}

void store_put(struct store *s, uint16_t slot, const uint8_t *pattern)
{
    assert(slot < s->n_slots);
    memcpy(s->patterns + slot * s->n_pattern, pattern, s->n_pattern);
    s->loaded[slot] = true;
}

void store_forget(struct store *s, uint16_t slot)
{
    assert(slot < s->n_slots);
    s->loaded[slot] = false;
}

const uint8_t *store_get(const struct store *s, uint16_t slot)
{
    return slot < s->n_slots && s->loaded[slot] ? s->patterns + slot * s->n_pattern : NULL;
}

uint16_t store_size(const struct store *s)
{
    return s->n_slots;
}

void store_set_shown(struct store *s, int slot)
{
    const uint8_t *pattern = slot < 0 ? NULL : store_get(s, (uint16_t)slot);
    s->shown = slot;
    s->have_shown = pattern != NULL;
    if (pattern != NULL)
        memcpy(s->shown_pattern, pattern, s->n_pattern);
}

const uint8_t *store_shown_pattern(const struct store *s)
{
    return s->have_shown ? s->shown_pattern : NULL;
}

int store_shown(const struct store *s)
{
    return s->shown;
}
