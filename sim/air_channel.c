/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The channel as the room publishes it: response sets, and snapshots that say from when one holds.
 */
#include <assert.h>

#include "sim/air_layout.h"
#include "sim/air_log.h"

/* Behind the links of a set. */
struct set_tail {
    _Atomic uint64_t id; /* 0 while being written */
    int64_t ref_tick;
};

static struct set_tail *tail(const struct air *air, uint64_t id)
{
    const struct air_seg *s = air->seg;
    return (struct set_tail *)((char *)air_links(air, id) + s->set_stride - 4096);
}

void air_set_horizon(struct air *air, int64_t horizon)
{
    air_lock(air);
    if (air->seg->horizon < horizon)
        air->seg->horizon = horizon;
    air_unlock(air);
    air_notify(air);
}

int64_t air_horizon(const struct air *air)
{
    return air->seg->horizon;
}

static const struct air_snap *snap(const struct air_seg *s, uint64_t i)
{
    return &s->snaps[i % AIR_N_SNAP];
}

/* Index of the snapshot in force at tick (snap_first when all are later). Ring is not empty. */
static uint64_t in_force(const struct air_seg *s, int64_t tick)
{
    uint64_t lo = s->snap_first, hi = s->snap_first + s->snap_count;
    while (hi - lo > 1) {
        uint64_t mid = lo + (hi - lo) / 2;
        if (snap(s, mid)->tick <= tick)
            lo = mid;
        else
            hi = mid;
    }
    return lo;
}

int air_set_begin(struct air *air, int64_t ref_tick, struct air_set *set)
{
    struct air_seg *s = air->seg;
    assert(s->cfg.n_sets > 0);
    air_lock(air);
    uint64_t id = s->set_begun + 1, oldest_needed = 1;
    if (s->snap_count)
        oldest_needed = snap(s, in_force(s, air_release_tick_locked(air)))->set_id;
    bool busy = id > s->cfg.n_sets && id - s->cfg.n_sets >= oldest_needed;
    if (!busy)
        s->set_begun = id;
    air_unlock(air);
    if (busy)
        return ERR_BUSY;
    atomic_store(&tail(air, id)->id, 0);
    tail(air, id)->ref_tick = ref_tick;
    for (unsigned i = 0; i < s->n_tx_total * s->n_rx_total; i++)
        if (air_links(air, id)[i].groups)
            air_links(air, id)[i].groups = 0;
    *set = (struct air_set){.id = id, .ref_tick = ref_tick};
    return OK;
}

struct air_link *air_set_link(struct air *air, const struct air_set *set, unsigned tx_radio,
                              unsigned tx_port, unsigned rx_radio, unsigned rx_port)
{
    const struct air_seg *s = air->seg;
    assert(tx_radio < s->cfg.n_radios && tx_port < s->cfg.radios[tx_radio].n_tx);
    assert(rx_radio < s->cfg.n_radios && rx_port < s->cfg.radios[rx_radio].n_rx);
    return &air_links(
        air,
        set->id)[(s->tx_base[tx_radio] + tx_port) * s->n_rx_total + s->rx_base[rx_radio] + rx_port];
}

void air_set_commit(struct air *air, const struct air_set *set)
{
    assert(set->id == air->seg->set_begun);
    air_lock(air);
    atomic_store(&tail(air, set->id)->id, set->id);
    air->seg->set_committed = set->id;
    air_unlock(air);
}

int air_set_ref(const struct air *air, uint64_t id, int64_t *ref_tick)
{
    *ref_tick = tail(air, id)->ref_tick;
    return atomic_load(&tail(air, id)->id) == id ? OK : ERR_NOT_FOUND;
}

static int push_one(struct air_seg *s, const struct air_snap *new)
{
    const struct air_snap *last = s->snap_count ? snap(s, s->snap_first + s->snap_count - 1) : NULL;
    if (new->set_id < 1 || new->set_id > s->set_committed)
        return ERR_ARG;
    if (last && (new->tick < last->tick || new->set_id < last->set_id))
        return ERR_ARG;
    if (last && new->tick == last->tick)
        s->snap_count--;
    if (s->snap_count == AIR_N_SNAP)
        return ERR_NO_SPACE;
    s->snaps[(s->snap_first + s->snap_count) % AIR_N_SNAP] = *new;
    s->snap_count++;
    return OK;
}

int air_snap_push(struct air *air, const struct air_snap *snaps, size_t n)
{
    struct air_seg *s = air->seg;
    int rc = OK;
    air_lock(air);
    int64_t release = air_release_tick_locked(air);
    while (s->snap_count > 1 && snap(s, s->snap_first + 1)->tick <= release) {
        s->snap_first++;
        s->snap_count--;
    }
    for (size_t i = 0; i < n && rc == OK; i++)
        rc = push_one(s, &snaps[i]);
    air_unlock(air);
    return rc;
}

int64_t air_snap_rewind(struct air *air, int64_t tick)
{
    struct air_seg *s = air->seg;
    air_lock(air);
    const int64_t now = s->cfg.gated ? s->now : air_now(air);
    const int64_t unread = now < s->horizon ? now + 1 : s->horizon;
    const int64_t from = tick > unread ? tick : unread;
    while (s->snap_count && snap(s, s->snap_first + s->snap_count - 1)->tick >= from)
        s->snap_count--;
    if (s->horizon > from)
        s->horizon = from;
    air_unlock(air);
    return from;
}

int air_snap_at(struct air *air, int64_t tick, struct air_snap *out)
{
    return air_snap_span(air, tick, tick + 1, out, 1) == 1 && out->tick <= tick ? OK
                                                                                : ERR_NOT_FOUND;
}

size_t air_snap_span(struct air *air, int64_t tick_a, int64_t tick_b, struct air_snap *out,
                     size_t max)
{
    struct air_seg *s = air->seg;
    size_t n = 0;
    air_lock(air);
    if (s->snap_count)
        for (uint64_t i = in_force(s, tick_a); i < s->snap_first + s->snap_count && n < max; i++) {
            if (snap(s, i)->tick >= tick_b)
                break;
            out[n++] = *snap(s, i);
        }
    air_unlock(air);
    return n;
}
