/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "sim/air_log.h"

#include <assert.h>
#include <string.h>
#include <unistd.h>

#include "sim/air_clock.h"
#include "sim/air_layout.h"
#include "sim/process.h"

#define MARGIN 4096 /* samples kept before the low-water mark: response length and latency */

/* --- events ----------------------------------------------------------------------------------- */

void air_event_post_locked(struct air *air, enum air_event_kind kind, unsigned radio, int64_t tick,
                           uint32_t rising, uint32_t falling)
{
    struct air_seg *s = air->seg;
    s->events[s->ev_written % AIR_N_EVENT] = (struct air_event){.seq = s->ev_written,
                                                                .tick = tick,
                                                                .kind = kind,
                                                                .radio = radio,
                                                                .rising = rising,
                                                                .falling = falling};
    s->ev_written++;
    if (s->ev_written - s->ev_taken > AIR_N_EVENT) /* nobody listens */
        s->ev_taken = s->ev_written - AIR_N_EVENT;
}

void air_event_post(struct air *air, unsigned radio, int64_t tick, uint32_t rising,
                    uint32_t falling)
{
    air_lock(air);
    air_event_post_locked(air, AIR_EVENT_GPIO, radio, tick, rising, falling);
    air_unlock(air);
    air_notify(air);
}

size_t air_events_take(struct air *air, struct air_event *out, size_t max)
{
    struct air_seg *s = air->seg;
    size_t n = 0;
    air_lock(air);
    while (n < max && s->ev_taken < s->ev_written)
        out[n++] = s->events[s->ev_taken++ % AIR_N_EVENT];
    air_unlock(air);
    return n;
}

void air_events_done(struct air *air)
{
    air_lock(air);
    air->seg->ev_done = air->seg->ev_taken;
    air_unlock(air);
    air_notify(air);
}

/* --- readers ---------------------------------------------------------------------------------- */

int64_t air_depth(const struct air *air)
{
    double depth = 0.1 * air->seg->cfg.rate_hz;
    return depth > 262144 ? (int64_t)depth : 262144;
}

int64_t air_release_tick_locked(struct air *air)
{
    struct air_seg *s = air->seg;
    int64_t now = s->cfg.gated ? s->now : air_now(air);
    int64_t low = now, floor = now - 2 * air_depth(air);
    for (int i = 0; i < AIR_N_READER; i++)
        if (s->readers[i].pid && s->readers[i].low < low)
            low = s->readers[i].low;
    return (low > floor ? low : floor) - MARGIN;
}

int air_reader_open(struct air *air, unsigned radio)
{
    struct air_seg *s = air->seg;
    int slot = ERR_NO_SPACE;
    air_lock(air);
    for (int i = 0; i < AIR_N_READER && slot < 0; i++)
        if (!s->readers[i].pid)
            slot = i;
    if (slot >= 0)
        s->readers[slot] =
            (struct air_reader){.radio = (int)radio, .low = AIR_NEVER, .pid = getpid()};
    air_unlock(air);
    return slot;
}

void air_reader_low(struct air *air, int reader, int64_t low_tick)
{
    air_lock(air);
    air->seg->readers[reader].low = low_tick;
    air_unlock(air);
}

void air_reader_close(struct air *air, int reader)
{
    air_lock(air);
    air->seg->readers[reader].pid = 0;
    air_unlock(air);
    air_notify(air);
}

/* --- transmit --------------------------------------------------------------------------------- */

static const struct air_packet *entry(const struct air_tx_port *port, uint64_t i)
{
    return &port->log[i % AIR_N_PACKET];
}

void air_log_clear_locked(struct air *air)
{
    for (unsigned r = 0; r < AIR_MAX_RADIOS; r++)
        for (unsigned p = 0; p < AIR_MAX_PORTS; p++) {
            struct air_tx_port *port = &air->seg->ports[r][p];
            port->first += port->count;
            port->count = 0;
            port->hold_k = AIR_NEVER;
        }
}

size_t air_tx_space(struct air *air, unsigned radio, unsigned port_no)
{
    struct air_seg *s = air->seg;
    struct air_tx_port *port = &s->ports[radio][port_no];
    size_t cap = s->cfg.tx_ring_samps, space = cap;
    air_lock(air);
    int64_t k_low = air_tick_to_samp(air, radio, air_release_tick_locked(air));
    while (port->count && entry(port, port->first)->k0 + entry(port, port->first)->n <= k_low) {
        port->first++;
        port->count--;
    }
    if (port->count) {
        const struct air_packet *e = entry(port, port->first);
        uint64_t needed = e->ring0 + (uint64_t)(k_low > e->k0 ? k_low - e->k0 : 0);
        uint64_t held = port->written - needed;
        space = held < cap ? cap - held : 0;
    }
    if (port->count == AIR_N_PACKET)
        space = 0;
    air_unlock(air);
    return space;
}

void air_tx_put(struct air *air, unsigned radio, unsigned port, const int16_t *iq, size_t n)
{
    size_t cap = air->seg->cfg.tx_ring_samps;
    size_t pos = air->seg->ports[radio][port].written % cap;
    size_t head = n < cap - pos ? n : cap - pos;
    int16_t *ring = air_ring(air, radio, port);
    memcpy(ring + 2 * pos, iq, head * 4);
    memcpy(ring, iq + 2 * head, (n - head) * 4);
}

static void append(struct air_tx_port *port, const struct air_tx_chunk *c, unsigned i, int64_t k0)
{
    struct air_packet fresh = {.k0 = k0,
                               .n = (int64_t)c->n,
                               .ring0 = port->written,
                               .scale = c->scale[i],
                               .phase_rad = c->phase_rad[i],
                               .carrier_hz = c->carrier_hz};
    struct air_packet *last =
        port->count ? &port->log[(port->first + port->count - 1) % AIR_N_PACKET] : NULL;
    port->written += c->n;
    if (last && last->k0 + last->n == k0 && last->scale == fresh.scale &&
        last->phase_rad == fresh.phase_rad && last->carrier_hz == fresh.carrier_hz) {
        last->n += (int64_t)c->n;
    } else {
        port->log[(port->first + port->count) % AIR_N_PACKET] = fresh;
        port->count++;
    }
}

static bool late(struct air *air, const struct air_tx_chunk *c, int64_t k_air)
{
    int64_t now = air->seg->cfg.gated ? air->seg->now : air_now(air);
    if (air_samp_to_tick(air, c->radio, c->k0) < now)
        return true;
    for (unsigned i = 0; i < c->n_port; i++) {
        const struct air_tx_port *port = &air->seg->ports[c->radio][c->port[i]];
        if (!port->count)
            continue;
        const struct air_packet *last = entry(port, port->first + port->count - 1);
        if (k_air < last->k0 + last->n)
            return true;
    }
    return false;
}

int air_tx_commit(struct air *air, const struct air_tx_chunk *c)
{
    struct air_seg *s = air->seg;
    int64_t k_air = c->k0 + s->cfg.radios[c->radio].tx_latency_samps;
    air_lock(air);
    if (c->n && late(air, c, k_air)) {
        air_unlock(air);
        return ERR_TIMEOUT;
    }
    for (unsigned i = 0; i < c->n_port; i++) {
        struct air_tx_port *port = &s->ports[c->radio][c->port[i]];
        assert(port->count < AIR_N_PACKET || c->n == 0);
        if (c->n)
            append(port, c, i, k_air);
        port->hold_wall_ns = wall_ns();
        port->hold_k = c->more ? c->k0 + (int64_t)c->n : AIR_NEVER;
    }
    if (c->start_rising | c->start_falling)
        air_event_post_locked(air, AIR_EVENT_GPIO, c->radio, air_samp_to_tick(air, c->radio, k_air),
                              c->start_rising, c->start_falling);
    if (!c->more && (c->end_rising | c->end_falling))
        air_event_post_locked(air, AIR_EVENT_GPIO, c->radio,
                              air_samp_to_tick(air, c->radio, k_air + (int64_t)c->n), c->end_rising,
                              c->end_falling);
    bool wake = s->held || !c->more || (c->start_rising | c->start_falling);
    air_unlock(air);
    if (wake)
        air_notify(air);
    return OK;
}

void air_tx_abort(struct air *air, unsigned radio, unsigned port)
{
    air_lock(air);
    air->seg->ports[radio][port].hold_k = AIR_NEVER;
    air_unlock(air);
    air_notify(air);
}

size_t air_tx_spans(struct air *air, unsigned radio, unsigned port_no, int64_t k_a, int64_t k_b,
                    struct air_packet *out, size_t max)
{
    struct air_seg *s = air->seg;
    const struct air_tx_port *port = &s->ports[radio][port_no];
    size_t n = 0;
    air_lock(air);
    for (uint64_t i = port->first; i < port->first + port->count && n < max; i++)
        if (entry(port, i)->k0 < k_b && entry(port, i)->k0 + entry(port, i)->n > k_a)
            out[n++] = *entry(port, i);
    air_unlock(air);
    return n;
}
