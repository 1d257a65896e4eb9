/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What was measured on site, in one file of the state folder: records of the radio's delay, of its
 * receive and transmit channels and of the empty room, each under the conditions it holds for.
 * JSON: it can be read and compared by eye, and a whole file is replaced in one step.
 * docs/calibration.md names its members. Setup and background threads only. */
#pragma once
#include "dsp/stream.h"
#include <stdint.h>

enum calib_kind { CALIB_DELAY, CALIB_CHANNELS, CALIB_BACKGROUND, CALIB_TRANSMIT, CALIB_KINDS };

enum { CALIB_KEY_ITEMS = 48, CALIB_KEY_NAME = 40, CALIB_KEY_TEXT = 256, CALIB_STREAMS = 64 };

/* What a record depends on: names and values as text, compared as they are. */
struct calib_key {
    size_t n;
    struct {
        char name[CALIB_KEY_NAME], text[CALIB_KEY_TEXT];
    } item[CALIB_KEY_ITEMS];
};

struct calib_record {
    enum calib_kind kind;
    struct calib_key key;
    double time_unix_s;      /* when it was measured */
    double temperature_c;    /* of the device then; NaN: it has no such sensor */
    char from[16];           /* "leak", "cable", "user"; "empty room" */
    unsigned cycles;         /* that were averaged */
    struct stream_lock zero; /* delay: the result; else what held at the time */
    double spread_m;         /* delay: standard error of the mean over cycles */
    size_t n_ant;
    cplxf
        correction[STREAM_MAX_ANT]; /* channels: the result, stream_correct; background: what held;
                                     * transmit: what the channels do, relative to the first */
    double sigma_rad;               /* channels: largest bound of a phase */
    double match;                   /* channels: worst match of an observation */
    size_t n_carrier, n_streams;    /* background: entries, */
    enum stream_name stream[CALIB_STREAMS]; /* of which stream, */
    uint64_t config[CALIB_STREAMS];         /* and the RIS configuration it holds for */
    cplxf *room[CALIB_STREAMS]; /* [n_ant x n_carrier] each, owned; calib_record_clear */
};

void calib_record_clear(struct calib_record *record); /* frees the rooms, zeroes the rest */
const char *
calib_kind_name(enum calib_kind kind); /* "delay", "channels", "background", "transmit" */

/* Adds one item, formatted. Longer texts are an error of the programmer. */
void calib_key_add(struct calib_key *key, const char *name, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Another text for the item of this name, which is there. */
void calib_key_set(struct calib_key *key, const char *name, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Writes the items in which two keys differ, "rx_gain_db is 12, was 10; ...", and returns how many
 * there are. */
int calib_key_differs(const struct calib_key *now, const struct calib_key *was, char *text,
                      size_t size);

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
