/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Hands the pages' commands to the daemon and its answers back to the page that asked. Each command
 * gets a number of ours on its way and its own back with the answer; what is not answered within
 * DESK_PATIENCE_MS is answered by us, and is not carried out later by a daemon that comes back.
 * One thread. */
#pragma once
#include "base/sockets.h"
#include <stdint.h>

enum { DESK_PATIENCE_MS = 3000, DESK_COMMANDS = 64, DESK_COMMANDS_EACH = 8 };

struct desk;

/* sockets and endpoint outlive it. NULL: says why in *err. */
struct desk *desk_create(struct sockets *sockets, const char *endpoint, struct status *err);
void desk_destroy(struct desk **desk);

struct desk_client {
    uint32_t id;   /* never given twice */
    char who[64];  /* for the daemon's audit log */
    unsigned asks; /* unanswered, kept by the desk */
};

/* Sends a command of n bytes. An error is what the client is to be told: ERR_FORMAT (no JSON object
 * with "cmd"), ERR_BUSY (too many unanswered), ERR_IO. */
int desk_ask(struct desk *desk, struct desk_client *client, const char *text, size_t n,
             int64_t now_ms, struct status *err) MUST_CHECK;

struct desk_answer {
    struct desk_client *client;
    char *text; /* the caller frees */
};
/* The next answer, or timeout. False: none. */
bool desk_take(struct desk *desk, int64_t now_ms, struct desk_answer *out);

/* The client is gone: its answers are not wanted any more. */
void desk_forget(struct desk *desk, const struct desk_client *client);

/* {"ok":false,...} as the daemon would write it; the caller frees, NULL: out of memory. */
char *desk_refusal(int64_t seq, const struct status *err);
