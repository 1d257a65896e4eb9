/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/config_internal.h"

#include <assert.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { CHOICES_MAX = 64, CHOICES_TEXT = 1024 }; /* of one key */

struct target { /* what a conversion fills, and how a message names it */
    const struct config_key *key;
    const char *path;
    struct status *err;
};

const char *config_unit(const struct config_key *key, char text[64])
{
    snprintf(text, 64, "%s%s", key->unit ? " " : "", key->unit ? key->unit : "");
    return text;
}

void config_print_number(double value, char text[32])
{
    for (int digits = 6; digits <= 17; digits++) {
        snprintf(text, 32, "%.*g", digits, value);
        if (strtod(text, NULL) == value)
            return;
    }
}

static int wrong_type(const struct target *t, const struct node *node, const char *wanted)
{
    char text[64];
    const char *in = t->key->unit ? " in" : "", *unit = config_unit(t->key, text);
    if (node->kind == NODE_SCALAR && node->plain && node->text[0] == 0)
        return config_node_error(t->err, node, false, "'%s' has no value, must be %s%s%s", t->path,
                                 wanted, in, unit);
    if (node->kind != NODE_SCALAR)
        return config_node_error(t->err, node, false, "'%s' must be %s%s%s, not a %s", t->path,
                                 wanted, in, unit, node->kind == NODE_LIST ? "list" : "mapping");
    return config_node_error(t->err, node, false, "'%s' must be %s%s%s, not %s%.60s%s", t->path,
                             wanted, in, unit, node->plain ? "'" : "the text \"", node->text,
                             node->plain ? "'" : "\"");
}

static int out_of_range(const struct target *t, const struct node *node)
{
    char low[32], high[32], unit[64];
    config_print_number(t->key->min, low);
    config_print_number(t->key->max, high);
    return config_node_error(t->err, node, false, "'%s' = %.40s is out of range, must be %s..%s%s",
                             t->path, node->text, low, high, config_unit(t->key, unit));
}

static bool in_range(const struct config_key *key, double value)
{
    bool limited = key->min != 0 || key->max != 0;
    return !limited || (value >= key->min && value <= key->max);
}

/* Whole text a finite number in decimal: strtod alone would also take "inf", "0x1p3" and "nan(x)".
 */
static bool parse_number(const struct node *node, double *value)
{
    if (node->kind != NODE_SCALAR || !node->plain || !node->text[0] ||
        node->text[strspn(node->text, "+-.0123456789eE")])
        return false;
    char *end;
    *value = strtod(node->text, &end);
    return *end == 0 && isfinite(*value);
}

static int to_double(const struct target *t, const struct node *node, double *value)
{
    if (!parse_number(node, value))
        return wrong_type(t, node, "a number");
    return in_range(t->key, *value) ? 0 : out_of_range(t, node);
}

static int to_int(const struct target *t, const struct node *node, int *value)
{
    double number;
    if (!parse_number(node, &number) || number != trunc(number))
        return wrong_type(t, node, "a whole number");
    if (!in_range(t->key, number))
        return out_of_range(t, node);
    if (fabs(number) > 2147483647.0)
        return wrong_type(t, node, "a whole number of 31 bits");
    *value = (int)number;
    return 0;
}

static int to_u64(const struct target *t, const struct node *node, uint64_t *value)
{
    double number;
    bool digits = node->kind == NODE_SCALAR && node->plain && node->text[0] &&
                  !node->text[strspn(node->text, "0123456789")];
    if (digits) { /* beyond 2^53 a double would lose bits */
        errno = 0;
        *value = strtoull(node->text, NULL, 10);
        if (errno)
            return wrong_type(t, node, "a whole number of 64 bits");
    } else {
        if (!parse_number(node, &number) || number != trunc(number) || number < 0 || number > 9e15)
            return wrong_type(t, node, "a whole number, not negative");
        *value = (uint64_t)number;
    }
    return in_range(t->key, (double)*value) ? 0 : out_of_range(t, node);
}

static int to_bool(const struct target *t, const struct node *node, bool *value)
{
    static const char *const words[] = {"false", "true", "no", "yes", "off", "on"};
    if (node->kind == NODE_SCALAR && node->plain)
        for (size_t i = 0; i < 6; i++)
            if (strcasecmp(node->text, words[i]) == 0) {
                *value = i % 2;
                return 0;
            }
    return wrong_type(t, node, "yes or no");
}

static int to_string(const struct target *t, const struct node *node, char *value)
{
    if (node->kind != NODE_SCALAR || (node->plain && !node->text[0]))
        return wrong_type(t, node, "a text");
    size_t length = strlen(node->text);
    if (length >= t->key->size)
        return config_node_error(t->err, node, false,
                                 "'%s' is too long: %zu characters, at most %zu", t->path, length,
                                 t->key->size - 1);
    for (const char *p = node->text; *p; p++)
        if ((unsigned char)*p < ' ' || *p == 127)
            return config_node_error(t->err, node, false, "'%s' holds a control character",
                                     t->path);
    memcpy(value, node->text, length + 1);
    return 0;
}

/* The choice that was probably meant, in text, or "". */
static void suggest_choice(const char *choices, const char *word, char *text, size_t size)
{
    const char *name[CHOICES_MAX];
    char copy[CHOICES_TEXT];
    size_t n = 0;
    snprintf(copy, sizeof copy, "%s", choices);
    for (char *rest = NULL, *at = strtok_r(copy, "|", &rest); at && n < CHOICES_MAX;
         at = strtok_r(NULL, "|", &rest))
        name[n++] = at;
    const char *near = config_nearest(word, name, n);
    snprintf(text, size, "%s", near ? near : "");
}

/* A list that fills the message is cut behind a whole name, and then a near name says more. */
static int wrong_choice(const struct target *t, const struct node *node)
{
    char wanted[160], near[64] = "";
    int n = snprintf(wanted, sizeof wanted, "one of %s", t->key->choices);
    if (n < (int)sizeof wanted)
        return wrong_type(t, node, wanted);
    if (node->kind == NODE_SCALAR)
        suggest_choice(t->key->choices, node->text, near, sizeof near);
    if (near[0])
        return config_node_error(t->err, node, false, "'%s' cannot be '%.60s', did you mean '%s'?",
                                 t->path, node->text, near);
    wanted[100] = 0;
    snprintf(strrchr(wanted, '|'), 16, "|...");
    return wrong_type(t, node, wanted);
}

static int to_choice(const struct target *t, const struct node *node, int *value)
{
    const char *names = t->key->choices;
    size_t length = node->kind == NODE_SCALAR ? strlen(node->text) : 0;
    for (int i = 0; *names; i++) {
        size_t n = strcspn(names, "|");
        if (length && n == length && memcmp(names, node->text, n) == 0) {
            *value = i;
            return 0;
        }
        names += n + (names[n] == '|');
    }
    return wrong_choice(t, node);
}

static int to_vec3(const struct target *t, const struct node *node, double value[3])
{
    if (node->kind != NODE_LIST || node->n_items != 3)
        return wrong_type(t, node, "three numbers [x, y, z]");
    const struct node *item = node->first;
    for (int i = 0; i < 3; i++, item = item->next) {
        int rc = to_double(t, item, &value[i]);
        if (rc)
            return rc;
    }
    return 0;
}

static int to_scalar(const struct target *t, enum config_type type, const struct node *node,
                     void *at)
{
    switch (type) {
    case CONFIG_TYPE_DOUBLE:
        return to_double(t, node, at);
    case CONFIG_TYPE_INT:
        return to_int(t, node, at);
    case CONFIG_TYPE_U64:
        return to_u64(t, node, at);
    case CONFIG_TYPE_BOOL:
        return to_bool(t, node, at);
    case CONFIG_TYPE_STRING:
        return to_string(t, node, at);
    case CONFIG_TYPE_CHOICE:
        return to_choice(t, node, at);
    case CONFIG_TYPE_VEC3:
        return to_vec3(t, node, at);
    default:
        assert(!"a list is not a scalar");
        return ERR_ARG;
    }
}

/* Item index of the list t->key. */
static int to_item(const struct target *t, const struct node *node, size_t index, void *values)
{
    static const enum config_type item_type[] = {
        [CONFIG_TYPE_DOUBLE_LIST] = CONFIG_TYPE_DOUBLE,
        [CONFIG_TYPE_INT_LIST] = CONFIG_TYPE_INT,
        [CONFIG_TYPE_STRING_LIST] = CONFIG_TYPE_STRING,
        [CONFIG_TYPE_VEC3_LIST] = CONFIG_TYPE_VEC3,
    };
    const struct config_key *key = t->key;
    size_t size = key->type == CONFIG_TYPE_DOUBLE_LIST ? sizeof(double)
                  : key->type == CONFIG_TYPE_INT_LIST  ? sizeof(int)
                  : key->type == CONFIG_TYPE_VEC3_LIST ? 3 * sizeof(double)
                                                       : key->size;
    return to_scalar(t, item_type[key->type], node, (char *)config_at(values, key) + index * size);
}

static int to_list(const struct target *t, const struct node *node, size_t *count, void *values)
{
    *count = 0;
    for (const struct node *item = node->first; item; item = item->next, ++*count) {
        char path[CONFIG_PATH_MAX];
        snprintf(path, sizeof path, "%s[%zu]", t->path, *count);
        struct target of_item = {t->key, path, t->err};
        int rc = to_item(&of_item, item, *count, values);
        if (rc)
            return rc;
    }
    return 0;
}

/* One number may stand for the list of it. */
static bool is_lone_number(const struct config_key *key, const struct node *node)
{
    return key->type == CONFIG_TYPE_DOUBLE_LIST && key->min_items <= 1 && node->kind == NODE_SCALAR;
}

int config_convert(const struct config_key *key, const char *path, const struct node *node,
                   void *values, struct status *err)
{
    struct target t = {key, path, err};
    if (!config_is_list(key->type))
        return to_scalar(&t, key->type, node, config_at(values, key));
    size_t *count = (size_t *)((char *)values + key->count_offset);
    if (is_lone_number(key, node)) {
        *count = 1;
        return to_item(&t, node, 0, values);
    }
    if (node->kind != NODE_LIST)
        return wrong_type(&t, node, "a list");
    if (node->n_items < key->min_items || node->n_items > key->max_items)
        return config_node_error(err, node, false, "'%s' has %zu items, must have %zu..%zu", path,
                                 node->n_items, key->min_items, key->max_items);
    return key->type == CONFIG_TYPE_MAP_LIST ? 0 : to_list(&t, node, count, values);
}
