/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "host/data_link.h"
#include "base/log.h"
#include "host/link_adapt.h"
#include "host/link_reassembly.h"
#include "host/link_sender.h"
#include <math.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum { COUNTERS = sizeof(struct data_link_counters) / sizeof(uint64_t), QUEUE_MAX = 4096 };
enum { PORT_QUEUE = 2 * DATA_LINK_WINDOW }; /* a slot may complete a whole window */

struct peer { /* what we have heard of the other side */
    bool known;
    uint32_t session;
    uint16_t newest; /* its newest slot that we received */
    uint32_t map;    /* and those before it, as in struct link_header */
    uint64_t heard;  /* last cycle whose slot we listened to */
    uint8_t snr;     /* code at which we hear it */
    uint8_t evm;     /* code, of its last slot */
    uint32_t ber;    /* likewise */
    unsigned silent; /* slots of ours since its last word */
};

struct data_link {
    struct data_link_cfg cfg;
    struct secure_link secure;
    struct link_adapt adapt;
    struct link_sender *sender;
    struct link_reassembly *reassembly;
    struct packet_ring *to_radio, *to_port;
    bool started; /* session holds */
    uint32_t session;
    uint16_t slot; /* number of the next one */
    struct peer peer;
    int fd;
    _Atomic uint64_t count[COUNTERS]; /* in the order of struct data_link_counters */
    _Atomic double now_s, peer_snr_db, peer_evm_db, peer_ber, snr_db, margin_db;
    atomic_int mcs;
    atomic_bool up, closed;
};

#define COUNT(link, field, n)                                                                      \
    atomic_fetch_add_explicit(                                                                     \
        &(link)->count[offsetof(struct data_link_counters, field) / sizeof(uint64_t)],             \
        (uint64_t)(n), memory_order_relaxed)

/* --- setup */

static int check(const struct data_link_cfg *cfg, struct status *err)
{
    if (cfg->queue < 1 || cfg->queue > QUEUE_MAX)
        return status_set(err, ERR_ARG, "data link: a queue of %zu packets; 1 to %d are possible",
                          cfg->queue, QUEUE_MAX);
    if (!(cfg->lifetime_s > 0))
        return status_set(err, ERR_ARG, "data link: packets live %g s; more than 0 is needed",
                          cfg->lifetime_s);
    if (cfg->n_mcs < 1 || cfg->n_mcs > DATA_LINK_MCS_MAX)
        return status_set(err, ERR_ARG, "data link: %zu schemes; 1 to %d are possible", cfg->n_mcs,
                          DATA_LINK_MCS_MAX);
    return OK;
}

static void begin(struct data_link *link, const struct secure_keys *keys)
{
    secure_link_init(&link->secure, keys, link->cfg.sends);
    link->adapt = (struct link_adapt){.n_mcs = link->cfg.n_mcs};
    memcpy(link->adapt.from_db, link->cfg.snr_db, sizeof link->cfg.snr_db);
    link->started = false;
    link->slot = 0;
    link->peer = (struct peer){.ber = LINK_BER_UNKNOWN};
    atomic_store(&link->now_s, NAN);
    atomic_store(&link->peer_snr_db, NAN);
    atomic_store(&link->peer_evm_db, NAN);
    atomic_store(&link->peer_ber, NAN);
    atomic_store(&link->snr_db, NAN);
    atomic_store(&link->margin_db, 0);
    atomic_store(&link->mcs, 0);
    atomic_store(&link->up, false);
    atomic_store(&link->closed, false);
}

struct data_link *data_link_create(const struct data_link_cfg *cfg, const struct secure_keys *keys,
                                   struct status *err)
{
    if (check(cfg, err))
        return NULL;
    struct data_link *link = calloc(1, sizeof *link);
    if (!link) {
        status_set(err, ERR_NO_MEMORY, "data link: out of memory");
        return NULL;
    }
    link->cfg = *cfg;
    link->sender = link_sender_create(DATA_LINK_WINDOW);
    link->reassembly = link_reassembly_create(DATA_LINK_WINDOW);
    link->to_radio = packet_ring_create(cfg->queue);
    link->to_port = packet_ring_create(cfg->queue > PORT_QUEUE ? cfg->queue : PORT_QUEUE);
    link->fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (!link->sender || !link->reassembly || !link->to_radio || !link->to_port || link->fd < 0) {
        status_set(err, ERR_NO_MEMORY,
                   link->fd < 0 ? "data link: no eventfd; raise the limit of "
                                  "open files"
                                : "data link: out of memory");
        data_link_destroy(&link);
        return NULL;
    }
    begin(link, keys);
    return link;
}

void data_link_destroy(struct data_link **plink)
{
    struct data_link *link = *plink;
    if (!link)
        return;
    if (link->fd >= 0)
        close(link->fd);
    link_sender_destroy(&link->sender);
    link_reassembly_destroy(&link->reassembly);
    packet_ring_destroy(&link->to_radio);
    packet_ring_destroy(&link->to_port);
    secure_wipe(&link->secure, sizeof link->secure);
    free(link);
    *plink = NULL;
}

void data_link_reset(struct data_link *link, const struct secure_keys *keys)
{
    (void)link_sender_reset(link->sender);
    link_reassembly_restart(link->reassembly, 0);
    packet_ring_clear(link->to_radio);
    packet_ring_clear(link->to_port);
    for (size_t i = 0; i < COUNTERS; i++)
        atomic_store(&link->count[i], 0);
    begin(link, keys);
}

/* --- radio: sending */

static bool is_up(const struct data_link *link)
{
    return link->peer.known && link->peer.silent < DATA_LINK_STALE;
}

/* Packets that waited too long, in the queue or on the way. The device's time may have been set
 * back, by a radio that was opened anew: nothing is older than the clock. */
static void grow_old(struct data_link *link, double now_s)
{
    struct packet *p;
    size_t n = link_sender_expire(link->sender, now_s - link->cfg.lifetime_s);
    while ((p = packet_ring_look(link->to_radio))) {
        if (!(p->born_s <= now_s))
            p->born_s = now_s;
        if (p->born_s >= now_s - link->cfg.lifetime_s)
            break;
        packet_ring_drop(link->to_radio);
        n++;
    }
    COUNT(link, dropped_old, n);
    atomic_store(&link->now_s, now_s);
}

static struct link_header make_header(struct data_link *link)
{
    const struct peer *peer = &link->peer;
    return (struct link_header){
        .peer_known = peer->known,
        .snr = peer->snr,
        .evm = peer->evm,
        .ber = peer->ber,
        .session = link->session,
        .peer_session = peer->session,
        .slot = link->slot,
        .ack_slot = peer->newest,
        .ack_map = peer->map,
        .heard = (uint16_t)peer->heard,
        .base = link_sender_base(link->sender),
    };
}

static void fill_frame(struct data_link *link, uint64_t cycle, struct byte_writer *frame)
{
    if (!link->peer.known) {
        link_sender_note(link->sender, link->slot, cycle);
        return;
    }
    const struct link_sender_sent sent =
        link_sender_fill(link->sender, link->to_radio, frame, link->slot, cycle);
    COUNT(link, bytes_sent, sent.bytes);
    COUNT(link, bytes_again, sent.again);
}

int data_link_fill(struct data_link *link, const struct data_link_slot *slot, uint8_t *out,
                   size_t n)
{
    struct byte_writer frame;
    if (n < DATA_LINK_SLOT_MIN)
        return ERR_ARG;
    if (slot->cycle <= link->secure.sealed)
        return ERR_STATE;
    if (!link->started)
        link->session = (uint32_t)slot->cycle; /* no earlier run has had this cycle */
    link->started = true;
    grow_old(link, slot->time_s);
    const struct link_header header = make_header(link);
    int rc = link_frame_begin(&frame, out + SECURE_LINK_SALT, n - SECURE_LINK_OVERHEAD, &header);
    if (rc)
        return rc;
    fill_frame(link, slot->cycle, &frame);
    link_frame_end(&frame);
    link->slot++;
    link->peer.silent += link->peer.silent < DATA_LINK_STALE;
    atomic_store(&link->up, is_up(link));
    COUNT(link, slots_sent, 1);
    COUNT(link, slot_bytes, n);
    return secure_link_seal(&link->secure, slot->cycle, out, n);
}

void data_link_skip(struct data_link *link, const struct data_link_slot *slot)
{
    grow_old(link, slot->time_s);
    link->peer.silent += link->peer.silent < DATA_LINK_STALE;
    atomic_store(&link->up, is_up(link));
    COUNT(link, slots_skipped, 1);
}

static size_t drop_all(struct data_link *link)
{
    size_t n = link_sender_reset(link->sender);
    for (; packet_ring_look(link->to_radio); n++)
        packet_ring_drop(link->to_radio);
    return n;
}

void data_link_close(struct data_link *link)
{
    atomic_store(&link->closed, true);
    COUNT(link, dropped_consent, drop_all(link));
}

/* The port may have put a packet while it was being closed: of that time nothing is sent. */
void data_link_open(struct data_link *link)
{
    if (!atomic_load(&link->closed))
        return;
    COUNT(link, dropped_consent, drop_all(link));
    atomic_store(&link->closed, false);
}

int data_link_mcs(const struct data_link *link)
{
    return is_up(link) ? link->adapt.mcs : 0;
}

/* --- radio: receiving */

static uint32_t ber_code(double ber)
{
    return ber >= 0 && ber <= 1 ? (uint32_t)(ber * LINK_BER_ONE) : LINK_BER_UNKNOWN;
}

static double ber_of(uint32_t code)
{
    return code <= LINK_BER_ONE ? (double)code / LINK_BER_ONE : NAN;
}

static void listened(struct data_link *link, const struct data_link_slot *slot,
                     const struct data_link_heard *heard)
{
    const struct data_link_heard nothing = {NAN, NAN, NAN}, *h = heard ? heard : &nothing;
    link->peer.heard = slot->cycle;
    link->peer.evm = link_evm_code(h->evm_db);
    link->peer.ber = ber_code(h->ber);
    atomic_store(&link->now_s, slot->time_s);
    if (!isfinite(h->snr_db))
        return;
    link->peer.snr = link_snr_code(h->snr_db);
    atomic_store(&link->snr_db, h->snr_db);
}

static void meet_peer(struct data_link *link, const struct link_header *h)
{
    if (link->peer.known) {
        COUNT(link, peer_restarts, 1);
        COUNT(link, dropped_restart, link_sender_peer_restarted(link->sender));
    }
    link->peer.known = true;
    link->peer.session = h->session;
    link->peer.newest = h->slot;
    link->peer.map = 0;
    link_reassembly_restart(link->reassembly, h->base);
}

/* Enters the slot into the acknowledgement. ERR_FORMAT: it is not newer than the newest. */
static int note_slot(struct peer *peer, uint16_t slot)
{
    const int16_t ahead = (int16_t)(uint16_t)(slot - peer->newest);
    if (ahead <= 0)
        return ERR_FORMAT;
    const uint64_t map = ((uint64_t)peer->map << 1 | 1)
                         << (ahead <= LINK_MAP_SLOTS ? ahead - 1 : 0);
    peer->map = ahead <= LINK_MAP_SLOTS ? (uint32_t)map : 0;
    peer->newest = slot;
    return OK;
}

static void take_acks(struct data_link *link, const struct link_header *h, uint64_t cycle)
{
    const uint64_t heard = cycle - (uint16_t)((uint16_t)cycle - h->heard);
    const struct link_sender_news news = link_sender_acked(link->sender, h, heard);
    const double snr_db = h->snr ? link_snr_db(h->snr) : NAN;
    COUNT(link, slots_acked, news.slots_acked);
    COUNT(link, slots_unacked, news.slots_lost);
    COUNT(link, packets_acked, news.packets);
    COUNT(link, bytes_acked, news.bytes);
    link_adapt_report(&link->adapt, news.slots_acked, news.slots_lost, snr_db);
    atomic_store(&link->peer_snr_db, snr_db);
    atomic_store(&link->peer_evm_db, h->evm ? link_evm_db(h->evm) : NAN);
    atomic_store(&link->peer_ber, ber_of(h->ber));
    atomic_store(&link->margin_db, link->adapt.margin_db);
    atomic_store(&link->mcs, link->adapt.mcs);
}

static void wake_port(const struct data_link *link)
{
    const uint64_t one = 1;
    if (write(link->fd, &one, sizeof one) < 0)
        return; /* saturated: readable anyway */
}

static int take_pieces(struct data_link *link, struct byte_reader *r, uint16_t base)
{
    struct link_piece piece;
    int rc = OK;
    while (link_frame_next(r, &piece))
        if (link_reassembly_add(link->reassembly, &piece))
            rc = ERR_FORMAT;
    const struct link_reassembly_news news =
        link_reassembly_deliver(link->reassembly, base, link->to_port);
    COUNT(link, packets_out, news.packets);
    COUNT(link, bytes_out, news.bytes);
    COUNT(link, missed, news.missed);
    COUNT(link, dropped_port, news.refused);
    if (news.packets > 0)
        wake_port(link);
    return rc;
}

static int take_frame(struct data_link *link, const struct data_link_slot *slot,
                      const uint8_t *text, size_t n)
{
    struct byte_reader r;
    struct link_header h;
    if (link_frame_open(&r, text, n, &h))
        return ERR_FORMAT;
    if (!link->peer.known || h.session != link->peer.session)
        meet_peer(link, &h);
    else if (note_slot(&link->peer, h.slot))
        return ERR_FORMAT;
    link->peer.silent = 0;
    atomic_store(&link->up, true);
    /* What was meant for the one who was here before us may have been delivered to it. */
    if (!h.peer_known || !link->started || h.peer_session != link->session)
        return OK;
    take_acks(link, &h, slot->cycle);
    return take_pieces(link, &r, h.base);
}

int data_link_take(struct data_link *link, const struct data_link_slot *slot, uint8_t *payload,
                   size_t n, const struct data_link_heard *heard)
{
    listened(link, slot, heard);
    int rc = secure_link_open(&link->secure, slot->cycle, payload, n);
    if (rc) {
        COUNT(link, slots_refused, 1);
        return rc;
    }
    rc = take_frame(link, slot, payload + SECURE_LINK_SALT, n - SECURE_LINK_OVERHEAD);
    COUNT(link, slots_received, 1);
    COUNT(link, slots_malformed, rc != OK);
    return rc;
}

void data_link_lost(struct data_link *link, const struct data_link_slot *slot,
                    const struct data_link_heard *heard)
{
    listened(link, slot, heard);
    COUNT(link, slots_lost, 1);
}

/* --- port */

int data_link_send(struct data_link *link, const uint8_t *packet, size_t n)
{
    if (n < 1 || n > LINK_PACKET_MAX) {
        COUNT(link, dropped_size, 1);
        return ERR_ARG;
    }
    if (atomic_load(&link->closed)) {
        COUNT(link, dropped_consent, 1);
        return ERR_STATE;
    }
    if (!packet_ring_put(link->to_radio, packet, n, atomic_load(&link->now_s))) {
        COUNT(link, dropped_queue, 1);
        return ERR_NO_SPACE;
    }
    COUNT(link, packets_in, 1);
    COUNT(link, bytes_in, n);
    return OK;
}

size_t data_link_receive(struct data_link *link, uint8_t *out)
{
    const struct packet *packet = packet_ring_look(link->to_port);
    if (!packet)
        return 0;
    const size_t n = packet->n;
    memcpy(out, packet->bytes, n);
    packet_ring_drop(link->to_port);
    return n;
}

int data_link_fd(const struct data_link *link)
{
    return link->fd;
}

void data_link_clear_fd(struct data_link *link)
{
    uint64_t n;
    if (read(link->fd, &n, sizeof n) < 0)
        return; /* nothing was pending */
}

void data_link_read(const struct data_link *link, struct data_link_state *out)
{
    uint64_t *count = (uint64_t *)&out->count;
    for (size_t i = 0; i < COUNTERS; i++)
        count[i] = atomic_load_explicit(&link->count[i], memory_order_relaxed);
    out->peer_snr_db = atomic_load(&link->peer_snr_db);
    out->peer_evm_db = atomic_load(&link->peer_evm_db);
    out->peer_ber = atomic_load(&link->peer_ber);
    out->snr_db = atomic_load(&link->snr_db);
    out->margin_db = atomic_load(&link->margin_db);
    out->up = atomic_load(&link->up);
    out->mcs = out->up ? atomic_load(&link->mcs) : 0;
    out->queued = packet_ring_size(link->to_radio);
    out->queue = link->cfg.queue;
}
