/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Ring of IP packets between two threads, one that puts and one that takes: no lock, no allocation
 * after create. Every place is as large as the largest packet. */
#pragma once
#include "frames/link_frame.h"

struct packet {
    double born_s; /* device time when it was put; NaN: unknown */
    uint16_t n;    /* bytes, 1..LINK_PACKET_MAX */
    uint8_t bytes[LINK_PACKET_MAX];
};

struct packet_ring;
/* Setup only. n_packet 1..65536; NULL: out of memory. */
struct packet_ring *packet_ring_create(size_t n_packet);
void packet_ring_destroy(struct packet_ring **ring);
void packet_ring_clear(struct packet_ring *ring); /* while nobody puts or takes */

/* The thread that puts. False: full. */
bool packet_ring_put(struct packet_ring *ring, const uint8_t *bytes, size_t n, double born_s);
/* The thread that takes. Oldest packet in place, NULL when empty; its own until dropped. */
struct packet *packet_ring_look(struct packet_ring *ring);
void packet_ring_drop(struct packet_ring *ring); /* what was looked at */

size_t packet_ring_size(const struct packet_ring *ring); /* any thread */
