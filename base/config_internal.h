/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What the files of base/config share. */
#pragma once
#include "base/config.h"
#include "base/config_tree.h"

/* Longest path that messages show. */
#define CONFIG_PATH_MAX 160

#define CONFIG_MAX_KEYS 128

/* The table's own keys and those of its parts, which come first, with offsets into the table's
 * struct. keys: [CONFIG_MAX_KEYS]. */
struct config_table config_flatten(const struct config_table *table, struct config_key *keys);

/* A document and the presets that it stands on as one tree; the key 'preset' is gone. The tree must
 * be freed in each case. */
int config_read_layers(const struct config_table *table, struct config_tree *tree, const char *name,
                       const char *text, size_t length, struct status *err) MUST_CHECK;

/* Path of what the user calls name: a preset of ours, or a file relative to the folder of `beside`
 * (NULL: the working folder). Returns 0, ERR_NOT_FOUND or ERR_NO_SPACE. */
int config_find_file(const struct config_table *table, const char *name, const char *beside,
                     char *path, size_t size, struct status *err) MUST_CHECK;

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
