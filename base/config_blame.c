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

int config_blame(const char *file, const char *key, struct status *err)
{
    struct config_tree tree;
    struct status ignored;
    char *text, place[24] = "", message[sizeof err->text];
    size_t n;
    memcpy(message, err->text, sizeof message);
    if (config_read_file(file, &text, &n, &ignored) == 0) {
        int rc = config_tree_read(&tree, file, text, n, &ignored);
        const struct node *node = rc == 0 ? follow(tree.root, key) : NULL;
        if (node && node != tree.root && node->key)
            snprintf(place, sizeof place, "%d:%d: ", node->key_line, node->key_column);
        else if (node && node != tree.root)
            snprintf(place, sizeof place, "%d:%d: ", node->line, node->column);
        config_tree_free(&tree);
        free(text);
    }
    return status_set(err, err->code, "%s:%s%s", file, place[0] ? place : " ", message);
}
