/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/config_internal.h"
#include "base/log.h"

static const struct node *member(const struct node *map, const char *key, size_t n)
{
    for (const struct node *m = map->kind == NODE_MAP ? map->first : NULL; m; m = m->next)
        if (strlen(m->key) == n && strncmp(m->key, key, n) == 0)
            return m;
    return NULL;
}

static const struct node *item(const struct node *list, unsigned long index)
{
    const struct node *i = list->kind == NODE_LIST ? list->first : NULL;
    while (i && index-- > 0)
        i = i->next;
    return i;
}

/* The last node on the way that exists: "a.b[1].c". */
static const struct node *follow(const struct node *root, const char *key)
{
    const struct node *found = root;
    while (*key) {
        char *end = NULL;
        size_t n = strcspn(key, ".[");
        const struct node *next =
            *key == '[' ? item(found, strtoul(key + 1, &end, 10)) : member(found, key, n);
        if (!next)
            break;
        found = next;
        key = end ? end + (*end == ']') : key + n;
        key += *key == '.';
    }
    return found;
}

int config_blame(const struct config_table *table, const char *file, const char *key,
                 struct status *err)
{
    struct config_tree tree = {0};
    struct status ignored;
    char *text, path[512], message[sizeof err->text];
    size_t n;
    memcpy(message, err->text, sizeof message);
    status_set(err, err->code, "%s: %s", file, message);
    if (config_find_file(table, file, NULL, path, sizeof path, &ignored) ||
        config_read_file(path, &text, &n, &ignored))
        return err->code;
    if (config_read_layers(table, &tree, path, text, n, &ignored) == 0) {
        const struct node *node = follow(tree.root, key);
        bool at_key = node->key != NULL;
        if (node != tree.root)
            status_set(err, err->code, "%s:%d:%d: %s", node->source,
                       at_key ? node->key_line : node->line,
                       at_key ? node->key_column : node->column, message);
    }
    config_tree_free(&tree);
    free(text);
    return err->code;
}
