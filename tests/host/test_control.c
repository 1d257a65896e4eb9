/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "host/control.h"
#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

struct seen {
    unsigned backgrounds, cycles, shutdowns, holds, allows, pauses, audits;
    unsigned adds, removes;
    size_t surface;
    int user;
    char key[100];
    unsigned sets;
    struct roster_wish wish;
    int profile;
    bool allow;
    double seconds;
    unsigned tunes, every;
    enum bs_identity identity;
    struct radio_setting setting;
    char audit[400];
};

static struct bs_cfg cfg;
static struct schedule schedule;
static struct profile_set profiles[BS_RIS];

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

static void hold(void *context, size_t surface, int profile)
{
    struct seen *s = context;
    s->holds++;
    s->surface = surface;
    s->profile = profile;
}

static int allow(void *context, int user, bool allowed)
{
    struct seen *s = context;
    if (user != 1)
        return ERR_NOT_FOUND;
    s->allows++;
    s->user = user;
    s->allow = allowed;
    return 0;
}

static int add_user(void *context, const struct roster_wish *wish, struct status *err)
{
    struct seen *s = context;
    (void)err;
    s->adds++;
    s->user = wish->id;
    s->wish = *wish;
    snprintf(s->key, sizeof s->key, "%s", wish->key ? wish->key : "");
    return 0;
}

static int set_user(void *context, const struct roster_wish *wish, struct status *err)
{
    struct seen *s = context;
    (void)err;
    s->sets++;
    s->wish = *wish;
    return 0;
}

static int remove_user(void *context, int user, struct status *err)
{
    struct seen *s = context;
    s->removes++;
    s->user = user;
    if (user == 1) {
        err->code = ERR_STATE;
        snprintf(err->text, sizeof err->text, "user 1 is the last one");
    }
    return err->code;
}

static void pause_for(void *context, double seconds)
{
    struct seen *s = context;
    s->pauses++;
    s->seconds = seconds;
}

static void orders(void *context, struct health_orders *out)
{
    (void)context;
    *out = (struct health_orders){
        .user = {{.id = 1, .allowed = true, .consent = CONSENT_LOCATED}},
        .n_user = 1,
        .radio.in_force = {cfg.radio.carrier_hz, cfg.radio.tx_gain_db, cfg.radio.rx_gain_db}};
}

static int tune(void *context, const struct radio_setting *want, struct status *err)
{
    struct seen *s = context;
    (void)err;
    s->tunes++;
    s->setting = *want;
    return 0;
}

static void identify(void *context, enum bs_identity identity)
{
    ((struct seen *)context)->identity = identity;
}

static void every(void *context, unsigned periods)
{
    ((struct seen *)context)->every = periods;
}

static void audit(void *context, const char *line)
{
    struct seen *s = context;
    s->audits++;
    snprintf(s->audit, sizeof s->audit, "%s", line);
}

static const char *sender; /* name of the proven key */
static struct log_site *refusals; /* NULL: all are audited */

static json_t *ask(struct seen *seen, const char *text)
{
    const struct control_ops ops = {.health = health,
                                    .background = background,
                                    .shutdown = shutdown,
                                    .hold = hold,
                                    .allow = allow,
                                    .add_user = add_user,
                                    .set_user = set_user,
                                    .remove_user = remove_user,
                                    .pause = pause_for,
                                    .orders = orders,
                                    .tune = tune,
                                    .every = every,
                                    .identify = identify,
                                    .audit = audit,
                                    .refusals = refusals,
                                    .context = seen,
                                    .scene = {&cfg, &schedule, profiles}};
    char answer[8192];
    control_execute(&ops, sender, text, strlen(text), answer, sizeof answer);
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

static bool is_ok(struct seen *seen, const char *text)
{
    json_t *o = ask(seen, text);
    bool ok = json_is_true(json_object_get(o, "ok"));
    json_decref(o);
    return ok;
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

static int make_scene(void **state)
{
    (void)state;
    struct status err = {0};
    const char *const items[] = {"users[0].id=1", "users[0].key_file=none"};
    const struct config_sets sets = {items, 2};
    if (config_load(&bs_config_table, "lab", &sets, &cfg, &err) ||
        bs_config_schedule(&cfg, &schedule, &err))
        fail_msg("%s", err.text);
    for (size_t i = 0; i < BS_RIS; i++) {
        profiles[i].shape.columns = 3;
        profiles[i].shape.rows = 2;
        profiles[i].n = 2;
        memcpy(profiles[i].state[1], "\0\1\0\2\0\3", 6);
    }
    return 0;
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
        cmocka_unit_test(audit_says_who_and_what_became_of_it),
        cmocka_unit_test(audit_names_the_key_that_was_proven),
        cmocka_unit_test(audit_keeps_no_keys),
        cmocka_unit_test(a_flood_of_refusals_is_counted_not_written),
    };
    return cmocka_run_group_tests(tests, make_scene, NULL);
}
