/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What was measured on site, in one file of the state folder. JSON: it can be read and compared by
 * eye, and a whole file is replaced in one step. Setup and background threads only. */
#pragma once
#include "host/calib_record.h"

struct calib_store;

/* A missing file is an empty store. A damaged one: ERR_FORMAT with where and the cure in *err, and
 * a store that holds nothing and refuses to replace the file. NULL only without memory. */
struct calib_store *calib_store_open(const char *path, struct status *err);
void calib_store_close(struct calib_store **store);

/* The record of this kind and key into *out (which the caller clears). ERR_NOT_FOUND: no record of
 * this kind at all. ERR_STATE: there are some, but for other conditions; *err says in what the
 * closest differs. */
int calib_store_find(const struct calib_store *store, enum calib_kind kind,
                     const struct calib_key *key, struct calib_record *out,
                     struct status *err) MUST_CHECK;

/* Adds a record, in place of the one of the same kind and key, and replaces the file. */
int calib_store_put(struct calib_store *store, const struct calib_record *record,
                    struct status *err) MUST_CHECK;

/* All records but their arrays as a JSON array, newest last: text to free(), NULL without memory.
 */
char *calib_store_summary(const struct calib_store *store);

/* Reads what calib_store_open would read; for it and the fuzzer. *store: NULL unless OK. */
int calib_store_parse(const char *name, const char *text, size_t n, struct calib_store **store,
                      struct status *err) MUST_CHECK;
