/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Reading recorded cases: every missing or mistyped value fails the test. */
#pragma once
#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static inline json_t *golden_load(const char *name)
{
    char path[512];
    json_error_t err;
    snprintf(path, sizeof path, "%s/%s", TEST_DATA_DIR, name);
    json_t *doc = json_load_file(path, 0, &err);
    if (!doc)
        fail_msg("%s:%d: %s", path, err.line, err.text);
    return doc;
}

static inline double golden_number(const json_t *obj, const char *key)
{
    const json_t *v = json_object_get(obj, key);
    if (!json_is_number(v))
        fail_msg("no number '%s'", key);
    return json_number_value(v);
}

static inline double golden_item(const json_t *obj, const char *key, size_t i)
{
    const json_t *v = json_array_get(json_object_get(obj, key), i);
    if (!json_is_number(v))
        fail_msg("no number '%s'[%zu]", key, i);
    return json_number_value(v);
}
