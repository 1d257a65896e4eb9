/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Secrecy of the three air frames: keys, sealing, and the decision whether a received frame is
 * genuine and fresh (docs/air-frames.md). libsodium; no heap, no I/O: key files and the
 * persisted counters belong to the caller. Comparisons are constant-time, intermediate secrets are
 * wiped. After secure_init() everything is RT-safe. */
#pragma once
#include "frames/response_frame.h"
#include "frames/sensing_frame.h"
#include "frames/sync_frame.h"

#define SECURE_MASTER_BYTES 32
#define SECURE_WINDOW       32 /* cycles either side of the user's estimate that a frame may name */
#define SECURE_TRIES_PER_S  8.0 /* wrong frames a user looks at per second, and at once */

/* One user's keys, all derived from its master key. Wipe with secure_keys_wipe(). */
struct secure_keys {
    uint8_t dl[32];   /* encrypts the sensing frame */
    uint8_t ul[32];   /* encrypts the response's body */
    uint8_t mac[32];  /* authenticates the response */
    uint8_t sync[32]; /* authenticates the sync frame */
    uint8_t data_down[32], data_up[32], data_salt[32]; /* of the data link: secure_link.h */
};

/* Once per process, before threads start. Returns 0 or ERR_STATE (no source of randomness). */
int secure_init(void) MUST_CHECK;
/* A fresh random master key. */
void secure_master_random(uint8_t master[SECURE_MASTER_BYTES]);
/* Deterministic master key of a simulated demo: BLAKE2b over seed and user. Never for keys in the
 * field. */
void secure_master_from_seed(uint64_t seed, uint32_t user_id, uint8_t master[SECURE_MASTER_BYTES]);
void secure_keys_derive(const uint8_t master[SECURE_MASTER_BYTES], struct secure_keys *keys);
void secure_keys_wipe(struct secure_keys *keys);
void secure_wipe(void *bytes, size_t n_byte);

/* --- base station */

/* The one response the base station waits for. Plain data, one per user and cycle. */
struct secure_expectation {
    uint64_t cycle;
    uint8_t sensing[SENSING_FRAME_BYTES];
    bool open; /* a response of this cycle may still be accepted */
};

/* Sealed sensing frame of a cycle. Never call twice with different users' data under one cycle and
 * key. Returns 0 or ERR_ARG (user id). */
int secure_seal_sensing(const struct secure_keys *keys, uint64_t cycle, uint32_t user_id,
                        uint8_t out[SENSING_FRAME_BYTES]) MUST_CHECK;
void secure_seal_sync(const struct secure_keys *keys, uint64_t cycle, uint32_t user_id,
                      uint8_t out[SYNC_FRAME_BYTES]);

/* Opens the expectation of a cycle; whatever was expected before no longer counts. */
void secure_expect(struct secure_expectation *e, uint64_t cycle,
                   const uint8_t sensing[SENSING_FRAME_BYTES]);

/* Accepts at most one genuine response per expectation. Returns 0, ERR_STATE (none expected, or
 * already answered: a replay), ERR_CRC or ERR_FORMAT (bytes damaged on the way), ERR_AUTH (wrong
 * cycle, key or sensing frame). *out is written only on success; look at out->permit before you
 * compute anything. */
int secure_open_response(struct secure_expectation *e, const struct secure_keys *keys,
                         const uint8_t in[RESPONSE_FRAME_BYTES], struct response *out) MUST_CHECK;

/* --- user */

/* What a user remembers. Start with secure_user_reset(); persist `last` before every transmission.
 */
struct secure_user {
    uint32_t user_id;
    bool synced;   /* a sync frame was accepted since the start, so the estimate means something */
    uint64_t last; /* highest accepted cycle; 0 = none yet */
    uint64_t estimate; /* cycle of the last frame believed; secure_user_advance() carries it on */
    double tokens;     /* frames it may still look at now */
    double refill_s;   /* device time of the last refill */
    struct {
        uint64_t accepted, synced, refused, replayed, limited;
    } count;
};

void secure_user_reset(struct secure_user *u, uint32_t user_id, uint64_t persisted_last);
/* The user's clock says that this many cycles have gone by since the last call. */
void secure_user_advance(struct secure_user *u, uint64_t n_cycle);

/* now_s: device time, never running backwards. Returns 0 and the cycle, ERR_STATE (no sync frame
 * yet), ERR_BUSY (rate limit), ERR_FORMAT (no preamble), ERR_AUTH (outside the window, not above
 * `last`, or not the one value this cycle admits). On success `last` and the estimate are the
 * frame's cycle: the same frame is refused from then on. */
int secure_user_open_sensing(struct secure_user *u, const struct secure_keys *keys, double now_s,
                             const uint8_t in[SENSING_FRAME_BYTES], uint64_t *cycle) MUST_CHECK;
/* Same codes. On success the estimate is the frame's cycle; `last` stays, as the sensing frame of
 * the same cycle has yet to be accepted. */
int secure_user_open_sync(struct secure_user *u, const struct secure_keys *keys, double now_s,
                          const uint8_t in[SYNC_FRAME_BYTES], uint64_t *cycle) MUST_CHECK;

/* The answer to an accepted sensing frame. Returns 0 or ERR_ARG (a field of the response out of
 * range). */
int secure_seal_response(const struct secure_keys *keys, uint64_t cycle,
                         const uint8_t sensing[SENSING_FRAME_BYTES], const struct response *r,
                         uint8_t out[RESPONSE_FRAME_BYTES]) MUST_CHECK;
