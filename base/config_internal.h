/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What the files of base/config share. */
#pragma once
#include "base/config.h"
#include "base/config_tree.h"

/* Longest path that messages show. */
#define CONFIG_PATH_MAX 160

/* Address of a key's value in the struct. */
static inline void *config_at(void *values, const struct config_key *key)
{
    return (char *)values + key->offset;
}

static inline bool config_is_list(enum config_type type)
{
    return type >= CONFIG_TYPE_DOUBLE_LIST;
}

/* Converts one value of every type but a map list, checks type and range. path: as messages show
 * it. */
int config_convert(const struct config_key *key, const char *path, const struct node *node,
                   void *values, struct status *err) MUST_CHECK;

/* At most CONFIG_MAX_BYTES + 1 bytes, not terminated; the caller frees. ERR_IO, ERR_NO_MEMORY. */
int config_read_file(const char *file, char **text, size_t *n, struct status *err) MUST_CHECK;

/* " dB", or "" without a unit. */
const char *config_unit(const struct config_key *key, char text[64]);

/* A number in the fewest digits that read back to it. */
void config_print_number(double value, char text[32]);
