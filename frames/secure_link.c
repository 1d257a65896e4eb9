/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "frames/secure_link.h"
#include "frames/bits.h"
#include <assert.h>
#include <sodium.h>
#include <string.h>

enum { KEY_BYTES = 32, NONCE_BYTES = 24, HASH_BYTES = 16, NAME_BYTES = 9 };
static_assert(KEY_BYTES == crypto_aead_xchacha20poly1305_ietf_KEYBYTES, "subkeys feed the AEAD");
static_assert(NONCE_BYTES == crypto_aead_xchacha20poly1305_ietf_NPUBBYTES, "layout of the nonce");
static_assert(SECURE_LINK_TAG == crypto_aead_xchacha20poly1305_ietf_ABYTES, "layout of a payload");

void secure_link_init(struct secure_link *link, const struct secure_keys *keys,
                      enum secure_link_direction sends)
{
    const bool down = sends == SECURE_LINK_DOWN;
    *link = (struct secure_link){.sends = (uint8_t)sends};
    memcpy(link->seal_key, down ? keys->data_down : keys->data_up, KEY_BYTES);
    memcpy(link->open_key, down ? keys->data_up : keys->data_down, KEY_BYTES);
    memcpy(link->salt_key, keys->data_salt, KEY_BYTES);
}

/* A payload's name: cycle and direction. */
static void name_it(uint64_t cycle, uint8_t direction, uint8_t name[NAME_BYTES])
{
    le64_put(name, cycle);
    name[8] = direction;
}

static void make_salt(const struct secure_link *link, const uint8_t name[NAME_BYTES],
                      const uint8_t *text, size_t n, uint8_t salt[SECURE_LINK_SALT])
{
    crypto_generichash_state state;
    uint8_t hash[HASH_BYTES];
    (void)crypto_generichash_init(&state, link->salt_key, KEY_BYTES, sizeof hash);
    (void)crypto_generichash_update(&state, name, NAME_BYTES);
    (void)crypto_generichash_update(&state, text, n);
    (void)crypto_generichash_final(&state, hash, sizeof hash);
    memcpy(salt, hash, SECURE_LINK_SALT);
    sodium_memzero(&state, sizeof state);
    sodium_memzero(hash, sizeof hash);
}

static void make_nonce(const uint8_t name[NAME_BYTES], const uint8_t salt[SECURE_LINK_SALT],
                       uint8_t nonce[NONCE_BYTES])
{
    memset(nonce, 0, NONCE_BYTES);
    memcpy(nonce, name, 8);
    memcpy(nonce + 8, salt, SECURE_LINK_SALT);
    nonce[8 + SECURE_LINK_SALT] = name[8];
}

int secure_link_seal(struct secure_link *link, uint64_t cycle, uint8_t *payload, size_t n)
{
    uint8_t name[NAME_BYTES], nonce[NONCE_BYTES];
    uint8_t *text = payload + SECURE_LINK_SALT;
    if (n < SECURE_LINK_OVERHEAD)
        return ERR_ARG;
    if (cycle <= link->sealed)
        return ERR_STATE;
    link->sealed = cycle;
    name_it(cycle, link->sends, name);
    make_salt(link, name, text, n - SECURE_LINK_OVERHEAD, payload);
    make_nonce(name, payload, nonce);
    (void)crypto_aead_xchacha20poly1305_ietf_encrypt_detached(text, payload + n - SECURE_LINK_TAG,
                                                              NULL, text, n - SECURE_LINK_OVERHEAD,
                                                              NULL, 0, NULL, nonce, link->seal_key);
    return OK;
}

int secure_link_open(struct secure_link *link, uint64_t cycle, uint8_t *payload, size_t n)
{
    uint8_t name[NAME_BYTES], nonce[NONCE_BYTES];
    uint8_t *text = payload + SECURE_LINK_SALT;
    if (n < SECURE_LINK_OVERHEAD)
        return ERR_ARG;
    if (cycle <= link->opened)
        return ERR_STATE;
    name_it(cycle, link->sends == SECURE_LINK_DOWN ? SECURE_LINK_UP : SECURE_LINK_DOWN, name);
    make_nonce(name, payload, nonce);
    if (crypto_aead_xchacha20poly1305_ietf_decrypt_detached(
            text, NULL, text, n - SECURE_LINK_OVERHEAD, payload + n - SECURE_LINK_TAG, NULL, 0,
            nonce, link->open_key))
        return ERR_AUTH;
    link->opened = cycle;
    return OK;
}
