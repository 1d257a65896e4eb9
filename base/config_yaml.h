/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * From the text of a YAML document, through libyaml's, to nodes of a tree. Internal to base/config.
 * Setup only. */
#pragma once
#include "base/config_tree.h"

/* One document, of that name in messages; *node is NULL if it is empty. ERR_ARG: not YAML, or
 * beyond the limits of base/config_tree.h. */
int config_yaml_read(struct config_tree *tree, const char *name, const char *text, size_t length,
                     struct node **node, struct status *err) MUST_CHECK;
