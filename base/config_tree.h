/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A YAML document as a plain tree with positions, read by base/config_yaml.h and then edited by the
 * command line's overrides. Internal to base/config. Setup only. */
#pragma once
#include <stdbool.h>
#include <stddef.h>

#include "frames/status.h"

/* Far beyond any sensible configuration; what exceeds them is refused, not processed slowly. */
#define CONFIG_MAX_BYTES (1u << 20)
#define CONFIG_MAX_DEPTH 32
#define CONFIG_MAX_NODES 100000u

enum node_kind { NODE_SCALAR, NODE_LIST, NODE_MAP };

struct node {
    enum node_kind kind;
    bool plain;                       /* scalar without quotes */
    const char *text;                 /* scalar, terminated */
    const char *source;               /* file name, or the override it comes from */
    int line, column;                 /* from 1; 0 = no position */
    struct node *first, *last, *next; /* items or members, and the next sibling */
    size_t n_items;
    const char *key; /* members of a map */
    int key_line, key_column;
};

struct config_tree {
    struct node *root; /* always a map */
    void *blocks;      /* every allocation, freed together */
    size_t n_nodes;
};

/* Parses one document; an empty one gives an empty map. Returns 0, ERR_ARG or ERR_NO_MEMORY; the
 * tree must be freed in each case. */
int config_tree_read(struct config_tree *tree, const char *name, const char *text, size_t length,
                     struct status *err) MUST_CHECK;

/* Parses a document that the tree's stands on: what the tree does not say itself comes from there.
 * Mappings merge, everything else is one value. */
int config_tree_below(struct config_tree *tree, const char *name, const char *text, size_t length,
                      struct status *err) MUST_CHECK;

/* Takes the member out of the root map; NULL if there is none. */
struct node *config_tree_take(struct config_tree *tree, const char *key);

/* Applies "users[0].id=5". */
int config_tree_override(struct config_tree *tree, const char *assignment,
                         struct status *err) MUST_CHECK;

/* A value alone: YAML if it starts with [ { " or ', else a plain scalar as it stands. */
struct node *config_tree_value(struct config_tree *tree, const char *source, const char *text,
                               struct status *err) MUST_CHECK;

void config_tree_free(struct config_tree *tree);

/* For those who build it. The tree owns both, NULL: no memory; the text is terminated; source stays
 * the caller's. */
const char *config_tree_copy(struct config_tree *tree, const char *text, size_t length);
struct node *config_tree_node(struct config_tree *tree, enum node_kind kind, const char *source);
void config_node_append(struct node *parent, struct node *item);
/* Sets *err and returns ERR_NO_MEMORY. */
int config_no_memory(struct status *err);

/* "bs.yaml:12:5: " or "--set a=1: " in front of a message at the node (or at its key). */
int config_node_error(struct status *err, const struct node *node, bool at_key, const char *format,
                      ...) __attribute__((format(printf, 4, 5)));
