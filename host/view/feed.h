/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What was last heard on the telemetry, in the order in which it was heard, within a fixed number
 * of bytes: of most topics the last message of each user and board, of some a short history, so
 * that a page that is opened late has a track to draw; nothing of where a user is or was once the
 * user is not to be located any more. A reader remembers how far it got, and what
 * was replaced meanwhile it never sees. One thread. */
#pragma once
#include "base/sockets.h"
#include <stddef.h>
#include <stdint.h>

enum {
    FEED_MESSAGE_MAX = 64 * 1024, /* bytes of one message; longer ones are left out and counted */
    FEED_BYTES = 6 * 1024 * 1024, /* of all messages kept */
    FEED_RECORD_HEAD = 16,
};

struct feed;

/* NULL: out of memory. */
struct feed *feed_create(struct status *err);
void feed_destroy(struct feed **feed);

/* A message of telemetry: topic, JSON header, perhaps arrays. now_ms: any steady clock. Returns OK,
 * ERR_FORMAT (it is none), ERR_NO_SPACE (too long), ERR_NO_MEMORY. When FEED_BYTES are used up,
 * what was not replaced for longest is dropped. */
int feed_put(struct feed *feed, const struct socket_message *message, int64_t now_ms) MUST_CHECK;

/* Writes the records heard after *seen, oldest first, as many as fit, and moves *seen on. Start
 * with *seen 0. Returns the bytes written, 0: nothing new. Record, all numbers little-endian:
 *   u32 n_topic, u32 n_header, u32 n_arrays, u32 age_ms, topic, header, arrays */
size_t feed_collect(const struct feed *feed, uint64_t *seen, int64_t now_ms, uint8_t *out,
                    size_t size);

struct feed_totals {
    uint64_t heard, refused; /* messages */
    size_t bytes, messages;  /* kept */
    int64_t last_ms;         /* of the last message; 0: none */
};
struct feed_totals feed_totals(const struct feed *feed);
