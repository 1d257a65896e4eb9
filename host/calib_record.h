/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * One thing measured on site (the radio's delay, its receive or transmit channels, the empty room),
 * and the conditions it holds for. docs/calibration.md names the members of its JSON. Setup and
 * background threads only. */
#pragma once
#include "dsp/stream.h"
#include <jansson.h>
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

/* False: no object of texts that fit; *key is not to be used then. */
bool calib_key_from_json(const json_t *o, struct calib_key *key) MUST_CHECK;

/* A new reference; NULL without memory. */
json_t *calib_record_to_json(const struct calib_record *record);
/* NULL and the whole record, or the name of the member at fault; the caller clears *record either
 * way. */
const char *calib_record_from_json(const json_t *o, struct calib_record *record) MUST_CHECK;
