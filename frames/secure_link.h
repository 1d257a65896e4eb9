/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Secrecy of the data link: one payload a cycle and direction, encrypted and authenticated with
 * XChaCha20-Poly1305 under a key of its own for each user and direction (docs/link.md).
 *
 *   payload   salt 8 | ciphertext | tag 16
 *   nonce     LE64(cycle) | salt 8 | direction 1 | zero 7
 *   salt      first 8 bytes of BLAKE2b(k_salt, LE64(cycle) | direction 1 | plaintext)
 *
 * Cycle numbers are never used twice, across restarts either: the base station reserves them on
 * disk, the user writes down what it has accepted before it transmits. So no nonce repeats. The
 * salt is the second lock: should a state folder ever be lost or copied, two different plaintexts
 * still get two nonces. It looks random and tells nobody that two payloads come from one user.
 * Opened is only a payload of the very cycle the receiver is in, once. libsodium; RT-safe. */
#pragma once
#include "frames/secure.h"

#define SECURE_LINK_SALT     8
#define SECURE_LINK_TAG      16
#define SECURE_LINK_OVERHEAD (SECURE_LINK_SALT + SECURE_LINK_TAG)

enum secure_link_direction { SECURE_LINK_DOWN, SECURE_LINK_UP }; /* to the user; from it */

struct secure_link {
    uint8_t seal_key[32], open_key[32], salt_key[32];
    uint8_t sends;           /* enum secure_link_direction of what is sealed */
    uint64_t sealed, opened; /* last cycle of either; 0: none */
};

/* sends: SECURE_LINK_DOWN at the base station, SECURE_LINK_UP at the user. Wipe with
 * secure_wipe(). */
void secure_link_init(struct secure_link *link, const struct secure_keys *keys,
                      enum secure_link_direction sends);

/* In place; the plaintext stands at payload + SECURE_LINK_SALT, n bytes in all. Returns 0, ERR_ARG
 * (n) or ERR_STATE (cycle not above the last one sealed). */
int secure_link_seal(struct secure_link *link, uint64_t cycle, uint8_t *payload,
                     size_t n) MUST_CHECK;
/* In place. Returns 0, ERR_ARG (n), ERR_STATE (cycle not above the last one opened: a replay) or
 * ERR_AUTH, after which the payload's content is worth nothing. */
int secure_link_open(struct secure_link *link, uint64_t cycle, uint8_t *payload,
                     size_t n) MUST_CHECK;
