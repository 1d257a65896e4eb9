/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Profiles of one board on disk: named ones, and the last static one with its slot. One small text
 * file each below STORE_DIR/BOARD, replaced as a whole, so a power cut leaves the old or the new.
 */
#pragma once
#include "frames/ris_profile.h"

#define LIBRARY_NAME_MAX 31
#define LIBRARY_PROFILES 100 /* listed */

struct library {
    char dir[320]; /* "" = there is none */
    const char *board;
    struct ris_shape shape;
};

struct library_entry {
    char name[LIBRARY_NAME_MAX + 1];
    uint64_t hash;
};

/* store_dir "" makes a library that refuses everything with a cure. */
int library_open(struct library *l, const char *store_dir, const char *board,
                 struct ris_shape shape, struct status *err) MUST_CHECK;

/* Letters, digits, - and _. */
bool library_name_valid(const char *name);

int library_save(const struct library *l, const char *name, const uint8_t *pattern,
                 struct status *err) MUST_CHECK;
/* ERR_NOT_FOUND; ERR_FORMAT for a damaged file; ERR_ARG for a profile of another size. */
int library_load(const struct library *l, const char *name, uint8_t *pattern,
                 struct status *err) MUST_CHECK;
int library_remove(const struct library *l, const char *name, struct status *err) MUST_CHECK;
/* By name; returns how many, at most LIBRARY_PROFILES, or an error. */
int library_list(const struct library *l, struct library_entry *out, struct status *err) MUST_CHECK;

/* The static profile. Silently nothing without a library. */
int library_save_shown(const struct library *l, uint16_t slot, const uint8_t *pattern,
                       struct status *err) MUST_CHECK;
int library_load_shown(const struct library *l, uint16_t *slot, uint8_t *pattern,
                       struct status *err) MUST_CHECK;
