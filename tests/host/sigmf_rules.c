/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "sigmf_rules.h"
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool sigmf_schema_there(void)
{
    if (system("/usr/bin/python3 -c 'import jsonschema' 2>/dev/null") == 0)
        return true;
    print_message("[  SKIPPED ] no python3-jsonschema: names and types of SigMF are not checked\n");
    return false;
}

bool sigmf_schema_accepts(const char *path)
{
    char command[700];
    snprintf(command, sizeof command,
             "/usr/bin/python3 -W ignore -m jsonschema -i '%s' '%s' 2>/dev/null", path,
             MIRADOR_SOURCE_DIR "/tests/data/sigmf.schema.json");
    return system(command) == 0;
}

static void assert_rising(json_t *list)
{
    size_t i;
    json_t *item;
    json_int_t last = -1;
    assert_true(json_is_array(list));
    json_array_foreach(list, i, item)
    {
        json_int_t at = json_integer_value(json_object_get(item, "core:sample_start"));
        assert_true(at >= last);
        last = at;
    }
}

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
    assert_sigmf_meta_of(path, "ci16_le");
}

void assert_sigmf_meta_of(const char *path, const char *datatype)
{
    json_t *o = json_load_file(path, JSON_REJECT_DUPLICATES, NULL);
    assert_int_equal(json_object_size(o), 3);
    json_t *global = json_object_get(o, "global");
    assert_declared(global);
    assert_string_equal(json_string_value(json_object_get(global, "core:datatype")), datatype);
    assert_int_equal(strlen(json_string_value(json_object_get(global, "core:version"))), 5);
    assert_int_equal(strlen(json_string_value(json_object_get(global, "core:sha512"))), 128);
    assert_rising(json_object_get(o, "captures"));
    assert_rising(json_object_get(o, "annotations"));
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
