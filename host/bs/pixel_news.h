/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The control thread's side of pixel health: new snapshots as telemetry (topic "calib"), alarms in
 * the log, and the record on disk. */
#pragma once
#include "host/calib_worker.h"
#include "host/pixel_store.h"

struct pixel_news;

struct pixel_news_cfg {
    const struct bs_cfg *cfg;    /* outlives it */
    struct calib_worker *worker; /* likewise */
    struct pixel_store_head head[BS_RIS];
};

/* Setup only. NULL: out of memory. */
struct pixel_news *pixel_news_create(const struct pixel_news_cfg *cfg, struct status *err);
void pixel_news_destroy(struct pixel_news **news);

/* One message, valid until the next call. */
struct pixel_message {
    const char *header; /* JSON */
    size_t n_header;
    const void *arrays; /* mask, sigma, log_odds, state one after the other */
    size_t n_arrays;
};

/* The next snapshot that was not told yet. Says in the log what broke and what recovered; writes
 * the record when the broken pixels changed, and at most once a minute otherwise. False: no news.
 */
bool pixel_news_take(struct pixel_news *news, struct pixel_message *out);

/* The header of that message, for free(); NULL: out of memory. Pilots come from a user's cycle up
 * to several before: nothing of where that user was is in it. dropped: trains that found the queue
 * full. Any thread. */
char *pixel_news_format(const struct pixel_map *map, const struct pixel_store_head *head,
                        uint64_t dropped);

/* Writes what is not on disk yet. */
void pixel_news_save(struct pixel_news *news);
