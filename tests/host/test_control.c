/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "host/control.h"
#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

struct seen {
    unsigned backgrounds, cycles, shutdowns;
};

static void health(void *context, struct health *out)
{
    (void)context;
    *out = (struct health){.state = "running", .last_cycle = INT64_MAX, .room_s = 1.5};
    out->pipeline.fixes = 7;
}

static void background(void *context, unsigned cycles)
{
    struct seen *s = context;
    s->backgrounds++;
    s->cycles = cycles;
}

static void shutdown(void *context)
{
    ((struct seen *)context)->shutdowns++;
}

static json_t *ask(struct seen *seen, const char *text)
{
    const struct control_ops ops = {
        .health = health, .background = background, .shutdown = shutdown, .context = seen};
    char answer[8192];
    control_execute(&ops, text, strlen(text), answer, sizeof answer);
    json_t *o = json_loads(answer, 0, NULL);
    if (!o)
        fail_msg("not JSON: %s", answer);
    return o;
}

static void status_reports_health(void **state)
{
    (void)state;
    struct seen seen = {0};
    json_t *o = ask(&seen, "{\"cmd\":\"status\",\"seq\":41}");
    assert_true(json_is_true(json_object_get(o, "ok")));
    assert_int_equal(json_integer_value(json_object_get(o, "seq")), 41);
    assert_int_equal(json_integer_value(json_object_get(o, "fixes")), 7);
    assert_string_equal(json_string_value(json_object_get(o, "state")), "running");
    json_decref(o);
}

static void background_takes_a_number_of_cycles(void **state)
{
    (void)state;
    struct seen seen = {0};
    json_decref(ask(&seen, "{\"cmd\":\"background\",\"cycles\":25}"));
    assert_int_equal(seen.backgrounds, 1);
    assert_int_equal(seen.cycles, 25);
    static const char *const bad[] = {
        "{\"cmd\":\"background\",\"cycles\":-1}",       "{\"cmd\":\"background\",\"cycles\":3}",
        "{\"cmd\":\"background\",\"cycles\":\"many\"}", "{\"cmd\":\"background\",\"cycles\":1e3}",
        "{\"cmd\":\"background\",\"cycles\":1000000}",
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        json_t *o = ask(&seen, bad[i]);
        assert_true(json_is_false(json_object_get(o, "ok")));
        assert_non_null(json_string_value(json_object_get(o, "error")));
        json_decref(o);
    }
    assert_int_equal(seen.backgrounds, 1);
}

static void shutdown_is_acknowledged(void **state)
{
    (void)state;
    struct seen seen = {0};
    json_t *o = ask(&seen, "{\"cmd\":\"shutdown\"}");
    assert_true(json_is_true(json_object_get(o, "ok")));
    assert_int_equal(seen.shutdowns, 1);
    json_decref(o);
}

static void nonsense_is_refused_with_a_reason(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",
        "{",
        "[]",
        "null",
        "{\"cmd\":5}",
        "{\"cmd\":\"reboot\"}",
        "{\"cmd\":\"a\",\"cmd\":\"b\"}",
        "{}",
        "\xff\xfe",
    };
    struct seen seen = {0};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        json_t *o = ask(&seen, bad[i]);
        assert_true(json_is_false(json_object_get(o, "ok")));
        assert_true(strlen(json_string_value(json_object_get(o, "error"))) > 0);
        json_decref(o);
    }
    assert_int_equal(seen.backgrounds + seen.shutdowns, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(status_reports_health),
        cmocka_unit_test(background_takes_a_number_of_cycles),
        cmocka_unit_test(shutdown_is_acknowledged),
        cmocka_unit_test(nonsense_is_refused_with_a_reason),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
