/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "host/bs/roster.h"
#include "base/log.h"
#include "base/state_dir.h"
#include "frames/secure.h"
#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { UNDER_WAY = 3, NOBODY = 0xff };

_Static_assert(BS_USERS_MAX <= 8, "a byte of the order for each place");

struct roster {
    struct secure_keys keys[BS_USERS_MAX];
    _Atomic int id[BS_USERS_MAX];
    _Atomic uint64_t order;         /* byte i: place of the i-th; NOBODY behind the last */
    uint64_t left_at[BS_USERS_MAX]; /* cycles completed when its user was removed, 0: never */
    char folder[BS_TEXT];           /* of key files */
};

static int read_key(struct roster *r, size_t place, const char *path, struct status *err)
{
    uint8_t master[SECURE_MASTER_BYTES];
    if (key_file_read(path, master, sizeof master, err))
        return err->code = ERR_ARG; /* the path we were given is no key's */
    secure_keys_derive(master, &r->keys[place]);
    secure_wipe(master, sizeof master);
    return OK;
}

struct roster *roster_create(const struct bs_cfg *cfg, struct status *err)
{
    struct roster *r = calloc(1, sizeof *r);
    if (!r || secure_init()) {
        status_set(err, r ? ERR_STATE : ERR_NO_MEMORY, "%s",
                   r ? "libsodium finds no source of randomness" : "roster: out of memory");
        free(r);
        return NULL;
    }
    atomic_store(&r->order, UINT64_MAX);
    const char *first = cfg->users[0].key_file, *slash = strrchr(first, '/');
    snprintf(r->folder, sizeof r->folder, "%.*s", slash ? (int)(slash - first) : 1,
             slash ? first : ".");
    for (size_t u = 0; u < cfg->n_users; u++) {
        atomic_store(&r->id[u], cfg->users[u].id);
        if (read_key(r, u, cfg->users[u].key_file, err)) {
            roster_destroy(&r);
            return NULL;
        }
        roster_serve(r, u);
    }
    return r;
}

void roster_destroy(struct roster **roster)
{
    if (!*roster)
        return;
    secure_wipe((*roster)->keys, sizeof(*roster)->keys);
    free(*roster);
    *roster = NULL;
}

const struct secure_keys *roster_keys(const struct roster *r)
{
    return r->keys;
}

static size_t place_in(uint64_t order, size_t i)
{
    return i < 8 ? order >> 8 * i & 0xff : NOBODY;
}

static size_t size_of(uint64_t order)
{
    size_t n = 0;
    while (place_in(order, n) != NOBODY)
        n++;
    return n;
}

size_t roster_size(const struct roster *r)
{
    return size_of(atomic_load(&r->order));
}

size_t roster_place(const struct roster *r, size_t i)
{
    return place_in(atomic_load(&r->order), i);
}

int roster_id(const struct roster *r, size_t place)
{
    return atomic_load(&r->id[place]);
}

size_t roster_turn(const struct roster *r, uint64_t turn)
{
    const uint64_t order = atomic_load(&r->order);
    return place_in(order, turn % size_of(order));
}

/* Number in the order, or how many there are. */
static size_t find(const struct roster *r, int id)
{
    size_t i = 0;
    while (i < roster_size(r) && roster_id(r, roster_place(r, i)) != id)
        i++;
    return i;
}

static bool is_served(const struct roster *r, size_t place)
{
    for (size_t i = 0; i < roster_size(r); i++)
        if (roster_place(r, i) == place)
            return true;
    return false;
}

/* A free place, or BS_USERS_MAX. */
static size_t find_place(const struct roster *r, uint64_t cycles)
{
    size_t place = 0;
    while (
        place < BS_USERS_MAX &&
        (is_served(r, place) || (r->left_at[place] > 0 && cycles < r->left_at[place] + UNDER_WAY)))
        place++;
    return place;
}

int roster_add(struct roster *r, int id, const char *key, uint64_t cycles, struct status *err)
{
    char path[BS_TEXT + 128];
    if (find(r, id) < roster_size(r))
        return status_set(err, ERR_STATE, "user %d is served already", id);
    if (roster_size(r) == BS_USERS_MAX)
        return status_set(err, ERR_NO_SPACE, "%d users are served, and no more can be",
                          BS_USERS_MAX);
    const size_t place = find_place(r, cycles);
    if (place == BS_USERS_MAX)
        return status_set(err, ERR_BUSY,
                          "the cycles of a user who was just removed are not over "
                          "yet: again in a moment");
    if (key)
        snprintf(path, sizeof path, "%s/%.100s", r->folder, key);
    else
        snprintf(path, sizeof path, "%s/user-%d.key", r->folder, id);
    if (read_key(r, place, path, err))
        return err->code;
    atomic_store(&r->id[place], id);
    return (int)place;
}

void roster_serve(struct roster *r, size_t place)
{
    const uint64_t order = atomic_load(&r->order);
    const size_t shift = 8 * size_of(order);
    atomic_store(&r->order, (order & ~(UINT64_C(0xff) << shift)) | (uint64_t)place << shift);
}

int roster_remove(struct roster *r, int id, uint64_t cycles, struct status *err)
{
    const size_t gone = find(r, id), n = roster_size(r);
    if (gone == n)
        return status_set(err, ERR_NOT_FOUND, "there is no user %d here", id);
    if (n == 1)
        return status_set(err, ERR_STATE,
                          "user %d is the last one, and somebody has to be asked: withhold it "
                          "(permit), or pause",
                          id);
    const size_t place = roster_place(r, gone);
    uint64_t order = UINT64_MAX;
    for (size_t i = 0, to = 0; i < n; i++)
        if (i != gone) {
            order &= ~(UINT64_C(0xff) << 8 * to);
            order |= (uint64_t)roster_place(r, i) << 8 * to++;
        }
    r->left_at[place] = cycles + 1;
    atomic_store(&r->order, order);
    return (int)place;
}
