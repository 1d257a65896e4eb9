/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Packets under way to the other side: what of each has yet to be sent, which slot carried what,
 * and what an acknowledgement means for them (selective repeat: a lost slot's pieces are sent
 * again, cut anew to what the next slot holds). One thread; RT-safe after create. */
#pragma once
#include "host/packet_ring.h"

enum { LINK_SENDER_SLOTS = LINK_MAP_SLOTS };

struct link_sender_news { /* what an acknowledgement brought */
    size_t slots_acked, slots_lost, packets, bytes;
};

struct link_sender_sent { /* what a slot took along */
    size_t bytes, again;
};

struct link_sender;
/* Setup only. n_packet: the window, a power of two up to 4096. NULL: out of memory. */
struct link_sender *link_sender_create(size_t n_packet);
void link_sender_destroy(struct link_sender **sender);
/* Nothing is under way any more; numbers go on. Returns how many packets that dropped. */
size_t link_sender_reset(struct link_sender *sender);

/* Oldest packet that may still be sent. */
uint16_t link_sender_base(const struct link_sender *sender);
/* Drops packets born before the given time. How many. */
size_t link_sender_expire(struct link_sender *sender, double before_s);
/* Fills the frame with pieces, the oldest first, and with packets from the queue. Notes what slot
 * and cycle carried; a slot too many in doubt counts as lost. Returns what it took along. */
struct link_sender_sent link_sender_fill(struct link_sender *sender, struct packet_ring *queue,
                                         struct byte_writer *frame, uint16_t slot, uint64_t cycle);
/* A slot without pieces, which is acknowledged all the same. */
void link_sender_note(struct link_sender *sender, uint16_t slot, uint64_t cycle);
/* ack: of a frame that was meant for us; heard: its `heard` as a full cycle number. */
struct link_sender_news link_sender_acked(struct link_sender *sender, const struct link_header *ack,
                                          uint64_t heard);
/* The other side has started anew. What went out whole may have been delivered, so it is dropped;
 * the rest begins again. Returns how many were dropped. */
size_t link_sender_peer_restarted(struct link_sender *sender);
