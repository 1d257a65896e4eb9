/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "host/packet_ring.h"
#include <assert.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

enum { CACHE_LINE = 64 };

struct packet_ring {
    _Alignas(CACHE_LINE) atomic_size_t put; /* packets so far, by the one who puts */
    _Alignas(CACHE_LINE) atomic_size_t taken;
    size_t mask, bound;
    struct packet *packets;
};

struct packet_ring *packet_ring_create(size_t n_packet)
{
    size_t n = 1;
    while (n < n_packet)
        n *= 2;
    struct packet_ring *ring = aligned_alloc(CACHE_LINE, sizeof *ring);
    struct packet *packets = malloc(n * sizeof *packets);
    if (!ring || !packets) {
        free(ring);
        free(packets);
        return NULL;
    }
    memset(ring, 0, sizeof *ring);
    memset(packets, 0, n * sizeof *packets); /* page faults now, not on the sample path */
    ring->packets = packets;
    ring->mask = n - 1;
    ring->bound = n_packet;
    return ring;
}

void packet_ring_destroy(struct packet_ring **ring)
{
    if (!*ring)
        return;
    free((*ring)->packets);
    free(*ring);
    *ring = NULL;
}

void packet_ring_clear(struct packet_ring *ring)
{
    atomic_store(&ring->taken, atomic_load(&ring->put));
}

bool packet_ring_put(struct packet_ring *ring, const uint8_t *bytes, size_t n, double born_s)
{
    assert(n >= 1 && n <= LINK_PACKET_MAX);
    const size_t put = atomic_load_explicit(&ring->put, memory_order_relaxed);
    if (put - atomic_load_explicit(&ring->taken, memory_order_acquire) >= ring->bound)
        return false;
    struct packet *packet = &ring->packets[put & ring->mask];
    packet->born_s = born_s;
    packet->n = (uint16_t)n;
    memcpy(packet->bytes, bytes, n);
    atomic_store_explicit(&ring->put, put + 1, memory_order_release);
    return true;
}

struct packet *packet_ring_look(struct packet_ring *ring)
{
    const size_t taken = atomic_load_explicit(&ring->taken, memory_order_relaxed);
    if (taken == atomic_load_explicit(&ring->put, memory_order_acquire))
        return NULL;
    return &ring->packets[taken & ring->mask];
}

void packet_ring_drop(struct packet_ring *ring)
{
    const size_t taken = atomic_load_explicit(&ring->taken, memory_order_relaxed);
    assert(taken != atomic_load_explicit(&ring->put, memory_order_relaxed));
    atomic_store_explicit(&ring->taken, taken + 1, memory_order_release);
}

size_t packet_ring_size(const struct packet_ring *ring)
{
    const size_t taken = atomic_load_explicit(&ring->taken, memory_order_acquire);
    return atomic_load_explicit(&ring->put, memory_order_acquire) - taken;
}
