/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The audit log: who gave which command, and what became of it. */
#include "tests/host/control_rig.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static void audit_says_who_and_what_became_of_it(void **state)
{
    (void)state;
    struct seen seen = {0};
    assert_true(
        is_ok(&seen, "{\"cmd\":\"background\",\"cycles\":4,\"seq\":3,\"who\":\"page\\n3\"}"));
    assert_string_equal(seen.audit,
                        "command by local (page?3): {\"cmd\":\"background\",\"cycles\":4}: ok");
    assert_false(is_ok(&seen, "{\"cmd\":\"background\",\"cycles\":-4}"));
    assert_non_null(strstr(seen.audit, "by local (a program)"));
    assert_null(strstr(seen.audit, ": ok"));
    json_decref(ask(&seen, "{\"cmd\":\"status\"}"));
    assert_int_equal(seen.audits, 2);
    json_decref(ask(&seen, "{\"cmd\":\"pause\",\"seconds\":5,\"do\":\"status\"}"));
    json_decref(ask(&seen, "{\"cmd\":\"pause\",\"seconds\":5,\"kind\":\"list\"}"));
    assert_int_equal(seen.audits, 4); /* words of other commands hide nothing */
    char text[500];
    snprintf(text, sizeof text, "{\"cmd\":\"background\",\"cycles\":4,\"x\":\"%300s\"}", "");
    json_decref(ask(&seen, text));
    assert_non_null(strstr(seen.audit, ": {\"cmd\":\"background\",\"cycles\":4,\"x\":\"      "));
}

/* Whoever has a key can say what he likes of himself, but not leave out which key it is. */
static void audit_names_the_key_that_was_proven(void **state)
{
    (void)state;
    struct seen seen = {0};
    sender = "alice";
    assert_true(is_ok(&seen, "{\"cmd\":\"pause\",\"seconds\":1,\"who\":\"x): {}: ok\"}"));
    assert_string_equal(seen.audit,
                        "command by key alice (x?: ??: ok): {\"cmd\":\"pause\",\"seconds\":1}: ok");
    sender = NULL;
}

static void audit_keeps_no_keys(void **state)
{
    (void)state;
    struct seen seen = {0};
    assert_true(is_ok(&seen, "{\"cmd\":\"users\",\"do\":\"add\",\"user\":2,\"key\":"
                             "\"00112233445566778899aabbccddeeff\"}"));
    assert_non_null(strstr(seen.audit, "\"key\":\"00112233*\"}: ok"));
}

static void a_flood_of_refusals_is_counted_not_written(void **state)
{
    (void)state;
    struct seen seen = {0};
    struct log_site site = {0};
    refusals = &site;
    for (int i = 0; i < 1000; i++)
        assert_false(is_ok(&seen, "{\"cmd\":\"pause\",\"seconds\":-1}"));
    assert_in_range(seen.audits, LOG_BURST, LOG_BURST + 5);
    const unsigned written = seen.audits;
    assert_true(is_ok(&seen, "{\"cmd\":\"pause\",\"seconds\":1}"));
    assert_int_equal(seen.audits, written + 1); /* what is carried out is always written */
    char words[60];
    snprintf(words, sizeof words, ": ok (%u refusals before this left out)", 1000 - written);
    assert_non_null(strstr(seen.audit, words));
    refusals = NULL;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(audit_says_who_and_what_became_of_it),
        cmocka_unit_test(audit_names_the_key_that_was_proven),
        cmocka_unit_test(audit_keeps_no_keys),
        cmocka_unit_test(a_flood_of_refusals_is_counted_not_written),
    };
    return cmocka_run_group_tests(tests, make_scene, NULL);
}
