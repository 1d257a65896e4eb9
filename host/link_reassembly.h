/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Pieces of packets put together again, delivered in order and once. One thread; RT-safe after
 * create. */
#pragma once
#include "host/packet_ring.h"

struct link_reassembly_news {
    size_t packets, bytes; /* delivered */
    size_t missed;         /* given up by the other side, before all of it was here */
    size_t refused;        /* delivered, but the ring was full */
};

struct link_reassembly;
/* Setup only. n_packet: the window, a power of two up to 4096. NULL: out of memory. */
struct link_reassembly *link_reassembly_create(size_t n_packet);
void link_reassembly_destroy(struct link_reassembly **reassembly);
/* Forgets everything; the next packet to deliver is this one. */
void link_reassembly_restart(struct link_reassembly *reassembly, uint16_t next);

/* A piece of a packet outside the window, or already there, changes nothing. ERR_FORMAT: it
 * contradicts an earlier one about where the packet ends. */
int link_reassembly_add(struct link_reassembly *reassembly,
                        const struct link_piece *piece) MUST_CHECK;
/* Delivers what is complete into the ring; base: of the frame that brought the pieces. */
struct link_reassembly_news link_reassembly_deliver(struct link_reassembly *reassembly,
                                                    uint16_t base, struct packet_ring *ring);
