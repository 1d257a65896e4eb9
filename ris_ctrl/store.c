/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ris_ctrl/store.h"
#include <assert.h>
#include <stdlib.h>
#include <string.h>

struct store {
    size_t n_pattern; /* bytes of one */
    uint16_t n_slots;
    struct shown {
        int slot;
        bool known;
        uint8_t pattern[RIS_PATTERN_MAX];
    } shown, next;
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
    s->shown.slot = s->next.slot = -1;
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

static void set(const struct store *s, struct shown *out, int slot)
{
    const uint8_t *pattern = slot < 0 ? NULL : store_get(s, (uint16_t)slot);
    out->slot = slot;
    out->known = pattern != NULL;
    if (pattern != NULL)
        memcpy(out->pattern, pattern, s->n_pattern);
}

void store_set_shown(struct store *s, int slot)
{
    set(s, &s->shown, slot);
    store_drop_next(s);
}

const uint8_t *store_shown_pattern(const struct store *s)
{
    return s->shown.known ? s->shown.pattern : NULL;
}

int store_shown(const struct store *s)
{
    return s->shown.slot;
}

void store_set_next(struct store *s, uint16_t slot)
{
    set(s, &s->next, slot);
}

int store_next(const struct store *s)
{
    return s->next.slot;
}

void store_settle(struct store *s)
{
    if (s->next.slot < 0)
        return;
    s->shown = s->next;
    store_drop_next(s);
}

void store_drop_next(struct store *s)
{
    s->next.slot = -1;
    s->next.known = false;
}
