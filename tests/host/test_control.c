/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Commands to the base station: each is carried out as told, or refused with a reason. */
#include "tests/host/control_rig.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

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

static void scene_is_described(void **state)
{
    (void)state;
    struct seen seen = {0};
    json_t *o = ask(&seen, "{\"cmd\":\"describe\"}");
    const json_t *surfaces = json_object_get(o, "surfaces");
    const json_t *cycle = json_object_get(o, "cycle");
    assert_int_equal(json_array_size(surfaces), BS_RIS);
    assert_float_equal(json_number_value(json_object_get(cycle, "period_s")), 0.2, 1e-12);
    assert_int_equal(json_array_size(json_object_get(o, "users")), 1);
    json_decref(o);
    o = ask(&seen, "{\"cmd\":\"pattern\",\"surface\":\"ris2\",\"profile\":1}");
    const char *states = json_string_value(json_object_get(o, "states"));
    assert_int_equal(strlen(states), 6);
    assert_string_equal(states, "010203");
    json_decref(o);
    assert_false(is_ok(&seen, "{\"cmd\":\"pattern\",\"surface\":\"ris2\",\"profile\":2}"));
    assert_false(is_ok(&seen, "{\"cmd\":\"pattern\",\"surface\":\"ris3\",\"profile\":0}"));
    assert_false(is_ok(&seen, "{\"cmd\":\"pattern\"}"));
    assert_int_equal(seen.audits, 0);
}

static void surface_is_held_at_a_profile_it_has(void **state)
{
    (void)state;
    struct seen seen = {0};
    assert_true(is_ok(&seen, "{\"cmd\":\"hold\",\"surface\":\"ris2\",\"profile\":1}"));
    assert_int_equal(seen.surface, 1);
    assert_int_equal(seen.profile, 1);
    assert_true(is_ok(&seen, "{\"cmd\":\"hold\",\"surface\":\"ris1\",\"profile\":null}"));
    assert_int_equal(seen.surface, 0);
    assert_int_equal(seen.profile, -1);
    static const char *const bad[] = {
        "{\"cmd\":\"hold\",\"surface\":\"ris2\"}",
        "{\"cmd\":\"hold\",\"surface\":\"ris2\",\"profile\":2}",
        "{\"cmd\":\"hold\",\"surface\":\"ris2\",\"profile\":-1}",
        "{\"cmd\":\"hold\",\"surface\":\"ris2\",\"profile\":0.5}",
        "{\"cmd\":\"hold\",\"surface\":2,\"profile\":0}",
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_false(is_ok(&seen, bad[i]));
    assert_int_equal(seen.holds, 2);
}

static void permission_can_be_withheld_and_given_back(void **state)
{
    (void)state;
    struct seen seen = {.allow = true};
    assert_true(is_ok(&seen, "{\"cmd\":\"permit\",\"user\":1,\"allow\":false}"));
    assert_int_equal(seen.user, 1);
    assert_false(seen.allow);
    assert_false(is_ok(&seen, "{\"cmd\":\"permit\",\"user\":2,\"allow\":false}"));
    assert_false(is_ok(&seen, "{\"cmd\":\"permit\",\"user\":1,\"allow\":0}"));
    assert_false(is_ok(&seen, "{\"cmd\":\"permit\",\"allow\":true}"));
    assert_int_equal(seen.allows, 1);
}

static void pause_has_an_end(void **state)
{
    (void)state;
    struct seen seen = {0};
    assert_true(is_ok(&seen, "{\"cmd\":\"pause\",\"seconds\":12.5}"));
    assert_float_equal(seen.seconds, 12.5, 0);
    assert_true(is_ok(&seen, "{\"cmd\":\"pause\",\"seconds\":0}"));
    assert_false(is_ok(&seen, "{\"cmd\":\"pause\"}"));
    assert_false(is_ok(&seen, "{\"cmd\":\"pause\",\"seconds\":-1}"));
    assert_false(is_ok(&seen, "{\"cmd\":\"pause\",\"seconds\":1e9}"));
    assert_int_equal(seen.pauses, 2);
}

static void gains_stay_within_what_may_be_radiated(void **state)
{
    (void)state;
    struct seen seen = {0};
    char text[200];
    const double tx = cfg.radio.tx_gain_db, rx = cfg.radio.rx_gain_db;
    snprintf(text, sizeof text, "{\"cmd\":\"gain\",\"tx_db\":%.3f}", tx - 3);
    assert_true(is_ok(&seen, text));
    assert_float_equal(seen.setting.tx_gain_db, tx - 3, 1e-6);
    assert_float_equal(seen.setting.rx_gain_db, rx, 0); /* as it was */
    assert_true(is_ok(&seen, "{\"cmd\":\"gain\",\"rx_db\":4}"));
    assert_float_equal(seen.setting.rx_gain_db, 4, 0);
    static const char *const bad[] = {
        "{\"cmd\":\"gain\"}",
        "{\"cmd\":\"gain\",\"tx_db\":119}", /* over max_eirp_dbm */
        "{\"cmd\":\"gain\",\"rx_db\":121}",
        "{\"cmd\":\"gain\",\"rx_db\":\"4\"}",
        "{\"cmd\":\"gain\",\"rx_db\":4,\"tx_db\":null}",
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_false(is_ok(&seen, bad[i]));
    assert_int_equal(seen.tunes, 2);
}

static void frequency_stays_where_the_surfaces_were_designed_for(void **state)
{
    (void)state;
    struct seen seen = {0};
    assert_true(is_ok(&seen, "{\"cmd\":\"frequency\",\"carrier_hz\":5.81e9}"));
    assert_float_equal(seen.setting.carrier_hz, 5.81e9, 0);
    assert_false(is_ok(&seen, "{\"cmd\":\"frequency\",\"carrier_hz\":5.9e9}"));
    assert_false(is_ok(&seen, "{\"cmd\":\"frequency\",\"carrier_hz\":0}"));
    assert_false(is_ok(&seen, "{\"cmd\":\"frequency\"}"));
    assert_int_equal(seen.tunes, 1);
}

static void period_is_a_multiple_of_what_terminals_listen_at(void **state)
{
    (void)state;
    struct seen seen = {0};
    assert_true(is_ok(&seen, "{\"cmd\":\"period\",\"period_s\":0.6}"));
    assert_int_equal(seen.every, 3);
    static const char *const bad[] = {
        "{\"cmd\":\"period\"}",
        "{\"cmd\":\"period\",\"period_s\":0.1}",
        "{\"cmd\":\"period\",\"period_s\":0.30001}",
        "{\"cmd\":\"period\",\"period_s\":5.2}",
        "{\"cmd\":\"period\",\"period_s\":-0.2}",
        "{\"cmd\":\"period\",\"period_s\":1e300}",
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_false(is_ok(&seen, bad[i]));
    cfg.pixels.train.every = 3;
    assert_false(is_ok(&seen, "{\"cmd\":\"period\",\"period_s\":0.6}")); /* no train would come */
    assert_false(is_ok(&seen, "{\"cmd\":\"period\",\"period_s\":0.4}")); /* or over one surface */
    assert_true(is_ok(&seen, "{\"cmd\":\"period\",\"period_s\":1.0}"));
    cfg.pixels.train.every = 0;
    assert_int_equal(seen.every, 5);
}

static void identity_changes_where_the_boards_can(void **state)
{
    (void)state;
    struct seen seen = {0};
    assert_true(is_ok(&seen, "{\"cmd\":\"identity\",\"mode\":\"steering\"}"));
    assert_int_equal(seen.identity, BS_IDENTITY_STEERING);
    assert_true(is_ok(&seen, "{\"cmd\":\"identity\",\"mode\":\"coded\"}"));
    assert_int_equal(seen.identity, BS_IDENTITY_CODED);
    assert_false(is_ok(&seen, "{\"cmd\":\"identity\"}"));
    assert_false(is_ok(&seen, "{\"cmd\":\"identity\",\"mode\":\"magic\"}"));
    assert_int_equal(seen.audits, 4);
    cfg.ris.boards[1].switch_s = 6e-3;
    json_t *o = ask(&seen, "{\"cmd\":\"identity\",\"mode\":\"coded\"}");
    assert_true(json_is_false(json_object_get(o, "ok")));
    assert_non_null(strstr(json_string_value(json_object_get(o, "error")), "takes 6 ms"));
    json_decref(o);
    cfg.ris.boards[1].switch_s = 0;
    profiles[1].plays_sequences = false;
    o = ask(&seen, "{\"cmd\":\"identity\",\"mode\":\"coded\"}");
    assert_true(json_is_false(json_object_get(o, "ok")));
    assert_non_null(strstr(json_string_value(json_object_get(o, "error")),
                           "ris2 has no trigger input: it cannot step through a code; use "
                           "identity.mode: steering"));
    json_decref(o);
    assert_true(is_ok(&seen, "{\"cmd\":\"identity\",\"mode\":\"steering\"}"));
    profiles[1].plays_sequences = true;
}

static void users_are_added_by_the_name_of_a_key(void **state)
{
    (void)state;
    struct seen seen = {0};
    assert_true(is_ok(&seen, "{\"cmd\":\"users\",\"do\":\"add\",\"user\":2}"));
    assert_true(seen.user == 2 && seen.key[0] == '\0');
    assert_true(is_ok(&seen, "{\"cmd\":\"users\",\"do\":\"add\",\"user\":3,\"key\":\"k-3.key\"}"));
    assert_string_equal(seen.key, "k-3.key");
    assert_true(is_ok(&seen, "{\"cmd\":\"users\",\"do\":\"set\",\"user\":2,\"rate_hz\":0.5,"
                             "\"priority\":7}"));
    assert_true(seen.sets == 1 && seen.wish.id == 2 && seen.wish.priority == 7);
    assert_float_equal(seen.wish.rate_hz, 0.5, 0);
    assert_true(is_ok(&seen, "{\"cmd\":\"users\",\"do\":\"remove\",\"user\":3}"));
    json_t *o = ask(&seen, "{\"cmd\":\"users\",\"do\":\"remove\",\"user\":1}");
    assert_string_equal(json_string_value(json_object_get(o, "error")), "user 1 is the last one");
    json_decref(o);
    assert_int_equal(seen.audits, 5);
    o = ask(&seen, "{\"cmd\":\"users\",\"do\":\"list\"}");
    assert_int_equal(json_array_size(json_object_get(o, "users")), 1);
    json_decref(o);
    assert_int_equal(seen.audits, 5); /* a question */
    static const char *const bad[] = {
        "{\"cmd\":\"users\"}",
        "{\"cmd\":\"users\",\"do\":\"add\"}",
        "{\"cmd\":\"users\",\"do\":\"add\",\"user\":-1}",
        "{\"cmd\":\"users\",\"do\":\"add\",\"user\":1048576}",
        "{\"cmd\":\"users\",\"do\":\"add\",\"user\":2.5}",
        "{\"cmd\":\"users\",\"do\":\"add\",\"user\":2,\"key\":\"/etc/shadow\"}",
        "{\"cmd\":\"users\",\"do\":\"add\",\"user\":2,\"key\":\"..\"}",
        "{\"cmd\":\"users\",\"do\":\"add\",\"user\":2,\"key\":5}",
        "{\"cmd\":\"users\",\"do\":\"drop\",\"user\":2}",
        "{\"cmd\":\"users\",\"do\":\"add\",\"user\":2,\"rate_hz\":-1}",
        "{\"cmd\":\"users\",\"do\":\"add\",\"user\":2,\"rate_hz\":\"1\"}",
        "{\"cmd\":\"users\",\"do\":\"set\",\"user\":2,\"rate_hz\":101}",
        "{\"cmd\":\"users\",\"do\":\"set\",\"user\":2,\"priority\":8}",
        "{\"cmd\":\"users\",\"do\":\"set\",\"user\":2,\"priority\":1.5}",
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_false(is_ok(&seen, bad[i]));
    assert_true(seen.adds == 2 && seen.removes == 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(status_reports_health),
        cmocka_unit_test(background_takes_a_number_of_cycles),
        cmocka_unit_test(shutdown_is_acknowledged),
        cmocka_unit_test(nonsense_is_refused_with_a_reason),
        cmocka_unit_test(scene_is_described),
        cmocka_unit_test(surface_is_held_at_a_profile_it_has),
        cmocka_unit_test(permission_can_be_withheld_and_given_back),
        cmocka_unit_test(pause_has_an_end),
        cmocka_unit_test(gains_stay_within_what_may_be_radiated),
        cmocka_unit_test(frequency_stays_where_the_surfaces_were_designed_for),
        cmocka_unit_test(period_is_a_multiple_of_what_terminals_listen_at),
        cmocka_unit_test(identity_changes_where_the_boards_can),
        cmocka_unit_test(users_are_added_by_the_name_of_a_key),
    };
    return cmocka_run_group_tests(tests, make_scene, NULL);
}
