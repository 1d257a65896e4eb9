/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "host/link_sender.h"
#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum { SLOT_PIECES = 384 };

/* Sets of units: bit u is the packet's u-th LINK_UNIT bytes. `want` and `flight` are disjoint; what
 * is in neither has arrived. */
struct parcel {
    struct packet packet;
    uint64_t want;   /* to be sent, again or for the first time */
    uint64_t flight; /* sent in a slot of which nothing is known yet */
    uint64_t ever;   /* sent at least once */
};

struct sent_piece {
    uint16_t packet;
    uint8_t first, units;
};

struct sent_slot {
    uint16_t slot, n_piece;
    uint64_t cycle;
    struct sent_piece piece[SLOT_PIECES];
};

struct link_sender {
    struct parcel *parcels;
    size_t n_parcel;
    uint16_t base, n; /* number of the oldest packet; how many are under way */
    struct sent_slot log[LINK_SENDER_SLOTS];
    size_t first, n_log;
};

struct link_sender *link_sender_create(size_t n_packet)
{
    assert(n_packet > 0 && n_packet <= 4096 && (n_packet & (n_packet - 1)) == 0);
    struct link_sender *s = malloc(sizeof *s);
    struct parcel *parcels = malloc(n_packet * sizeof *parcels);
    if (!s || !parcels) {
        free(s);
        free(parcels);
        return NULL;
    }
    memset(s, 0, sizeof *s); /* touched now, not on the sample path */
    memset(parcels, 0, n_packet * sizeof *parcels);
    s->parcels = parcels;
    s->n_parcel = n_packet;
    return s;
}

void link_sender_destroy(struct link_sender **sender)
{
    if (!*sender)
        return;
    free((*sender)->parcels);
    free(*sender);
    *sender = NULL;
}

uint16_t link_sender_base(const struct link_sender *s)
{
    return s->base;
}

static struct parcel *parcel_at(struct link_sender *s, uint16_t packet)
{
    return &s->parcels[packet & (s->n_parcel - 1)];
}

/* NULL: it is no longer under way. */
static struct parcel *parcel_find(struct link_sender *s, uint16_t packet)
{
    return (uint16_t)(packet - s->base) < s->n ? parcel_at(s, packet) : NULL;
}

static void drop_oldest(struct link_sender *s)
{
    s->base++;
    s->n--;
}

static bool arrived(const struct parcel *p)
{
    return (p->want | p->flight) == 0;
}

static void drop_arrived(struct link_sender *s)
{
    while (s->n > 0 && arrived(parcel_at(s, s->base)))
        drop_oldest(s);
}

size_t link_sender_reset(struct link_sender *s)
{
    size_t dropped = 0;
    for (; s->n > 0; drop_oldest(s))
        dropped += !arrived(parcel_at(s, s->base));
    s->n_log = 0;
    return dropped;
}

size_t link_sender_expire(struct link_sender *s, double before_s)
{
    size_t n = 0;
    while (s->n > 0 && parcel_at(s, s->base)->packet.born_s < before_s) {
        n += !arrived(parcel_at(s, s->base));
        drop_oldest(s);
    }
    drop_arrived(s);
    return n;
}

/* --- sending */

static struct sent_slot *log_open(struct link_sender *s, uint16_t slot, uint64_t cycle);

/* The first run of wanted units, cut to the room. */
static struct link_piece next_piece(const struct parcel *p, uint16_t number, size_t room)
{
    const size_t total = link_unit_count(p->packet.n);
    size_t first = (size_t)__builtin_ctzll(p->want), end = first;
    while (end < total && (p->want >> end & 1) && (end + 1 - first) * LINK_UNIT <= room)
        end++;
    const bool last = end == total;
    const size_t stop = last ? p->packet.n : end * LINK_UNIT;
    return (struct link_piece){.packet = number,
                               .first = (uint8_t)first,
                               .last = last,
                               .n = (uint16_t)(stop - first * LINK_UNIT),
                               .bytes = p->packet.bytes + first * LINK_UNIT};
}

/* As much of a packet as the frame and the log hold. False: one of them is full. */
static bool send_parcel(struct parcel *p, uint16_t number, struct byte_writer *frame,
                        struct sent_slot *log, struct link_sender_sent *sent)
{
    while (p->want) {
        const size_t room = link_frame_room(frame);
        if (room == 0 || log->n_piece == SLOT_PIECES)
            return false;
        const struct link_piece piece = next_piece(p, number, room);
        const size_t n = link_unit_count(piece.n);
        const uint64_t set = link_unit_set(piece.first, n);
        if (link_frame_add(frame, &piece))
            return false;
        log->piece[log->n_piece++] =
            (struct sent_piece){.packet = number, .first = piece.first, .units = (uint8_t)n};
        sent->bytes += piece.n;
        sent->again += (p->ever & set) ? piece.n : 0;
        p->want &= ~set;
        p->flight |= set;
        p->ever |= set;
    }
    return true;
}

/* The queue's oldest packet joins those under way. NULL: there is none, or no place for it. */
static struct parcel *admit(struct link_sender *s, struct packet_ring *queue)
{
    const struct packet *packet = s->n < s->n_parcel ? packet_ring_look(queue) : NULL;
    if (!packet)
        return NULL;
    struct parcel *p = parcel_at(s, (uint16_t)(s->base + s->n++));
    p->packet.born_s = packet->born_s;
    p->packet.n = packet->n;
    memcpy(p->packet.bytes, packet->bytes, packet->n);
    p->want = link_unit_set(0, link_unit_count(packet->n));
    p->flight = p->ever = 0;
    packet_ring_drop(queue);
    return p;
}

struct link_sender_sent link_sender_fill(struct link_sender *s, struct packet_ring *queue,
                                         struct byte_writer *frame, uint16_t slot, uint64_t cycle)
{
    struct link_sender_sent sent = {0};
    struct sent_slot *log = log_open(s, slot, cycle);
    for (uint16_t i = 0; i < s->n || (link_frame_room(frame) > 0 && admit(s, queue)); i++) {
        const uint16_t number = (uint16_t)(s->base + i);
        if (!send_parcel(parcel_at(s, number), number, frame, log, &sent))
            break;
    }
    return sent;
}

void link_sender_note(struct link_sender *s, uint16_t slot, uint64_t cycle)
{
    (void)log_open(s, slot, cycle);
}

/* --- what became of a slot */

static void settle(struct link_sender *s, const struct sent_slot *slot, bool received,
                   struct link_sender_news *news)
{
    for (size_t i = 0; i < slot->n_piece; i++) {
        struct parcel *p = parcel_find(s, slot->piece[i].packet);
        if (!p)
            continue;
        const uint64_t set = link_unit_set(slot->piece[i].first, slot->piece[i].units) & p->flight;
        p->flight &= ~set;
        if (!received)
            p->want |= set;
        if (received && set && arrived(p)) {
            news->packets++;
            news->bytes += p->packet.n;
        }
    }
    news->slots_acked += received;
    news->slots_lost += !received;
}

static struct sent_slot *log_at(struct link_sender *s, size_t i)
{
    return &s->log[(s->first + i) % LINK_SENDER_SLOTS];
}

static struct sent_slot *log_open(struct link_sender *s, uint16_t slot, uint64_t cycle)
{
    struct link_sender_news forgotten = {0};
    if (s->n_log == LINK_SENDER_SLOTS) {
        settle(s, log_at(s, 0), false, &forgotten);
        s->first = (s->first + 1) % LINK_SENDER_SLOTS;
        s->n_log--;
    }
    struct sent_slot *log = log_at(s, s->n_log++);
    log->slot = slot;
    log->cycle = cycle;
    log->n_piece = 0;
    return log;
}

enum fate { PENDING, RECEIVED, LOST };

/* The channel never changes the order, so what was sent before something that has been listened to
 * and is not acknowledged is lost. */
static enum fate fate_of(const struct sent_slot *slot, const struct link_header *ack,
                         uint64_t heard)
{
    const int16_t behind = (int16_t)(uint16_t)(ack->ack_slot - slot->slot);
    if (behind < 0)
        return slot->cycle <= heard ? LOST : PENDING;
    if (behind == 0)
        return RECEIVED;
    return behind <= LINK_MAP_SLOTS && (ack->ack_map >> (behind - 1) & 1) ? RECEIVED : LOST;
}

struct link_sender_news link_sender_acked(struct link_sender *s, const struct link_header *ack,
                                          uint64_t heard)
{
    struct link_sender_news news = {0};
    while (s->n_log > 0) {
        const struct sent_slot *oldest = log_at(s, 0);
        const enum fate fate = fate_of(oldest, ack, heard);
        if (fate == PENDING)
            break;
        settle(s, oldest, fate == RECEIVED, &news);
        s->first = (s->first + 1) % LINK_SENDER_SLOTS;
        s->n_log--;
    }
    drop_arrived(s);
    return news;
}

size_t link_sender_peer_restarted(struct link_sender *s)
{
    const uint16_t end = (uint16_t)(s->base + s->n);
    uint16_t kept = end;
    size_t dropped = 0;
    s->n_log = 0;
    /* Only the youngest packets can be incomplete, since the oldest go first: from behind, as long
     * as not all of a packet went out. */
    while (kept != s->base) {
        const struct parcel *p = parcel_at(s, (uint16_t)(kept - 1));
        if (p->ever == link_unit_set(0, link_unit_count(p->packet.n)))
            break;
        kept--;
    }
    for (; s->base != kept; drop_oldest(s))
        dropped += !arrived(parcel_at(s, s->base));
    for (uint16_t i = 0; i < s->n; i++) {
        struct parcel *p = parcel_at(s, (uint16_t)(s->base + i));
        p->want = link_unit_set(0, link_unit_count(p->packet.n));
        p->flight = p->ever = 0;
    }
    return dropped;
}
