/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The data link of one user, one side of it: IP packets in and out of slots (docs/link.md). Packets
 * are cut to what a slot holds, sent again until they are acknowledged or too old, put together
 * and delivered in order and once. Both sides are alike.
 *
 * Threads: fill, take, lost, skip, close, open and mcs belong to the radio, one thread at a time;
 * send and receive to the port (link_port.h), one thread. Between them are two rings of one
 * producer and one consumer: no lock, no allocation after create. */
#pragma once
#include "frames/link_frame.h"
#include "frames/secure_link.h"

enum { DATA_LINK_MCS_MAX = 16, DATA_LINK_WINDOW = 256 /* packets under way */ };
/* The smallest payload of a slot that carries anything. */
#define DATA_LINK_SLOT_MIN (SECURE_LINK_OVERHEAD + LINK_FRAME_MIN)

struct data_link_cfg {
    enum secure_link_direction sends; /* SECURE_LINK_DOWN at the base station */
    size_t queue;      /* packets that wait for the radio, and for the port; 1..4096 */
    double lifetime_s; /* a packet older than this is dropped, > 0 */
    size_t n_mcs;      /* modulation and coding schemes, slowest first, 1..DATA_LINK_MCS_MAX */
    double snr_db[DATA_LINK_MCS_MAX]; /* from which each one is used; [0] is not looked at */
};

struct data_link_slot { /* the one downlink or uplink slot of a cycle */
    uint64_t cycle;     /* of the sensing frame that addressed this user */
    double time_s;      /* device time, never running backwards */
};

struct data_link_heard { /* how a slot came; NaN: not measured */
    double snr_db, evm_db;
    double ber; /* before correction */
};

struct data_link_counters {
    uint64_t slots_sent, slots_acked, slots_unacked; /* the last: known not to have arrived */
    uint64_t slots_received, slots_lost, slots_skipped;
    uint64_t slots_refused;          /* not authentic, or a replay */
    uint64_t slots_malformed;        /* authentic, and yet no frame */
    uint64_t packets_in, bytes_in;   /* from the port, into the queue */
    uint64_t packets_out, bytes_out; /* delivered into the port's queue */
    uint64_t packets_acked, bytes_acked;
    uint64_t dropped_queue;   /* from the port: the queue was full */
    uint64_t dropped_size;    /* from the port: empty or above LINK_PACKET_MAX */
    uint64_t dropped_old;     /* not acknowledged in their lifetime */
    uint64_t dropped_restart; /* the other side has started anew; may have been delivered before */
    uint64_t dropped_consent; /* permission ended: what waited, was under way, or came meanwhile */
    uint64_t dropped_port;    /* received, but the port's queue was full */
    uint64_t missed;          /* packets that the other side gave up */
    uint64_t bytes_sent;      /* of packets, repetitions counted again */
    uint64_t bytes_again;     /* of these: repetitions */
    uint64_t slot_bytes;      /* payload of the slots sent, all of it */
    uint64_t peer_restarts;
};

struct data_link_state { /* snapshot, any thread */
    struct data_link_counters count;
    double peer_snr_db;           /* at which the other side hears us; NaN: not known */
    double peer_evm_db, peer_ber; /* of our slot that it heard last; likewise */
    double snr_db;                /* at which we hear it; NaN: not yet */
    double margin_db;             /* what link adaptation keeps on top, from losses; likewise */
    int mcs;                      /* its choice; -1: not known */
    bool up;       /* something authentic came in one of the last DATA_LINK_STALE slots */
    size_t queued; /* packets that wait for the radio, */
    size_t queue;  /* and how many may */
};

enum { DATA_LINK_STALE = 3 }; /* slots without a word from the other side: the slowest scheme */

struct data_link;
/* Setup only. Copies the keys. NULL and *err: ERR_ARG, ERR_NO_MEMORY. */
struct data_link *data_link_create(const struct data_link_cfg *cfg, const struct secure_keys *keys,
                                   struct status *err);
void data_link_destroy(struct data_link **link); /* wipes the keys */
/* Another user, with other keys, takes the place: everything is forgotten, and counters begin at 0.
 * While neither radio nor port use the link. */
void data_link_reset(struct data_link *link, const struct secure_keys *keys);

/* --- radio; RT-safe */

/* Payload of the slot that is about to be sent: exactly n bytes, sealed. Call at most once a cycle.
 * Returns 0, ERR_ARG (n < DATA_LINK_SLOT_MIN) or ERR_STATE (not above the last cycle filled). */
int data_link_fill(struct data_link *link, const struct data_link_slot *slot, uint8_t *out,
                   size_t n) MUST_CHECK;
/* Payload of a slot whose checksum held; opened in place. Returns 0, ERR_AUTH, ERR_STATE (a replay)
 * or ERR_FORMAT: counted, and nothing of it is used. heard: told to the other side; NULL: nothing
 * was measured. */
int data_link_take(struct data_link *link, const struct data_link_slot *slot, uint8_t *payload,
                   size_t n, const struct data_link_heard *heard) MUST_CHECK;
/* The slot of this cycle was listened to and did not come, or not whole. */
void data_link_lost(struct data_link *link, const struct data_link_slot *slot,
                    const struct data_link_heard *heard);
/* No slot was sent in this cycle (no permission, no answer): packets grow older. */
void data_link_skip(struct data_link *link, const struct data_link_slot *slot);
/* Permission has ended: what waits or is under way is dropped and counted, and so is what the port
 * gives, until it is there again. Either may be said again and again. */
void data_link_close(struct data_link *link);
void data_link_open(struct data_link *link);
/* Scheme for the slot about to be sent, 0..n_mcs-1. */
int data_link_mcs(const struct data_link *link);

/* --- port; RT-safe */

/* Copies a packet into the queue. Returns 0, ERR_NO_SPACE (queue full), ERR_STATE (closed) or
 * ERR_ARG (size): dropped and counted. */
int data_link_send(struct data_link *link, const uint8_t *packet, size_t n) MUST_CHECK;
/* The next packet delivered, copied to out[LINK_PACKET_MAX]; its bytes, 0 when there is none. */
size_t data_link_receive(struct data_link *link, uint8_t *out);
/* Readable once packets may wait; and not any more, before taking all of them. */
int data_link_fd(const struct data_link *link);
void data_link_clear_fd(struct data_link *link);

void data_link_read(const struct data_link *link, struct data_link_state *out);
