/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * YAML configuration read into a caller's struct through a declarative table of keys. Setup only.
 *
 *     struct user { int id; char key_file[256]; };
 *     struct cfg { double rate_hz; double bs_m[3]; struct user users[8]; size_t n_users; };
 *
 *     static const struct config_key user_keys[] = {
 *         {"id", CONFIG_INT(struct user, id), .min = 0, .max = 1048575, .help = "radio ID"},
 *         {"key_file", CONFIG_STRING(struct user, key_file), .def = "", .help = "..."},
 *     };
 *     static const struct config_table user_table = CONFIG_TABLE(struct user, user_keys);
 *     static const struct config_key keys[] = {
 *         {"radio.rate_hz", CONFIG_DOUBLE(struct cfg, rate_hz), .unit = "samples/s",
 *          .min = 1e3, .max = 1e9, .def = "100e6", .help = "sample rate of every channel"},
 *         {"bs_m", CONFIG_VEC3(struct cfg, bs_m), .unit = "m", .min = -1e3, .max = 1e3, .help =
 * "..."},
 *         {"users", CONFIG_LIST(struct cfg, users, n_users, &user_table), .min_items = 1},
 *     };
 *     static const struct config_table table = CONFIG_TABLE(struct cfg, keys);
 *
 * The macros check the field's type at compile time. Everything is stored in place with fixed
 * capacity (the array's size in the struct), so nothing needs freeing. A dot in a path is one level
 * of YAML mapping; a list of maps has a table of its own and lists nest. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "frames/status.h"

enum config_type {
    CONFIG_TYPE_DOUBLE,
    CONFIG_TYPE_INT,    /* int; "20e3" is accepted when it is whole */
    CONFIG_TYPE_U64,    /* uint64_t, seeds and cycle numbers */
    CONFIG_TYPE_BOOL,   /* true/false, yes/no, on/off */
    CONFIG_TYPE_STRING, /* char[size], terminated */
    CONFIG_TYPE_CHOICE, /* int: index into choices */
    CONFIG_TYPE_VEC3,   /* double[3] */
    CONFIG_TYPE_DOUBLE_LIST,
    CONFIG_TYPE_INT_LIST,
    CONFIG_TYPE_STRING_LIST,
    CONFIG_TYPE_VEC3_LIST,
    CONFIG_TYPE_MAP_LIST,
};

struct config_key {
    const char *path; /* "radio.gain_db"; inside a list: relative to its item */
    enum config_type type;
    size_t offset;                    /* of the value in the struct */
    size_t count_offset;              /* lists: of the size_t number of items */
    size_t size;                      /* bytes of one string, or of one item of a map list */
    size_t max_items;                 /* lists: capacity */
    const struct config_table *table; /* map list: keys of one item */

    const char *unit; /* "Hz", "dB", "m"; NULL = dimensionless */
    double min, max;  /* inclusive, each number; both 0 = no limit */
    size_t min_items; /* lists, fewest items */
    const char *def;  /* default as YAML text; NULL = required (a list with min_items 0: empty) */
    const char *choices; /* CONFIG_CHOICE: "coded|steering" */
    const char *help;    /* one line for --dump-config */
};

/* Keys of a struct inside the table's struct, shared with other tables: their paths are complete,
 * so they stand beside the table's own keys, also in the same group. */
struct config_part {
    const struct config_table *table;
    size_t offset; /* of that struct */
    const struct config_default {
        const char *path, *def;
    } * defaults; /* where this table's differ from the part's */
    size_t n_defaults;
};

struct config_table {
    const struct config_key *keys;
    size_t n_keys; /* <= 128, with all parts */
    size_t size;   /* bytes of the struct that offsets refer to */
    const struct config_part *parts;
    size_t n_parts;
    const char *presets; /* "bs-": preset b210 is our file bs-b210.yaml; NULL = none */
};

/* Default of a double or vec3 that may be left out: it reads NaN then (users cannot write NaN). */
#define CONFIG_UNSET ".nan"

#define CONFIG_FIELD_(T, f)    ((T *)0)->f
#define CONFIG_IS_(T, f, type) (0 * sizeof(char[_Generic(&CONFIG_FIELD_(T, f), type : 1)]))
#define CONFIG_AT_(T, f, type) offsetof(T, f) + CONFIG_IS_(T, f, type)
#define CONFIG_CAPACITY_(T, f) (sizeof CONFIG_FIELD_(T, f) / sizeof CONFIG_FIELD_(T, f)[0])
#define CONFIG_ITEMS_(T, f, n)                                                                     \
    .count_offset = CONFIG_AT_(T, n, size_t *), .max_items = CONFIG_CAPACITY_(T, f)

#define CONFIG_DOUBLE(T, f) .type = CONFIG_TYPE_DOUBLE, .offset = CONFIG_AT_(T, f, double *)
#define CONFIG_INT(T, f)    .type = CONFIG_TYPE_INT, .offset = CONFIG_AT_(T, f, int *)
#define CONFIG_U64(T, f)    .type = CONFIG_TYPE_U64, .offset = CONFIG_AT_(T, f, uint64_t *)
#define CONFIG_BOOL(T, f)   .type = CONFIG_TYPE_BOOL, .offset = CONFIG_AT_(T, f, bool *)
#define CONFIG_VEC3(T, f)   .type = CONFIG_TYPE_VEC3, .offset = CONFIG_AT_(T, f, double(*)[3])
#define CONFIG_CHOICE(T, f, names)                                                                 \
    .type = CONFIG_TYPE_CHOICE, .offset = CONFIG_AT_(T, f, int *), .choices = (names)
#define CONFIG_STRING(T, f)                                                                        \
    .type = CONFIG_TYPE_STRING, .size = sizeof CONFIG_FIELD_(T, f),                                \
    .offset = CONFIG_AT_(T, f, char(*)[sizeof CONFIG_FIELD_(T, f)])
/* In the file one number may stand for the list of it, where min_items <= 1. */
#define CONFIG_DOUBLES(T, f, n)                                                                    \
    .type = CONFIG_TYPE_DOUBLE_LIST, CONFIG_ITEMS_(T, f, n), .offset = CONFIG_AT_(T, f[0], double *)
#define CONFIG_INTS(T, f, n)                                                                       \
    .type = CONFIG_TYPE_INT_LIST, CONFIG_ITEMS_(T, f, n), .offset = CONFIG_AT_(T, f[0], int *)
#define CONFIG_VEC3S(T, f, n)                                                                      \
    .type = CONFIG_TYPE_VEC3_LIST, CONFIG_ITEMS_(T, f, n),                                         \
    .offset = CONFIG_AT_(T, f[0], double(*)[3])
#define CONFIG_STRINGS(T, f, n)                                                                    \
    .type = CONFIG_TYPE_STRING_LIST, CONFIG_ITEMS_(T, f, n),                                       \
    .size = sizeof CONFIG_FIELD_(T, f)[0],                                                         \
    .offset = CONFIG_AT_(T, f[0], char(*)[sizeof CONFIG_FIELD_(T, f)[0]])
/* items: pointer to the struct config_table of one item, whose struct is the element of f. */
#define CONFIG_LIST(T, f, n, items)                                                                \
    .type = CONFIG_TYPE_MAP_LIST, CONFIG_ITEMS_(T, f, n), .size = sizeof CONFIG_FIELD_(T, f)[0],   \
    .offset = offsetof(T, f), .table = (items)

#define CONFIG_PART(T, f, table_) .table = (table_), .offset = offsetof(T, f)
#define CONFIG_PART_DEFAULTS(list)                                                                 \
    .defaults = (list), .n_defaults = sizeof(list) / sizeof((list)[0])

#define CONFIG_KEYS(T, keys_)                                                                      \
    .keys = (keys_), .n_keys = sizeof(keys_) / sizeof((keys_)[0]), .size = sizeof(T)
#define CONFIG_PARTS(list) .parts = (list), .n_parts = sizeof(list) / sizeof((list)[0])
#define CONFIG_TABLE(T, keys_)                                                                     \
    {                                                                                              \
        CONFIG_KEYS(T, keys_)                                                                      \
    }

/* Overrides from the command line: "users[0].id=5", "radio.gain_db=20", "bs_m=[0, 0, 3]". An index
 * equal to the number of items appends one. */
struct config_sets {
    const char *const *items;
    size_t n;
};

/* Reads file (NULL: an empty document, so only defaults and overrides), applies sets in order,
 * checks everything and fills the struct out, which is zeroed first. sets may be NULL. On an error
 * returns ERR_ARG (any fault of the content), ERR_NOT_FOUND (a preset that we do not have) or
 * ERR_IO (file missing or unreadable), out is all zero, and err->text reads "bs.yaml:12:5: unknown
 * key 'radio.gian_db', did you mean 'radio.gain_db'?".
 *
 * Where the table has presets, file may be the name of one, and a file may stand on another: its
 * first-level key "preset: NAME|FILE" (a name has no dot and no slash; FILE is relative to the file
 * that says so) is read first, and what the file says itself goes on top. Mappings are merged key
 * by key; anything else, lists too, is replaced whole. */
int config_load(const struct config_table *table, const char *file, const struct config_sets *sets,
                void *out, struct status *err) MUST_CHECK;

/* The same on bytes in memory; name stands for the file in messages. */
int config_parse(const struct config_table *table, const char *name, const char *text,
                 size_t length, const struct config_sets *sets, void *out,
                 struct status *err) MUST_CHECK;

/* For checks that need several keys at once: puts "FILE:LINE:COLUMN: " in front of err's message,
 * where key ("ris.boards[1].position_m") or the nearest map above it stands in the file or in a
 * preset below it; without a place there, "FILE: ". file: as given to config_load. Returns
 * err->code. */
int config_blame(const struct config_table *table, const char *file, const char *key,
                 struct status *err);

/* Writes the values as YAML that config_load reads back to the same struct, each key with a
 * comment: help, unit, range, default. Returns ERR_IO when out refuses. */
int config_dump(const struct config_table *table, const void *values, FILE *out) MUST_CHECK;

/* The candidate nearest to word by edit distance, or NULL when none is near. */
const char *config_nearest(const char *word, const char *const *candidates, size_t n);

/* Full path of a file that we ship ("bs-lab.yaml", "scenes/lab.yaml"): below the environment's
 * MIRADOR_DATA if set, else the folder the build baked in. Returns ERR_NOT_FOUND with a cure, or
 * ERR_NO_SPACE. */
int config_data_path(const char *name, char *path, size_t size, struct status *err) MUST_CHECK;
