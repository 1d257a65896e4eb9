/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What each TX port sends: sc16 samples in an endless ring and a log of packets that says when they
 * are on the air. Bursts far in the future cost only their samples. Also the event log's writing
 * side and the low-water marks of the RX streams, behind which ring space is reused. */
#pragma once
#include "sim/air.h"

struct air_packet;

#ifdef __cplusplus
extern "C" {
#endif

void air_event_post_locked(struct air *air, enum air_event_kind kind, unsigned radio, int64_t tick,
                           uint32_t rising, uint32_t falling);
void air_event_post(struct air *air, unsigned radio, int64_t tick, uint32_t rising,
                    uint32_t falling);
void air_log_clear_locked(struct air *air);

/* How far back [ticks] an RX stream may fall before it overflows. */
int64_t air_depth(const struct air *air);
/* First tick any reader may still need; what lies before may be reused. Under the lock. */
int64_t air_release_tick_locked(struct air *air);

/* One more reader of the radio; ERR_NO_SPACE, or its handle >= 0. */
int air_reader_open(struct air *air, unsigned radio) MUST_CHECK;
void air_reader_low(struct air *air, int reader, int64_t low_tick); /* AIR_NEVER: idle */
void air_reader_close(struct air *air, int reader);

/* Samples that can be put into the port's ring right now (0 also when its packet log is full). */
size_t air_tx_space(struct air *air, unsigned radio, unsigned port);
/* Copies n <= space samples (I, Q pairs) behind the last committed one. One writer per port. */
void air_tx_put(struct air *air, unsigned radio, unsigned port, const int16_t *iq, size_t n);

struct air_tx_chunk {
    unsigned radio, n_port;
    const unsigned *port; /* [n_port]: all get the same n samples' worth, put before */
    int64_t k0;           /* device sample index of the first, latency not included */
    size_t n;             /* may be 0 (ends a burst) */
    const float *scale;   /* [n_port] sqrt(W) per count */
    const float *phase_rad;
    double carrier_hz;
    bool more;                            /* the burst goes on */
    uint32_t start_rising, start_falling; /* pins that change at the first sample ... */
    uint32_t end_rising, end_falling;     /* ... and after the last one, when !more */
};
/* Atomic for all ports. ERR_TIMEOUT: too late, the first sample's time has passed or lies in an
 * earlier burst; nothing was sent. */
int air_tx_commit(struct air *air, const struct air_tx_chunk *chunk) MUST_CHECK;
void air_tx_abort(struct air *air, unsigned radio,
                  unsigned port); /* gives up an open burst's hold */

/* Packets of the port that overlap samples [k_a, k_b) of its antenna clock; returns how many (<=
 * max). */
size_t air_tx_spans(struct air *air, unsigned radio, unsigned port, int64_t k_a, int64_t k_b,
                    struct air_packet *out, size_t max);

/* Snapshot in force at tick_a and all later ones before tick_b; returns how many (<= max). */
size_t air_snap_span(struct air *air, int64_t tick_a, int64_t tick_b, struct air_snap *out,
                     size_t max);
/* Reference tick of a set, or ERR_NOT_FOUND when its storage has been reused. */
int air_set_ref(const struct air *air, uint64_t id, int64_t *ref_tick) MUST_CHECK;

#ifdef __cplusplus
}
#endif
