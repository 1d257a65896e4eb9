/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ris_ctrl/board_surface.h"
#include "base/log.h"
#include "ris_ctrl/store.h"
#include <stdlib.h>
#include <string.h>

struct board {
    const struct surface_cfg *cfg;
    const char *name;
    struct ris_shape shape;
    struct store *store; /* the surface's profiles, by slot */
    int pending;         /* slot that is shown from the next edge on, -1 = none */
    struct board *tiles[SURFACE_TILES];
};

/* Driver and board of tile i. */
#define TILE(b, i, call, ...) (b)->cfg->tiles[i].driver->call((b)->tiles[i], __VA_ARGS__)

static void surface_close(struct board **board)
{
    struct board *b = *board;
    if (b == NULL)
        return;
    for (size_t i = 0; i < b->cfg->n; i++)
        if (b->tiles[i] != NULL)
            b->cfg->tiles[i].driver->close(&b->tiles[i]);
    store_destroy(&b->store);
    free(b);
    *board = NULL;
}

static struct board *surface_open(const struct board_cfg *cfg, struct status *err)
{
    struct board *b = calloc(1, sizeof *b);
    if (b != NULL)
        b->store = store_create(cfg->shape, cfg->n_slots);
    if (b == NULL || b->store == NULL) {
        free(b);
        status_set(err, ERR_NO_MEMORY, "board %s: no memory for its slots; configure fewer",
                   cfg->name);
        return NULL;
    }
    b->cfg = cfg->surface;
    b->name = cfg->name;
    b->shape = cfg->shape;
    b->pending = -1;
    for (size_t i = 0; i < b->cfg->n; i++) {
        const struct surface_tile *t = &b->cfg->tiles[i];
        struct board_cfg tile = t->cfg;
        tile.tell = cfg->tell;
        tile.tell_context = cfg->tell_context;
        tile.gave_up = cfg->gave_up;
        tile.no_retry_after_us = cfg->no_retry_after_us;
        b->tiles[i] = t->driver->open(&tile, err);
        if (b->tiles[i] == NULL) {
            surface_close(&b);
            return NULL;
        }
    }
    return b;
}

static void mask_dead(const struct board *b, const uint8_t *pattern, uint8_t *out)
{
    memcpy(out, pattern, ris_pattern_bytes(b->shape));
    for (size_t m = 0; m < (size_t)b->shape.columns * b->shape.rows; m++)
        if (b->cfg->dead[m % b->shape.columns])
            ris_pattern_set(b->shape, out, m, 0);
}

static int surface_load(struct board *b, uint16_t slot, const uint8_t *pattern,
                        struct board_ack *ack, struct status *err)
{
    uint8_t masked[RIS_PATTERN_MAX], part[RIS_PATTERN_MAX];
    mask_dead(b, pattern, masked);
    if (slot < store_size(b->store))
        store_forget(b->store, slot); /* half a profile has no hash */
    for (size_t i = 0; i < b->cfg->n; i++) {
        element_map_split(&b->cfg->tiles[i].map, masked, part);
        int r = TILE(b, i, load, slot, part, ack, err);
        if (r != OK)
            return r;
        if (ack->hash != ris_profile_hash(b->cfg->tiles[i].map.board, part))
            return status_set(err, ERR_STATE,
                              "board %s: took another profile than it was sent; check the cable",
                              b->cfg->tiles[i].cfg.name);
    }
    store_put(b->store, slot, masked);
    ack->hash = ris_profile_hash(b->shape, masked);
    return OK;
}

static uint64_t slot_hash(const struct board *b, uint16_t slot)
{
    const uint8_t *pattern = store_get(b->store, slot);
    return pattern != NULL ? ris_profile_hash(b->shape, pattern) : 0;
}

/* Hash of the static profile, 0 = none. */
static uint64_t shown_hash(const struct board *b)
{
    return store_shown(b->store) < 0 ? 0 : slot_hash(b, (uint16_t)store_shown(b->store));
}

/* Does tile i show its part of that slot? */
static bool shows(const struct board *b, size_t i, uint16_t slot, uint64_t shown)
{
    uint8_t part[RIS_PATTERN_MAX];
    const uint8_t *pattern = store_get(b->store, slot);
    if (pattern == NULL)
        return false;
    element_map_split(&b->cfg->tiles[i].map, pattern, part);
    return ris_profile_hash(b->cfg->tiles[i].map.board, part) == shown;
}

static void shows_now(struct board *b, int slot)
{
    store_set_shown(b->store, slot);
    b->pending = -1;
}

/* Takes the first n boards back: half of a surface must not play a code, nor change at an edge. */
static void disarm_first(struct board *b, size_t n)
{
    struct board_ack ignored;
    struct status lost;
    for (size_t i = 0; i < n; i++)
        if (TILE(b, i, arm, NULL, &ignored, &lost) != OK)
            log_error("%s", lost.text);
}

static int surface_disarm(struct board *b, struct board_ack *ack, struct status *err)
{
    bool edge_came = b->pending >= 0;
    for (size_t i = 0; i < b->cfg->n; i++) {
        int r = TILE(b, i, arm, NULL, ack, err);
        if (r != OK)
            return r;
        edge_came = edge_came && shows(b, i, (uint16_t)b->pending, ack->hash);
    }
    shows_now(b, edge_came ? b->pending : store_shown(b->store));
    ack->hash = shown_hash(b);
    return OK;
}

static int surface_arm(struct board *b, const struct ris_arm *arm, struct board_ack *ack,
                       struct status *err)
{
    uint64_t hashes[RIS_STEPS_MAX + 1];
    if (arm == NULL)
        return surface_disarm(b, ack, err);
    for (size_t i = 0; i < b->cfg->n; i++) {
        int r = TILE(b, i, arm, arm, ack, err);
        if (r != OK) {
            disarm_first(b, i);
            return r;
        }
    }
    for (size_t k = 0; k < arm->n_steps; k++)
        hashes[k] = slot_hash(b, arm->steps[k]);
    hashes[arm->n_steps] = slot_hash(b, arm->idle);
    shows_now(b, arm->idle);
    ack->hash = ris_arm_hash(hashes, arm->n_steps + 1u);
    return OK;
}

static int surface_apply(struct board *b, uint16_t slot, enum ris_when when, struct board_ack *ack,
                         struct status *err)
{
    for (size_t i = 0; i < b->cfg->n; i++) {
        int r = TILE(b, i, apply, slot, when, ack, err);
        if (r != OK && when == RIS_AT_EDGE)
            disarm_first(b, i);
        if (r != OK)
            return r;
    }
    if (when == RIS_AT_EDGE)
        b->pending = slot;
    else
        shows_now(b, slot);
    ack->hash = slot_hash(b, slot);
    return OK;
}

static int surface_trigger(struct board *b, enum ris_trigger source, struct board_ack *ack,
                           struct status *err)
{
    int r = OK;
    for (size_t i = 0; r == OK && i < b->cfg->n; i++)
        r = TILE(b, i, trigger, source, ack, err);
    ack->hash = shown_hash(b);
    return r;
}

static int surface_readback(struct board *b, uint16_t slot, struct board_readback *out,
                            struct status *err)
{
    struct board_readback part;
    *out = (struct board_readback){.shape = b->shape, .source = RIS_FROM_CHAIN};
    for (size_t i = 0; i < b->cfg->n; i++) {
        int r = TILE(b, i, readback, slot, &part, err);
        if (r != OK)
            return r;
        element_map_merge(&b->cfg->tiles[i].map, part.pattern, out->pattern);
        out->unread = out->unread || part.unread;
        if (part.source != RIS_FROM_CHAIN)
            out->source = RIS_FROM_RAM;
    }
    out->hash = ris_profile_hash(out->shape, out->pattern);
    return OK;
}

/* Counters add up; the rest is the first board's. The hash shown is that of the static profile as
 * long as every board shows its part of it, otherwise 0. */
static int surface_status(struct board *b, struct board_status *out, struct status *err)
{
    bool whole = store_shown(b->store) >= 0, edge_came = b->pending >= 0;
    for (size_t i = 0; i < b->cfg->n; i++) {
        struct board_status one;
        int r = TILE(b, i, status, &one, err);
        if (r != OK)
            return r;
        whole = whole && shows(b, i, (uint16_t)store_shown(b->store), one.state.shown);
        edge_came = edge_came && shows(b, i, (uint16_t)b->pending, one.state.shown);
        if (i == 0) {
            *out = one;
            continue;
        }
        out->state.packets += one.state.packets;
        out->state.bad_packets += one.state.bad_packets;
        out->state.nacks += one.state.nacks;
        out->link_retries += one.link_retries;
        out->link_timeouts += one.link_timeouts;
        out->link_bad += one.link_bad;
    }
    if (edge_came)
        shows_now(b, b->pending);
    out->state.shown = whole || edge_came ? shown_hash(b) : 0;
    return OK;
}

bool surface_plays_sequences(const struct surface_cfg *cfg)
{
    for (size_t i = 0; i < cfg->n; i++)
        if (!cfg->tiles[i].driver->plays_sequences)
            return false;
    return true;
}

const struct board_driver board_surface = {
    .name = "surface",
    .open = surface_open,
    .close = surface_close,
    .load = surface_load,
    .arm = surface_arm,
    .apply = surface_apply,
    .trigger = surface_trigger,
    .readback = surface_readback,
    .status = surface_status,
};
