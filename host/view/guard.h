/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Who may speak to the bridge. A page of another origin, also one that reaches us under a name of
 * its own (DNS rebinding), must not; and since every user of a machine can open its loopback, a
 * page must show a token that only its owner can read. */
#pragma once
#include "host/view/view_config.h"

enum { GUARD_TOKEN_BYTES = 32, GUARD_TOKEN_TEXT = 2 * GUARD_TOKEN_BYTES };

struct guard {
    const struct view_cfg *cfg;
    bool locked;                      /* a token is needed */
    char token[GUARD_TOKEN_TEXT + 1]; /* hex, as in the file */
};

/* Reads the token, or makes its file; nothing with listen.token off. cfg outlives it. Errors as of
 * key_file_read and key_file_write. */
int guard_init(struct guard *guard, const struct view_cfg *cfg, struct status *err) MUST_CHECK;
void guard_wipe(struct guard *guard);

/* origin and host: headers of a handshake. True if the page came from this very server: by http://
 * and host is an IPv4 address, localhost or one of listen.names, or by https:// and host is one of
 * listen.https_names (a proxy in front of us passes it on); each with any port. */
bool guard_origin(const struct guard *guard, const char *origin, const char *host);

/* Compares in constant time. text need not be terminated. */
bool guard_token(const struct guard *guard, const char *text, size_t n);
