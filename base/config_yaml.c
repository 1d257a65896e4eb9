/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/config_yaml.h"

#include <string.h>
#include <yaml.h>

#include "base/log.h"

struct builder {
    struct config_tree *tree;
    yaml_document_t *document;
    const char *source;
    struct status *err;
    struct node *made;
};

static int mark_error(struct builder *b, yaml_mark_t mark, const char *text)
{
    return status_set(b->err, ERR_ARG, "%s:%zu:%zu: %s", b->source, mark.line + 1, mark.column + 1,
                      text);
}

static int build(struct builder *b, int index, int depth);

static int build_scalar(struct builder *b, const yaml_node_t *y, struct node *node)
{
    const char *text = (const char *)y->data.scalar.value;
    if (memchr(text, 0, y->data.scalar.length))
        return mark_error(b, y->start_mark, "a text must not hold a NUL character");
    node->plain = y->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
    node->text = config_tree_copy(b->tree, text, y->data.scalar.length);
    return node->text ? 0 : config_no_memory(b->err);
}

static int build_list(struct builder *b, const yaml_node_t *y, struct node *node, int depth)
{
    for (yaml_node_item_t *i = y->data.sequence.items.start; i < y->data.sequence.items.top; i++) {
        int rc = build(b, *i, depth + 1);
        if (rc)
            return rc;
        config_node_append(node, b->made);
    }
    return 0;
}

static int build_member(struct builder *b, const yaml_node_pair_t *pair, struct node *map,
                        int depth)
{
    const yaml_node_t *key = yaml_document_get_node(b->document, pair->key);
    if (key->type != YAML_SCALAR_NODE)
        return mark_error(b, key->start_mark, "a key must be a word");
    const char *word = (const char *)key->data.scalar.value;
    if (strlen(word) != key->data.scalar.length || key->data.scalar.length > 100)
        return mark_error(b, key->start_mark, "a key must be a word of at most 100 characters");
    int rc = build(b, pair->value, depth + 1);
    if (rc)
        return rc;
    struct node *value = b->made;
    value->key = config_tree_copy(b->tree, word, strlen(word));
    value->key_line = (int)key->start_mark.line + 1;
    value->key_column = (int)key->start_mark.column + 1;
    if (!value->key)
        return config_no_memory(b->err);
    for (const struct node *m = map->first; m; m = m->next)
        if (strcmp(m->key, word) == 0)
            return config_node_error(b->err, value, true, "duplicate key '%s', first in line %d",
                                     word, m->key_line);
    config_node_append(map, value);
    return 0;
}

static int build_map(struct builder *b, const yaml_node_t *y, struct node *node, int depth)
{
    yaml_node_pair_t *start = y->data.mapping.pairs.start, *top = y->data.mapping.pairs.top;
    if (top - start > 1000)
        return mark_error(b, y->start_mark, "more than 1000 keys in one mapping");
    for (yaml_node_pair_t *pair = start; pair < top; pair++) {
        int rc = build_member(b, pair, node, depth);
        if (rc)
            return rc;
    }
    return 0;
}

/* Aliases are expanded, so the limits also stop cycles and documents that explode. */
static int build(struct builder *b, int index, int depth)
{
    const yaml_node_t *y = yaml_document_get_node(b->document, index);
    if (!y)
        return status_set(b->err, ERR_ARG, "%s: the document is broken", b->source);
    if (depth > CONFIG_MAX_DEPTH)
        return mark_error(b, y->start_mark, "nested deeper than 32 levels, or an alias of itself");
    if (b->tree->n_nodes >= CONFIG_MAX_NODES)
        return mark_error(b, y->start_mark, "more than 100000 values");
    enum node_kind kind = y->type == YAML_SCALAR_NODE     ? NODE_SCALAR
                          : y->type == YAML_SEQUENCE_NODE ? NODE_LIST
                                                          : NODE_MAP;
    struct node *node = config_tree_node(b->tree, kind, b->source);
    if (!node)
        return config_no_memory(b->err);
    node->line = (int)y->start_mark.line + 1;
    node->column = (int)y->start_mark.column + 1;
    int rc = kind == NODE_SCALAR ? build_scalar(b, y, node)
             : kind == NODE_LIST ? build_list(b, y, node, depth)
                                 : build_map(b, y, node, depth);
    b->made = node;
    return rc;
}

static int yaml_error(const yaml_parser_t *parser, const char *source, struct status *err)
{
    if (parser->error == YAML_MEMORY_ERROR)
        return config_no_memory(err);
    if (parser->error == YAML_READER_ERROR)
        return status_set(err, ERR_ARG, "%s: byte %zu: not UTF-8 text (%s)", source,
                          parser->problem_offset, parser->problem);
    return status_set(err, ERR_ARG, "%s:%zu:%zu: not YAML: %s%s%s", source,
                      parser->problem_mark.line + 1, parser->problem_mark.column + 1,
                      parser->problem, parser->context ? ", " : "",
                      parser->context ? parser->context : "");
}

/* libyaml takes quadratic time on deep nesting, so a pass over the events checks the depth before
 * the document is loaded; it also sees a second document, which nobody would read. */
static int check_events(yaml_parser_t *parser, const char *source, struct status *err)
{
    int depth = 0, documents = 0;
    for (bool end = false; !end;) {
        yaml_event_t event;
        if (!yaml_parser_parse(parser, &event))
            return yaml_error(parser, source, err);
        yaml_event_type_t type = event.type;
        yaml_mark_t mark = event.start_mark;
        yaml_event_delete(&event);
        depth += type == YAML_SEQUENCE_START_EVENT || type == YAML_MAPPING_START_EVENT;
        depth -= type == YAML_SEQUENCE_END_EVENT || type == YAML_MAPPING_END_EVENT;
        documents += type == YAML_DOCUMENT_START_EVENT;
        if (depth > CONFIG_MAX_DEPTH || documents > 1)
            return status_set(err, ERR_ARG, "%s:%zu:%zu: %s", source, mark.line + 1,
                              mark.column + 1,
                              depth > CONFIG_MAX_DEPTH ? "nested deeper than 32 levels"
                                                       : "a second document; one file holds one");
        end = type == YAML_STREAM_END_EVENT;
    }
    return 0;
}

static int parser_open(yaml_parser_t *parser, const char *text, size_t length, struct status *err)
{
    if (!yaml_parser_initialize(parser))
        return config_no_memory(err);
    yaml_parser_set_encoding(parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(parser, (const unsigned char *)text, length);
    return 0;
}

static int load_document(const char *source, const char *text, size_t length,
                         yaml_document_t *document, struct status *err)
{
    yaml_parser_t parser;
    int rc = parser_open(&parser, text, length, err);
    if (rc)
        return rc;
    rc = check_events(&parser, source, err);
    yaml_parser_delete(&parser);
    if (rc)
        return rc;
    rc = parser_open(&parser, text, length, err);
    if (rc)
        return rc;
    if (!yaml_parser_load(&parser, document))
        rc = yaml_error(&parser, source, err);
    yaml_parser_delete(&parser);
    return rc;
}

int config_yaml_read(struct config_tree *tree, const char *name, const char *text, size_t length,
                     struct node **node, struct status *err)
{
    yaml_document_t document;
    *node = NULL;
    if (length > CONFIG_MAX_BYTES)
        return status_set(err, ERR_ARG, "%s: more than 1 MiB; this is no configuration", name);
    const char *source = config_tree_copy(tree, name, strlen(name));
    if (!source)
        return config_no_memory(err);
    int rc = load_document(source, text, length, &document, err);
    if (rc)
        return rc;
    if (yaml_document_get_root_node(&document)) {
        struct builder b = {.tree = tree, .document = &document, .source = source, .err = err};
        rc = build(&b, 1, 1);
        *node = rc ? NULL : b.made;
    }
    yaml_document_delete(&document);
    return rc;
}
