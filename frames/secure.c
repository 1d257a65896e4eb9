/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "frames/secure.h"
#include "frames/bits.h"
#include <assert.h>
#include <sodium.h>
#include <string.h>

enum { MAC_BYTES = 16, KEY_BYTES = 32, LABEL_BYTES = 8 };
enum { KDF_DL = 1, KDF_UL, KDF_MAC, KDF_SYNC, KDF_DATA_DOWN, KDF_DATA_UP, KDF_DATA_SALT };
static_assert(SECURE_MASTER_BYTES == crypto_kdf_KEYBYTES, "the master key feeds crypto_kdf");
static_assert(KEY_BYTES == crypto_stream_chacha20_KEYBYTES, "subkeys feed ChaCha20");

int secure_init(void)
{
    return sodium_init() < 0 ? ERR_STATE : OK;
}

void secure_master_random(uint8_t master[SECURE_MASTER_BYTES])
{
    randombytes_buf(master, SECURE_MASTER_BYTES);
}

void secure_master_from_seed(uint64_t seed, uint32_t user_id, uint8_t master[SECURE_MASTER_BYTES])
{
    uint8_t message[24] = "MIR-DEMO";
    le64_put(message + 8, seed);
    le64_put(message + 16, user_id);
    (void)crypto_generichash(master, SECURE_MASTER_BYTES, message, sizeof message, NULL, 0);
}

static void derive(uint8_t key[KEY_BYTES], uint64_t id, const uint8_t *master)
{
    static const char context[crypto_kdf_CONTEXTBYTES + 1] = "ISACv1__";
    (void)crypto_kdf_derive_from_key(key, KEY_BYTES, id, context, master);
}

void secure_keys_derive(const uint8_t master[SECURE_MASTER_BYTES], struct secure_keys *keys)
{
    derive(keys->dl, KDF_DL, master);
    derive(keys->ul, KDF_UL, master);
    derive(keys->mac, KDF_MAC, master);
    derive(keys->sync, KDF_SYNC, master);
    derive(keys->data_down, KDF_DATA_DOWN, master);
    derive(keys->data_up, KDF_DATA_UP, master);
    derive(keys->data_salt, KDF_DATA_SALT, master);
}

void secure_keys_wipe(struct secure_keys *keys)
{
    sodium_memzero(keys, sizeof *keys);
}

void secure_wipe(void *bytes, size_t n_byte)
{
    sodium_memzero(bytes, n_byte);
}

/* First 32 bits of ChaCha20 under the cycle's nonce, as four bytes. */
static void keystream(const uint8_t key[KEY_BYTES], uint64_t cycle, uint8_t out[4])
{
    uint8_t nonce[crypto_stream_chacha20_NONCEBYTES];
    le64_put(nonce, cycle);
    (void)crypto_stream_chacha20(out, 4, nonce, key);
}

/* First 8 of the 16 bytes of keyed BLAKE2b. */
static void mac8(const uint8_t key[KEY_BYTES], const uint8_t *message, size_t n, uint8_t out[8])
{
    uint8_t full[MAC_BYTES];
    (void)crypto_generichash(full, sizeof full, message, n, key, KEY_BYTES);
    memcpy(out, full, 8);
    sodium_memzero(full, sizeof full);
}

static void response_mac(const struct secure_keys *keys, uint64_t cycle,
                         const uint8_t sensing[SENSING_FRAME_BYTES],
                         const uint8_t head[RESPONSE_SIGNED_BYTES], uint8_t mac[8])
{
    uint8_t message[LABEL_BYTES + 8 + SENSING_FRAME_BYTES + RESPONSE_SIGNED_BYTES];
    memcpy(message, "ISAC-UL1", LABEL_BYTES);
    le64_put(message + LABEL_BYTES, cycle);
    memcpy(message + LABEL_BYTES + 8, sensing, SENSING_FRAME_BYTES);
    memcpy(message + LABEL_BYTES + 8 + SENSING_FRAME_BYTES, head, RESPONSE_SIGNED_BYTES);
    mac8(keys->mac, message, sizeof message, mac);
}

static void sync_mac(const struct secure_keys *keys, uint64_t cycle, uint32_t user_id,
                     uint8_t mac[8])
{
    uint8_t message[LABEL_BYTES + 16];
    memcpy(message, "ISAC-SY1", LABEL_BYTES);
    le64_put(message + LABEL_BYTES, user_id);
    le64_put(message + LABEL_BYTES + 8, cycle);
    mac8(keys->sync, message, sizeof message, mac);
}

static void xor_body(const struct secure_keys *keys, uint64_t cycle, uint8_t body[4])
{
    uint8_t stream[RESPONSE_BODY_BYTES];
    keystream(keys->ul, cycle, stream);
    for (size_t i = 0; i < RESPONSE_BODY_BYTES; i++)
        body[i] ^= stream[i];
    sodium_memzero(stream, sizeof stream);
}

/* --- base station */

int secure_seal_sensing(const struct secure_keys *keys, uint64_t cycle, uint32_t user_id,
                        uint8_t out[SENSING_FRAME_BYTES])
{
    uint8_t stream[4];
    keystream(keys->dl, cycle, stream);
    uint32_t first28 = ((uint32_t)stream[0] << 24 | (uint32_t)stream[1] << 16 |
                        (uint32_t)stream[2] << 8 | stream[3]) >>
                       (32 - SENSING_SECRET_BITS);
    struct sensing_frame frame = {.timestamp = cycle & FRAME_TIMESTAMP_MASK, .user_id = user_id};
    int rc = sensing_frame_pack(&frame, first28, out);
    sodium_memzero(stream, sizeof stream);
    sodium_memzero(&first28, sizeof first28);
    return rc;
}

void secure_seal_sync(const struct secure_keys *keys, uint64_t cycle, uint32_t user_id,
                      uint8_t out[SYNC_FRAME_BYTES])
{
    struct sync_frame frame = {.cycle = cycle};
    sync_mac(keys, cycle, user_id, frame.mac);
    sync_frame_pack(&frame, out);
}

void secure_expect(struct secure_expectation *e, uint64_t cycle,
                   const uint8_t sensing[SENSING_FRAME_BYTES])
{
    e->cycle = cycle;
    memcpy(e->sensing, sensing, SENSING_FRAME_BYTES);
    e->open = true;
}

int secure_open_response(struct secure_expectation *e, const struct secure_keys *keys,
                         const uint8_t in[RESPONSE_FRAME_BYTES], struct response *out)
{
    if (!e->open)
        return ERR_STATE;
    struct response_frame frame;
    int rc = response_frame_unpack(in, &frame);
    if (rc)
        return rc;
    uint8_t mac[RESPONSE_MAC_BYTES];
    response_mac(keys, e->cycle, e->sensing, in, mac);
    bool genuine = sodium_memcmp(mac, frame.mac, sizeof mac) == 0 &&
                   frame.timestamp == (e->cycle & FRAME_TIMESTAMP_MASK);
    sodium_memzero(mac, sizeof mac);
    if (!genuine)
        return ERR_AUTH;
    xor_body(keys, e->cycle, frame.sealed);
    rc = response_body_unpack(frame.sealed, out);
    sodium_memzero(&frame, sizeof frame);
    if (rc == OK)
        e->open = false;
    return rc;
}

/* --- user */

void secure_user_reset(struct secure_user *u, uint32_t user_id, uint64_t persisted_last)
{
    *u = (struct secure_user){
        .user_id = user_id,
        .last = persisted_last,
        .estimate = persisted_last,
        .tokens = SECURE_TRIES_PER_S,
    };
}

void secure_user_advance(struct secure_user *u, uint64_t n_cycle)
{
    u->estimate += n_cycle;
}

/* A token bucket on the device's clock: a forger who floods the air gets no more tries than this.
 */
static int take_token(struct secure_user *u, double now_s)
{
    if (now_s > u->refill_s) {
        double more = u->tokens + (now_s - u->refill_s) * SECURE_TRIES_PER_S;
        u->tokens = more < SECURE_TRIES_PER_S ? more : SECURE_TRIES_PER_S;
        u->refill_s = now_s;
    }
    if (u->tokens < 1.0) {
        u->count.limited++;
        return ERR_BUSY;
    }
    u->tokens -= 1.0;
    return OK;
}

/* The one cycle within the window whose low bits are the timestamp, or ERR_AUTH. The window is half
 * the timestamp's range, so there is never a second one. */
static int cycle_in_window(uint64_t estimate, int timestamp, uint64_t *cycle)
{
    int ahead = (timestamp - (int)(estimate & FRAME_TIMESTAMP_MASK)) & (int)FRAME_TIMESTAMP_MASK;
    if (ahead <= SECURE_WINDOW) {
        *cycle = estimate + (uint64_t)ahead;
        return *cycle >= estimate ? OK : ERR_AUTH;
    }
    uint64_t behind = FRAME_TIMESTAMP_MASK + 1 - (uint64_t)ahead;
    if (behind > SECURE_WINDOW || behind > estimate)
        return ERR_AUTH;
    *cycle = estimate - behind;
    return OK;
}

/* The keyed check alone: is `in` the one value of that cycle? */
static bool sensing_genuine(const struct secure_user *u, const struct secure_keys *keys,
                            uint64_t cycle, const uint8_t in[SENSING_FRAME_BYTES])
{
    uint8_t expected[SENSING_FRAME_BYTES];
    int rc = secure_seal_sensing(keys, cycle, u->user_id, expected);
    assert(rc == OK); /* the user's own id was checked when it was configured */
    bool same = sodium_memcmp(expected, in, sizeof expected) == 0;
    sodium_memzero(expected, sizeof expected);
    return same;
}

static int refuse(uint64_t *counter)
{
    (*counter)++;
    return ERR_AUTH;
}

int secure_user_open_sensing(struct secure_user *u, const struct secure_keys *keys, double now_s,
                             const uint8_t in[SENSING_FRAME_BYTES], uint64_t *cycle)
{
    if (!u->synced)
        return ERR_STATE;
    int timestamp = sensing_frame_timestamp(in);
    if (timestamp < 0)
        return timestamp;
    int rc = take_token(u, now_s);
    if (rc)
        return rc;
    uint64_t c;
    if (cycle_in_window(u->estimate, timestamp, &c) || !sensing_genuine(u, keys, c, in))
        return refuse(&u->count.refused);
    if (c <= u->last)
        return refuse(&u->count.replayed);
    u->last = c;
    u->estimate = c;
    u->tokens += 1.0; /* the limit is on guesses; the base station itself may send faster */
    u->count.accepted++;
    *cycle = c;
    return OK;
}

int secure_user_open_sync(struct secure_user *u, const struct secure_keys *keys, double now_s,
                          const uint8_t in[SYNC_FRAME_BYTES], uint64_t *cycle)
{
    int rc = take_token(u, now_s);
    if (rc)
        return rc;
    struct sync_frame frame;
    uint8_t mac[SYNC_MAC_BYTES];
    sync_frame_unpack(in, &frame);
    sync_mac(keys, frame.cycle, u->user_id, mac);
    bool genuine = sodium_memcmp(mac, frame.mac, sizeof mac) == 0;
    sodium_memzero(mac, sizeof mac);
    if (!genuine)
        return refuse(&u->count.refused);
    if (frame.cycle <= u->last)
        return refuse(&u->count.replayed);
    u->synced = true;
    u->tokens += 1.0;
    u->estimate = frame.cycle;
    u->count.synced++;
    *cycle = frame.cycle;
    return OK;
}

int secure_seal_response(const struct secure_keys *keys, uint64_t cycle,
                         const uint8_t sensing[SENSING_FRAME_BYTES], const struct response *r,
                         uint8_t out[RESPONSE_FRAME_BYTES])
{
    struct response_frame frame = {.timestamp = cycle & FRAME_TIMESTAMP_MASK};
    int rc = response_body_pack(r, frame.sealed);
    if (rc)
        return rc;
    xor_body(keys, cycle, frame.sealed);
    uint8_t head[RESPONSE_SIGNED_BYTES];
    rc = response_frame_pack_signed(&frame, head);
    if (rc)
        return rc;
    response_mac(keys, cycle, sensing, head, frame.mac);
    return response_frame_pack(&frame, out);
}
