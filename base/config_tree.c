/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/config_tree.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/config_yaml.h"
#include "base/log.h"

struct block {
    struct block *next;
    max_align_t bytes[];
};

static void *tree_alloc(struct config_tree *tree, size_t n)
{
    struct block *block = calloc(1, sizeof *block + n);
    if (!block)
        return NULL;
    block->next = tree->blocks;
    tree->blocks = block;
    return block->bytes;
}

const char *config_tree_copy(struct config_tree *tree, const char *text, size_t length)
{
    char *copy = tree_alloc(tree, length + 1);
    if (copy)
        memcpy(copy, text, length);
    return copy;
}

struct node *config_tree_node(struct config_tree *tree, enum node_kind kind, const char *source)
{
    struct node *node = tree_alloc(tree, sizeof *node);
    if (!node)
        return NULL;
    node->kind = kind;
    node->source = source;
    tree->n_nodes++;
    return node;
}

void config_node_append(struct node *parent, struct node *item)
{
    if (parent->last)
        parent->last->next = item;
    else
        parent->first = item;
    parent->last = item;
    parent->n_items++;
}

int config_no_memory(struct status *err)
{
    return status_set(err, ERR_NO_MEMORY, "out of memory while reading the configuration");
}

int config_node_error(struct status *err, const struct node *node, bool at_key, const char *format,
                      ...)
{
    char text[sizeof err->text];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    int line = at_key ? node->key_line : node->line;
    int column = at_key ? node->key_column : node->column;
    if (line == 0)
        return status_set(err, ERR_ARG, "%s: %s", node->source, text);
    return status_set(err, ERR_ARG, "%s:%d:%d: %s", node->source, line, column, text);
}

/* The root map of one more document; an empty one gives an empty map. */
static int parse_root(struct config_tree *tree, const char *name, const char *text, size_t length,
                      struct node **root, struct status *err)
{
    int rc = config_yaml_read(tree, name, text, length, root, err);
    if (rc)
        return rc;
    if (!*root) {
        const char *source = config_tree_copy(tree, name, strlen(name));
        *root = source ? config_tree_node(tree, NODE_MAP, source) : NULL;
        if (!*root)
            return config_no_memory(err);
        (*root)->line = (*root)->column = 1;
    }
    if ((*root)->kind != NODE_MAP)
        return config_node_error(err, *root, false,
                                 "the document must be a mapping of keys to values");
    return 0;
}

int config_tree_read(struct config_tree *tree, const char *name, const char *text, size_t length,
                     struct status *err)
{
    *tree = (struct config_tree){0};
    return parse_root(tree, name, text, length, &tree->root, err);
}

static struct node *map_find(struct node *map, const char *key, size_t length)
{
    for (struct node *m = map->first; m; m = m->next)
        if (strlen(m->key) == length && memcmp(m->key, key, length) == 0)
            return m;
    return NULL;
}

/* "radio:" with nothing below it, or a map or list that an override just made. */
static bool node_is_empty(const struct node *node)
{
    return node->kind == NODE_SCALAR ? node->plain && node->text[0] == 0 : node->n_items == 0;
}

/* Content of value takes the place of node's, which keeps its key and its siblings. */
static void node_assign(struct node *node, const struct node *value)
{
    struct node old = *node;
    *node = *value;
    node->next = old.next;
    node->key = old.key;
    node->key_line = node->key_column = 0;
}

static struct node *node_remove(struct node *parent, const char *key)
{
    struct node *node = map_find(parent, key, strlen(key)), *before = NULL;
    for (struct node *m = parent->first; node && m != node; m = m->next)
        before = m;
    if (!node)
        return NULL;
    *(before ? &before->next : &parent->first) = node->next;
    if (parent->last == node)
        parent->last = before;
    parent->n_items--;
    node->next = NULL;
    return node;
}

/* Members of `below` that map lacks move into it. Depth: both trees were checked when parsed. */
static void merge(struct node *map, struct node *below)
{
    while (below->first) {
        struct node *member = node_remove(below, below->first->key);
        struct node *own = map_find(map, member->key, strlen(member->key));
        if (!own) {
            config_node_append(map, member);
        } else if (member->kind == NODE_MAP && own->kind == NODE_MAP) {
            merge(own, member);
        } else if (member->kind == NODE_MAP && own->kind == NODE_SCALAR && node_is_empty(own)) {
            own->kind = NODE_MAP; /* "radio:" with every line below it commented out */
            merge(own, member);
        }
    }
}

int config_tree_below(struct config_tree *tree, const char *name, const char *text, size_t length,
                      struct status *err)
{
    struct node *below;
    int rc = parse_root(tree, name, text, length, &below, err);
    if (rc == 0)
        merge(tree->root, below);
    return rc;
}

struct node *config_tree_take(struct config_tree *tree, const char *key)
{
    return node_remove(tree->root, key);
}

void config_tree_free(struct config_tree *tree)
{
    struct block *block = tree->blocks;
    while (block) {
        struct block *next = block->next;
        free(block);
        block = next;
    }
    *tree = (struct config_tree){0};
}

/* --- overrides -------------------------------------------------------------------------------- */

struct node *config_tree_value(struct config_tree *tree, const char *source, const char *text,
                               struct status *err)
{
    if (*text && strchr("[{\"'", *text)) {
        struct node *node;
        if (config_yaml_read(tree, source, text, strlen(text), &node, err) == 0 && node)
            node->line = 0;
        return node;
    }
    const char *name = config_tree_copy(tree, source, strlen(source));
    struct node *node = config_tree_node(tree, NODE_SCALAR, name);
    if (!name || !node || !(node->text = config_tree_copy(tree, text, strlen(text)))) {
        config_no_memory(err);
        return NULL;
    }
    node->plain = *text != 0; /* nothing after the = is an empty text, not a missing value */
    return node;
}

static struct node *map_add(struct config_tree *tree, struct node *map, const char *key,
                            size_t length, enum node_kind kind, const char *source)
{
    const char *name = config_tree_copy(tree, key, length);
    struct node *node = config_tree_node(tree, kind, source);
    if (!name || !node)
        return NULL;
    node->key = name;
    config_node_append(map, node);
    return node;
}

static int bad_path(struct status *err, const char *source, const char *text)
{
    return status_set(err, ERR_ARG, "%s: %s", source, text);
}

/* Follows "[0]" from the list at node; makes the next item if it is the first free one. */
static int step_index(struct config_tree *tree, struct node **node, const char **path,
                      const char *source, struct status *err)
{
    char *end;
    if (!(*path)[1] || !strchr("0123456789", (*path)[1]))
        return bad_path(err, source, "an index is a number in brackets, as in users[0].id");
    unsigned long index = strtoul(*path + 1, &end, 10);
    if (*end != ']' || (end[1] && end[1] != '.' && end[1] != '['))
        return bad_path(err, source, "an index is a number in brackets, as in users[0].id");
    *path = end + 1;
    struct node *list = *node;
    if (node_is_empty(list))
        list->kind = NODE_LIST;
    if (list->kind != NODE_LIST)
        return bad_path(err, source, "an index, but no list stands there");
    if (index > list->n_items)
        return status_set(err, ERR_ARG, "%s: the list has %zu items, so the next index is %zu",
                          source, list->n_items, list->n_items);
    if (index == list->n_items) {
        struct node *item = config_tree_node(tree, NODE_MAP, source);
        if (!item)
            return config_no_memory(err);
        config_node_append(list, item);
    }
    struct node *item = list->first;
    while (index--)
        item = item->next;
    *node = item;
    return 0;
}

static int step_name(struct config_tree *tree, struct node **node, const char **path,
                     const char *source, struct status *err)
{
    size_t length = strcspn(*path, ".[");
    if (length == 0 || length > 100)
        return bad_path(err, source, "expected KEY=VALUE, as in radio.rate_hz=100e6");
    if (node_is_empty(*node))
        (*node)->kind = NODE_MAP;
    if ((*node)->kind != NODE_MAP)
        return status_set(err, ERR_ARG, "%s: no mapping stands above '%.*s'", source, (int)length,
                          *path);
    struct node *next = map_find(*node, *path, length);
    if (!next)
        next = map_add(tree, *node, *path, length, NODE_MAP, source);
    if (!next)
        return config_no_memory(err);
    *node = next;
    *path += length;
    return 0;
}

/* The node that a path names, made where missing. */
static int walk(struct config_tree *tree, const char *path, struct node **node, const char *source,
                struct status *err)
{
    *node = tree->root;
    int rc = step_name(tree, node, &path, source, err);
    for (int depth = 0; rc == 0 && *path; depth++) {
        if (depth > CONFIG_MAX_DEPTH || tree->n_nodes >= CONFIG_MAX_NODES)
            return bad_path(err, source, "nested too deep");
        if (*path == '[') {
            rc = step_index(tree, node, &path, source, err);
        } else {
            path++;
            rc = step_name(tree, node, &path, source, err);
        }
    }
    return rc;
}

int config_tree_override(struct config_tree *tree, const char *assignment, struct status *err)
{
    char named[120];
    snprintf(named, sizeof named, "--set %s", assignment);
    const char *source = config_tree_copy(tree, named, strlen(named));
    const char *equals = strchr(assignment, '=');
    if (!source)
        return config_no_memory(err);
    if (!equals)
        return bad_path(err, source, "expected KEY=VALUE, as in radio.rate_hz=100e6");
    const char *path = config_tree_copy(tree, assignment, (size_t)(equals - assignment));
    if (!path)
        return config_no_memory(err);
    struct node *node;
    int rc = walk(tree, path, &node, source, err);
    if (rc)
        return rc;
    struct node *value = config_tree_value(tree, source, equals + 1, err);
    if (!value)
        return err ? err->code : ERR_ARG;
    node_assign(node, value);
    return 0;
}
