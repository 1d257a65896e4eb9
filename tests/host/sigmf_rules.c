/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "sigmf_rules.h"
#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

static const struct rule { /* of one object */
    const char *name;
    char type; /* s text, n number >= 0 whole, r real, a list, o object */
    bool required;
} global_rules[] = {{"core:datatype", 's', true},     {"core:version", 's', true},
                    {"core:sample_rate", 'r', false}, {"core:sha512", 's', false},
                    {"core:recorder", 's', false},    {"core:hw", 's', false},
                    {"core:collection", 's', false},  {"core:extensions", 'a', false}},
  capture_rules[] = {{"core:sample_start", 'n', true},
                     {"core:global_index", 'n', false},
                     {"core:frequency", 'r', false},
                     {"core:datetime", 's', false}},
  annotation_rules[] = {{"core:sample_start", 'n', true},     {"core:sample_count", 'n', false},
                        {"core:freq_lower_edge", 'r', false}, {"core:freq_upper_edge", 'r', false},
                        {"core:label", 's', false},           {"core:comment", 's', false},
                        {"core:generator", 's', false}};

static bool of_type(const json_t *v, char type)
{
    return type == 's'   ? json_is_string(v)
           : type == 'n' ? json_is_integer(v) && json_integer_value(v) >= 0
           : type == 'r' ? json_is_number(v)
           : type == 'a' ? json_is_array(v)
                         : json_is_object(v);
}

/* Every core: name is known and of its type, what is required is there, other names are of an
 * extension that is declared. */
static void assert_object(json_t *o, const struct rule *rules, size_t n)
{
    const char *key;
    json_t *value;
    assert_true(json_is_object(o));
    json_object_foreach(o, key, value)
    {
        size_t i = 0;
        if (strncmp(key, "mirador:", 8) == 0)
            continue;
        while (i < n && strcmp(rules[i].name, key) != 0)
            i++;
        if (i == n || !of_type(value, rules[i].type))
            fail_msg("'%s' is not of the standard, or of another type", key);
    }
    for (size_t i = 0; i < n; i++)
        if (rules[i].required && !json_object_get(o, rules[i].name))
            fail_msg("'%s' is missing", rules[i].name);
}

static void assert_rising(json_t *list, const struct rule *rules, size_t n)
{
    size_t i;
    json_t *item;
    json_int_t last = -1;
    assert_true(json_is_array(list) && json_array_size(list) > 0);
    json_array_foreach(list, i, item)
    {
        assert_object(item, rules, n);
        json_int_t at = json_integer_value(json_object_get(item, "core:sample_start"));
        assert_true(at >= last);
        last = at;
    }
}

#define RULES(list) list, sizeof list / sizeof *list

static void assert_declared(json_t *object)
{
    json_t *list = json_object_get(object, "core:extensions"), *one = json_array_get(list, 0);
    assert_int_equal(json_array_size(list), 1);
    assert_int_equal(json_object_size(one), 3);
    assert_string_equal(json_string_value(json_object_get(one, "name")), "mirador");
    assert_true(json_is_string(json_object_get(one, "version")));
    assert_true(json_is_true(json_object_get(one, "optional")));
}

void assert_sigmf_meta(const char *path)
{
    json_t *o = json_load_file(path, JSON_REJECT_DUPLICATES, NULL);
    assert_int_equal(json_object_size(o), 3);
    json_t *global = json_object_get(o, "global");
    assert_object(global, RULES(global_rules));
    assert_declared(global);
    assert_string_equal(json_string_value(json_object_get(global, "core:datatype")), "ci16_le");
    assert_int_equal(strlen(json_string_value(json_object_get(global, "core:version"))), 5);
    assert_int_equal(strlen(json_string_value(json_object_get(global, "core:sha512"))), 128);
    assert_rising(json_object_get(o, "captures"), RULES(capture_rules));
    assert_rising(json_object_get(o, "annotations"), RULES(annotation_rules));
    json_t *first = json_array_get(json_object_get(o, "captures"), 0);
    const char *time = json_string_value(json_object_get(first, "core:datetime"));
    int y, mo, d, h, mi, us;
    double sec;
    assert_int_equal(sscanf(time, "%d-%d-%dT%d:%d:%lfZ", &y, &mo, &d, &h, &mi, &sec), 6);
    assert_true(time[strlen(time) - 1] == 'Z' && sscanf(strchr(time, '.') + 1, "%6d", &us) == 1);
    json_decref(o);
}

void assert_sigmf_collection(const char *path, size_t n_stream)
{
    json_t *o = json_load_file(path, JSON_REJECT_DUPLICATES, NULL);
    assert_int_equal(json_object_size(o), 1);
    json_t *collection = json_object_get(o, "collection");
    assert_true(json_is_string(json_object_get(collection, "core:version")));
    assert_declared(collection);
    assert_int_equal(json_array_size(json_object_get(collection, "core:streams")), n_stream);
    json_decref(o);
}
