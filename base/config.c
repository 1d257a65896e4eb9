/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/config_internal.h"

#include <assert.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"

struct reader { /* one struct being filled from one map */
    const struct config_table *table;
    struct config_tree *tree;
    const char *prefix; /* of messages: "" or "users[0]." */
    char *values;
    bool seen[CONFIG_MAX_KEYS];
    struct status *err;
};

static int read_struct(const struct config_table *table, struct config_tree *tree,
                       const char *prefix, const struct node *map, void *values,
                       struct status *err);

struct config_table config_flatten(const struct config_table *table, struct config_key *keys)
{
    struct config_table flat = {.keys = keys, .size = table->size, .presets = table->presets};
    for (size_t p = 0; p < table->n_parts; p++) {
        const struct config_part *part = &table->parts[p];
        assert(flat.n_keys + part->table->n_keys <= CONFIG_MAX_KEYS && part->table->n_parts == 0);
        for (size_t i = 0; i < part->table->n_keys; i++) {
            struct config_key *key = &keys[flat.n_keys++];
            *key = part->table->keys[i];
            key->offset += part->offset;
            key->count_offset += part->offset;
            for (size_t d = 0; d < part->n_defaults; d++)
                if (strcmp(part->defaults[d].path, key->path) == 0)
                    key->def = part->defaults[d].def;
        }
    }
    assert(flat.n_keys + table->n_keys <= CONFIG_MAX_KEYS);
    memcpy(keys + flat.n_keys, table->keys, table->n_keys * sizeof *keys);
    flat.n_keys += table->n_keys;
    return flat;
}

static const struct config_key *find_key(const struct config_table *table, const char *path)
{
    for (size_t i = 0; i < table->n_keys; i++)
        if (strcmp(table->keys[i].path, path) == 0)
            return &table->keys[i];
    return NULL;
}

static bool is_group(const struct config_table *table, const char *path)
{
    size_t n = strlen(path);
    for (size_t i = 0; i < table->n_keys; i++)
        if (strncmp(table->keys[i].path, path, n) == 0 && table->keys[i].path[n] == '.')
            return true;
    return false;
}

static int read_map_list(struct reader *r, const struct config_key *key, const char *path,
                         const struct node *node)
{
    size_t *count = (size_t *)(r->values + key->count_offset);
    char *at = config_at(r->values, key);
    assert(key->table->size == key->size);
    for (const struct node *item = node->first; item; item = item->next, ++*count) {
        char prefix[CONFIG_PATH_MAX];
        int n = snprintf(prefix, sizeof prefix, "%s[%zu].", path, *count);
        if (n >= CONFIG_PATH_MAX)
            return config_node_error(r->err, item, false, "the path of this value is too long");
        if (item->kind != NODE_MAP)
            return config_node_error(r->err, item, false,
                                     "'%s[%zu]' must be a mapping of keys to values", path, *count);
        int rc = read_struct(key->table, r->tree, prefix, item, at + *count * key->size, r->err);
        if (rc)
            return rc;
    }
    return 0;
}

static int read_value(struct reader *r, const struct config_key *key, const struct node *node)
{
    char path[CONFIG_PATH_MAX];
    snprintf(path, sizeof path, "%s%s", r->prefix, key->path);
    r->seen[key - r->table->keys] = true;
    int rc = config_convert(key, path, node, r->values, r->err);
    if (rc == 0 && key->type == CONFIG_TYPE_MAP_LIST)
        rc = read_map_list(r, key, path, node);
    return rc;
}

/* The path that was probably meant: near in spelling, or the same word in another group. */
static const char *suggest(const struct config_table *table, const char *path)
{
    const char *paths[CONFIG_MAX_KEYS];
    for (size_t i = 0; i < table->n_keys; i++)
        paths[i] = table->keys[i].path;
    const char *near = config_nearest(path, paths, table->n_keys);
    const char *dot = strrchr(path, '.'), *word = dot ? dot + 1 : path;
    for (size_t i = 0; !near && i < table->n_keys; i++) {
        const char *last = strrchr(paths[i], '.');
        if (strcmp(last ? last + 1 : paths[i], word) == 0)
            near = paths[i];
    }
    return near;
}

/* A misspelt group, "raido:", has no key of its own to be near to. */
static void suggest_group(const struct config_table *table, const char *path, char *group,
                          size_t size)
{
    size_t best = 0;
    for (size_t i = 0; i < table->n_keys && !best; i++) {
        const char *full = table->keys[i].path;
        for (const char *dot = strchr(full, '.'); dot && !best; dot = strchr(dot + 1, '.')) {
            snprintf(group, size, "%.*s", (int)(dot - full), full);
            const char *one[] = {group};
            best = config_nearest(path, one, 1) != NULL;
        }
    }
    if (!best)
        group[0] = 0;
}

static int unknown_key(struct reader *r, const char *path, const struct node *node)
{
    char group[CONFIG_PATH_MAX];
    const char *near = suggest(r->table, path);
    if (!near) {
        suggest_group(r->table, path, group, sizeof group);
        near = group[0] ? group : NULL;
    }
    if (near && strcmp(near, path) == 0)
        return config_node_error(r->err, node, true,
                                 "write '%s%s' nested, one level of indentation for each dot",
                                 r->prefix, path);
    return config_node_error(r->err, node, true, "unknown key '%s%s'%s%s%s%s", r->prefix, path,
                             near ? ", did you mean '" : "", near ? r->prefix : "",
                             near ? near : "", near ? "'?" : "");
}

/* Members of a map that stands at group ("" or "radio.") of the table. */
static int read_group(struct reader *r, const char *group, const struct node *map)
{
    for (const struct node *m = map->first; m; m = m->next) {
        char path[CONFIG_PATH_MAX], below[CONFIG_PATH_MAX];
        size_t n = (size_t)snprintf(path, sizeof path, "%s%s", group, m->key);
        const struct config_key *key = find_key(r->table, path);
        int rc = 0;
        if (n >= sizeof path - 1 || strchr(m->key, '.') || (!key && !is_group(r->table, path)))
            return unknown_key(r, path, m);
        if (key) {
            rc = read_value(r, key, m);
        } else if (m->kind == NODE_MAP) {
            snprintf(below, sizeof below, "%.*s.", (int)n, path);
            rc = read_group(r, below, m);
        } else if (m->kind != NODE_SCALAR || !m->plain || m->text[0]) {
            rc = config_node_error(r->err, m, false, "'%s%s' must be a mapping of keys to values",
                                   r->prefix, path);
        }
        if (rc)
            return rc;
    }
    return 0;
}

static void fill_unset(const struct config_key *key, void *values)
{
    double *at = config_at(values, key);
    assert(key->type == CONFIG_TYPE_DOUBLE || key->type == CONFIG_TYPE_VEC3);
    for (int i = 0; i < (key->type == CONFIG_TYPE_VEC3 ? 3 : 1); i++)
        at[i] = NAN;
}

static int read_default(struct reader *r, const struct config_key *key, const struct node *map)
{
    char unit[64];
    if (!key->def && config_is_list(key->type) && key->min_items == 0)
        return 0; /* zeroed: no items */
    if (!key->def)
        return config_node_error(r->err, map, false, "missing required key '%s%s'%s%s%s%s",
                                 r->prefix, key->path, key->unit ? " in" : "",
                                 config_unit(key, unit), key->help ? ": " : "",
                                 key->help ? key->help : "");
    if (strcmp(key->def, CONFIG_UNSET) == 0) {
        fill_unset(key, r->values);
        return 0;
    }
    struct node *node = config_tree_value(r->tree, "default", key->def, r->err);
    if (!node)
        return ERR_NO_MEMORY;
    if (key->type == CONFIG_TYPE_STRING)
        node->plain = false;
    int rc = read_value(r, key, node);
    assert(rc == 0); /* the table's own default breaks the table's own rules */
    return rc;
}

static int read_struct(const struct config_table *table, struct config_tree *tree,
                       const char *prefix, const struct node *map, void *values, struct status *err)
{
    struct config_key keys[CONFIG_MAX_KEYS];
    const struct config_table flat = config_flatten(table, keys);
    struct reader r = {
        .table = &flat, .tree = tree, .prefix = prefix, .values = values, .err = err};
    int rc = read_group(&r, "", map);
    for (size_t i = 0; rc == 0 && i < flat.n_keys; i++)
        if (!r.seen[i])
            rc = read_default(&r, &keys[i], map);
    return rc;
}

int config_parse(const struct config_table *table, const char *name, const char *text,
                 size_t length, const struct config_sets *sets, void *out, struct status *err)
{
    struct config_tree tree;
    memset(out, 0, table->size);
    int rc = config_read_layers(table, &tree, name, text, length, err);
    for (size_t i = 0; rc == 0 && sets && i < sets->n; i++)
        rc = config_tree_override(&tree, sets->items[i], err);
    if (rc == 0)
        rc = read_struct(table, &tree, "", tree.root, out, err);
    config_tree_free(&tree);
    if (rc)
        memset(out, 0, table->size);
    else
        status_set(err, OK, "%s", "");
    return rc;
}

static int open_error(const char *file, struct status *err)
{
    return status_set(err, ERR_IO, "%s: cannot read: %s; check the path", file, strerror(errno));
}

int config_read_file(const char *file, char **text, size_t *n, struct status *err)
{
    FILE *in = fopen(file, "re");
    if (!in)
        return open_error(file, err);
    *text = malloc(CONFIG_MAX_BYTES + 1);
    if (!*text) {
        fclose(in);
        return status_set(err, ERR_NO_MEMORY, "%s: out of memory", file);
    }
    errno = 0;
    *n = fread(*text, 1, CONFIG_MAX_BYTES + 1, in);
    int rc = ferror(in) ? open_error(file, err) : 0;
    fclose(in);
    if (rc)
        free(*text);
    return rc;
}

int config_load(const struct config_table *table, const char *file, const struct config_sets *sets,
                void *out, struct status *err)
{
    char *text, path[512];
    size_t n;
    memset(out, 0, table->size);
    if (!file)
        return config_parse(table, "defaults", "", 0, sets, out, err);
    int rc = config_find_file(table, file, NULL, path, sizeof path, err);
    if (rc == 0)
        rc = config_read_file(path, &text, &n, err);
    if (rc)
        return rc;
    rc = config_parse(table, path, text, n, sets, out, err);
    free(text);
    return rc;
}

/* Beside the sources that were built, or where they were installed. */
static const char *data_folder(void)
{
    const char *said = getenv("MIRADOR_DATA");
    if (said && *said)
        return said;
    return access(MIRADOR_DATA_SOURCE, R_OK) == 0 ? MIRADOR_DATA_SOURCE : MIRADOR_DATA_INSTALLED;
}

int config_data_path(const char *name, char *path, size_t size, struct status *err)
{
    const char *folder = data_folder();
    int n = snprintf(path, size, "%s/%s", folder, name);
    if (n < 0 || (size_t)n >= size)
        return status_set(err, ERR_NO_SPACE, "%s/%s: path too long", folder, name);
    FILE *file = fopen(path, "re");
    if (!file)
        return status_set(err, ERR_NOT_FOUND,
                          "%s: %s; set MIRADOR_DATA to the folder that holds our config/", path,
                          strerror(errno));
    fclose(file);
    return 0;
}
