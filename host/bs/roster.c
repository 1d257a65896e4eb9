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

enum { UNDER_WAY = 3 };

_Static_assert(BS_USERS_MAX <= 32, "a bit for each place");

struct roster {
    struct secure_keys keys[BS_USERS_MAX];
    _Atomic int id[BS_USERS_MAX], priority[BS_USERS_MAX];
    _Atomic double rate_hz[BS_USERS_MAX];
    _Atomic unsigned joined[BS_USERS_MAX]; /* moves with each user of a place */
    _Atomic uint32_t served;               /* bit i: place i */
    double period_s;                       /* of the schedule */
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
    r->period_s = cfg->schedule.air.cycle_period_s;
    const char *first = cfg->users[0].key_file, *slash = strrchr(first, '/');
    snprintf(r->folder, sizeof r->folder, "%.*s", slash ? (int)(slash - first) : 1,
             slash ? first : ".");
    for (size_t u = 0; u < cfg->n_users; u++) {
        atomic_store(&r->id[u], cfg->users[u].id);
        atomic_store(&r->rate_hz[u], cfg->users[u].rate_hz);
        atomic_store(&r->priority[u], cfg->users[u].priority);
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

static bool is_served(const struct roster *r, size_t place)
{
    return atomic_load(&r->served) >> place & 1;
}

static size_t number_in(uint32_t served)
{
    return (size_t)__builtin_popcount(served);
}

size_t roster_size(const struct roster *r)
{
    return number_in(atomic_load(&r->served));
}

size_t roster_place(const struct roster *r, size_t i)
{
    const uint32_t served = atomic_load(&r->served);
    size_t place = 0;
    while (place < BS_USERS_MAX && (!(served >> place & 1) || i-- > 0))
        place++;
    return place;
}

int roster_id(const struct roster *r, size_t place)
{
    return atomic_load(&r->id[place]);
}

size_t roster_find(const struct roster *r, int id)
{
    size_t place = 0;
    while (place < BS_USERS_MAX && !(is_served(r, place) && roster_id(r, place) == id))
        place++;
    return place;
}

double roster_rate_hz(const struct roster *r, size_t place)
{
    return atomic_load(&r->rate_hz[place]);
}

int roster_priority(const struct roster *r, size_t place)
{
    return atomic_load(&r->priority[place]);
}

void roster_users(const struct roster *r, struct turn_user user[BS_USERS_MAX])
{
    const uint32_t served = atomic_load(&r->served);
    for (size_t i = 0; i < BS_USERS_MAX; i++) {
        const double rate_hz = atomic_load(&r->rate_hz[i]);
        user[i] = (struct turn_user){.served = served >> i & 1,
                                     .joined = atomic_load(&r->joined[i]),
                                     .interval_s = rate_hz > 0 ? 1 / rate_hz : 0,
                                     .priority = atomic_load(&r->priority[i])};
    }
}

/* Whether there are cycles enough with this wish in place of what is at the place, if anything. */
static int check_rates(const struct roster *r, size_t place, double rate_hz, struct status *err)
{
    double rates_hz = rate_hz;
    size_t n_rest = rate_hz == 0;
    for (size_t i = 0; i < BS_USERS_MAX; i++) {
        if (i == place || !is_served(r, i))
            continue;
        rates_hz += roster_rate_hz(r, i);
        n_rest += roster_rate_hz(r, i) == 0;
    }
    return bs_config_rates(rates_hz, n_rest, r->period_s, err);
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

int roster_add(struct roster *r, const struct roster_wish *wish, uint64_t cycles,
               struct status *err)
{
    char path[BS_TEXT + 128];
    if (roster_find(r, wish->id) < BS_USERS_MAX)
        return status_set(err, ERR_STATE, "user %d is served already", wish->id);
    if (roster_size(r) == BS_USERS_MAX)
        return status_set(err, ERR_NO_SPACE, "%d users are served, and no more can be",
                          BS_USERS_MAX);
    const size_t place = find_place(r, cycles);
    if (place == BS_USERS_MAX)
        return status_set(err, ERR_BUSY,
                          "the cycles of a user who was just removed are not over "
                          "yet: again in a moment");
    if (wish->key)
        snprintf(path, sizeof path, "%s/%.100s", r->folder, wish->key);
    else
        snprintf(path, sizeof path, "%s/user-%d.key", r->folder, wish->id);
    if (check_rates(r, place, wish->rate_hz, err) || read_key(r, place, path, err))
        return err->code;
    atomic_store(&r->id[place], wish->id);
    atomic_store(&r->rate_hz[place], wish->rate_hz);
    atomic_store(&r->priority[place], wish->priority);
    atomic_fetch_add(&r->joined[place], 1);
    return (int)place;
}

void roster_serve(struct roster *r, size_t place)
{
    atomic_fetch_or(&r->served, UINT32_C(1) << place);
}

int roster_set(struct roster *r, const struct roster_wish *wish, struct status *err)
{
    const size_t place = roster_find(r, wish->id);
    if (place == BS_USERS_MAX)
        return status_set(err, ERR_NOT_FOUND, "there is no user %d here", wish->id);
    if (check_rates(r, place, wish->rate_hz, err))
        return err->code;
    atomic_store(&r->rate_hz[place], wish->rate_hz);
    atomic_store(&r->priority[place], wish->priority);
    return OK;
}

int roster_remove(struct roster *r, int id, uint64_t cycles, struct status *err)
{
    const size_t place = roster_find(r, id);
    if (place == BS_USERS_MAX)
        return status_set(err, ERR_NOT_FOUND, "there is no user %d here", id);
    if (roster_size(r) == 1)
        return status_set(err, ERR_STATE,
                          "user %d is the last one, and somebody has to be asked: withhold it "
                          "(permit), or pause",
                          id);
    r->left_at[place] = cycles + 1;
    atomic_fetch_and(&r->served, ~(UINT32_C(1) << place));
    return (int)place;
}
