/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "host/log_tap.h"
#include <jansson.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static struct cycle_report sample_report(void)
{
    struct cycle_report r = {
        .plan = {.cycle = (UINT64_C(1) << 63) - 1},
        .user_id = 5,
        .time_s = 12.25,
        .track = {.alive = true, .x = {1, 2, 3, 4, 5, 6}},
        .fix = {.position = {0.1 + 0.2, -1e-17, NAN}, .chi2 = INFINITY, .dof = 1},
    };
    for (int i = 0; i < PATH_COUNT; i++)
        r.path[i] = (struct report_path){.found = true,
                                         .used = true,
                                         .length_m = 1.0 / 3,
                                         .snr_db = -123.456,
                                         .walls_m = 0.125,
                                         .sigma_used_m = i == PATH_A1 ? NAN : 0.25};
    return r;
}

static void fix_is_json_that_keeps_every_bit(void **state)
{
    (void)state;
    char text[8192];
    struct cycle_report r = sample_report();
    assert_true(telemetry_format_fix(&r, 3.5, text, sizeof text) > 0);
    json_t *o = json_loads(text, 0, NULL);
    assert_non_null(o);
    const json_t *p = json_object_get(o, "position_m");
    assert_true(json_number_value(json_array_get(p, 0)) == 0.1 + 0.2);
    assert_true(json_number_value(json_array_get(p, 1)) == -1e-17);
    assert_true(json_number_value(json_array_get(p, 2)) == 0); /* JSON has no NaN */
    const json_t *paths = json_object_get(o, "paths");
    assert_int_equal(json_array_size(paths), PATH_COUNT);
    const json_t *first = json_array_get(paths, 0);
    assert_true(json_number_value(json_object_get(first, "length_m")) == 1.0 / 3);
    assert_true(json_number_value(json_object_get(first, "walls_m")) == 0.125);
    assert_true(json_number_value(json_object_get(first, "sigma_used_m")) == 0.25);
    assert_true(json_is_null(json_object_get(json_array_get(paths, PATH_A1), "sigma_used_m")));
    static const char *const keys[] = {"type",       "cycle",   "time_s",        "user",
                                       "position_m", "track_m", "covariance_m2", "chi2",
                                       "paths",      "faults",  "latency_ms"};
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++)
        assert_non_null(json_object_get(o, keys[i]));
    json_decref(o);
}

/* What the map made of the position, and why. */
static void a_fix_says_what_the_map_did(void **state)
{
    (void)state;
    struct cycle_report r = {0};
    char text[8192];
    r.fix.map = FIX_MAP_USED;
    assert_true(telemetry_format_fix(&r, 1, text, sizeof text) > 0);
    assert_non_null(strstr(text, "\"refined\":true,\"map\":\"used\""));
    r.fix.map = FIX_MAP_ROOM;
    assert_true(telemetry_format_fix(&r, 1, text, sizeof text) > 0);
    assert_non_null(strstr(text, "\"refined\":false,\"map\":\"outside the room\""));
}

static void every_header_is_json(void **state)
{
    (void)state;
    char text[8192];
    struct cycle_report r = sample_report();
    const struct health h = {.state = "running"};
    static struct bs_cfg cfg;
    const struct telemetry_ris ris = {.n_board = 2, .ack = {{.code = OK}, {.code = ERR_TIMEOUT}}};
    for (int i = 0; i < 4; i++) {
        int n = i == 0   ? telemetry_format_cycle(&r, 1, text, sizeof text)
                : i == 1 ? telemetry_format_paths(&r, text, sizeof text)
                : i == 2 ? telemetry_format_health(&h, text, sizeof text)
                         : telemetry_format_ris(&ris, &cfg, text, sizeof text);
        assert_int_equal(n, (int)strlen(text));
        json_t *o = json_loads(text, 0, NULL);
        if (!o)
            fail_msg("not JSON: %s", text);
        assert_int_equal(json_integer_value(json_object_get(o, "v")), 1);
        json_decref(o);
    }
}

static void health_tells_what_was_late(void **state)
{
    (void)state;
    char text[8192];
    struct health h = {.state = "running",
                       .trains_lost = 7,
                       .slots_late = 4,
                       .witness = {.n_cpu = 2, .hiccups = 3}};
    h.deadline[DEADLINE_FIX] = (struct deadline){
        .budget_us = 5000, .missed = 2, .inconclusive = 1, .took = {.n = 9, .p999_us = 7000}};
    h.deadline[DEADLINE_PUBLISH].took.p99_us = 4500;
    assert_true(telemetry_format_health(&h, text, sizeof text) > 0);
    json_t *o = json_loads(text, 0, NULL);
    const json_t *fix = json_object_get(json_object_get(o, "deadlines"), "fix");
    assert_int_equal(json_integer_value(json_object_get(fix, "missed")), 2);
    assert_int_equal(json_integer_value(json_object_get(fix, "inconclusive")), 1);
    assert_true(json_real_value(json_object_get(fix, "p999_us")) == 7000);
    assert_int_equal(json_integer_value(json_object_get(json_object_get(o, "witness"), "hiccups")),
                     3);
    assert_true(json_real_value(json_object_get(json_object_get(o, "latency_ms"), "p99")) == 4.5);
    assert_int_equal(json_integer_value(json_object_get(o, "trains_lost")), 7);
    assert_int_equal(json_integer_value(json_object_get(o, "slots_late")), 4);
    json_decref(o);
}

static void a_touched_cycle_says_by_what(void **state)
{
    (void)state;
    char text[8192];
    struct cycle_report r = sample_report();
    r.faults = FAULT_RX_GAP | FAULT_TX_LATE;
    assert_true(telemetry_format_cycle(&r, 1, text, sizeof text) > 0);
    json_t *o = json_loads(text, 0, NULL);
    const json_t *faults = json_object_get(o, "faults");
    assert_int_equal(json_array_size(faults), 2);
    assert_string_equal(json_string_value(json_array_get(faults, 0)), "rx_gap");
    assert_string_equal(json_string_value(json_array_get(faults, 1)), "tx_late");
    assert_true(json_is_true(json_object_get(o, "discontinuity")));
    json_decref(o);
}

/* Of whom nothing may be shown any more the cycle says so. */
static void a_cycle_tells_the_consent(void **state)
{
    (void)state;
    char text[8192];
    struct cycle_report r = sample_report();
    static const enum consent_state states[] = {CONSENT_LOCATED, CONSENT_SILENT, CONSENT_REFUSED,
                                                CONSENT_WITHHELD, CONSENT_NONE};
    for (size_t i = 0; i < 5; i++) {
        r.consent = states[i];
        r.forgotten = i >= 2;
        assert_true(telemetry_format_cycle(&r, 1, text, sizeof text) > 0);
        json_t *o = json_loads(text, 0, NULL);
        assert_string_equal(json_string_value(json_object_get(o, "state")),
                            consent_state_name(states[i]));
        assert_int_equal(json_is_true(json_object_get(o, "forgotten")), i >= 2);
        json_decref(o);
    }
}

/* For who comes later than that cycle, and of who is not asked any more. */
static void health_tells_who_is_forgotten(void **state)
{
    (void)state;
    char text[8192];
    struct health h = {.state = "running",
                       .orders = {.user = {{.id = 7}, {.id = 8, .forgotten = true}}, .n_user = 2}};
    assert_true(telemetry_format_health(&h, text, sizeof text) > 0);
    json_t *o = json_loads(text, 0, NULL);
    for (size_t i = 0; i < 2; i++) {
        const json_t *user = json_array_get(json_object_get(o, "users"), i),
                     *forgotten = json_object_get(user, "forgotten");
        assert_true(json_is_boolean(forgotten));
        assert_int_equal(json_is_true(forgotten), i);
    }
    json_decref(o);
}

static void an_answer_without_permission_tells_nothing(void **state)
{
    (void)state;
    char text[8192];
    static const char *const keys[] = {"response_snr_db", "response_cfo_hz", "response_evm_db"};
    struct cycle_report r = sample_report();
    r.response_snr_db = 23.5;
    r.response_cfo_hz = -13173.25;
    r.response_evm_db = -42;
    for (int i = 0; i < RESPONSE_VERDICTS; i++) {
        r.response = (enum response_verdict)i;
        assert_true(telemetry_format_cycle(&r, 1, text, sizeof text) > 0);
        json_t *o = json_loads(text, 0, NULL);
        for (size_t k = 0; k < 3; k++)
            assert_int_equal(json_is_null(json_object_get(o, keys[k])), i != RESPONSE_PERMITTED);
        assert_true(i != RESPONSE_PERMITTED ||
                    json_number_value(json_object_get(o, keys[1])) == -13173.25);
        json_decref(o);
    }
}

static void short_buffers_are_not_overrun(void **state)
{
    (void)state;
    char text[8192];
    struct cycle_report r = sample_report();
    int n = telemetry_format_fix(&r, 1, text, sizeof text);
    for (int size = 1; size <= n; size++) {
        memset(text, 0x55, sizeof text);
        assert_int_equal(telemetry_format_fix(&r, 1, text, (size_t)size), ERR_NO_SPACE);
        assert_int_equal(text[size], 0x55);
    }
}

static void full_queue_drops_the_oldest_and_counts(void **state)
{
    (void)state;
    struct status err = {0};
    struct telemetry_queue *q = telemetry_queue_create(4, false, &err);
    static struct telemetry_item item, got;
    item.kind = TELEMETRY_RIS;
    for (int i = 0; i < 10; i++) {
        item.ris.index = i;
        telemetry_queue_put(q, &item);
    }
    assert_int_equal(telemetry_queue_dropped(q), 6);
    for (int i = 6; i < 10; i++) {
        assert_true(telemetry_queue_take(q, &got));
        assert_int_equal(got.ris.index, i);
    }
    assert_false(telemetry_queue_take(q, &got));
    telemetry_queue_destroy(&q);
}

/* What the log says reaches the queue, and never costs a report its place. */
static void log_lines_come_through_and_wait_for_nothing(void **state)
{
    (void)state;
    struct status err = {0};
    static struct log_tap tap;
    static struct telemetry_item got;
    struct telemetry_queue *q = telemetry_queue_create(8, true, &err);
    char text[1200];
    log_open("test", LOG_LEVEL_DEBUG);
    log_tap_open(&tap, q);
    log_write(LOG_LEVEL_DEBUG, "not this");
    log_write(LOG_LEVEL_WARN, "a \"quote\", a \\, \xff, %0600d", 7);
    assert_true(telemetry_queue_take(q, &got));
    assert_int_equal(got.kind, TELEMETRY_LOG);
    assert_true(telemetry_format_log(&got.log, text, sizeof text) > 0);
    json_t *o = json_loads(text, 0, NULL);
    assert_non_null(o);
    const char *words = json_string_value(json_object_get(o, "text"));
    assert_memory_equal(words, "a \"quote\", a \\, ?, 0000", 23);
    assert_int_equal(strlen(words), sizeof got.log.text - 1);
    assert_string_equal(json_string_value(json_object_get(o, "level")), "warn");
    assert_true(json_number_value(json_object_get(o, "unix_s")) > 1.7e9);
    json_decref(o);
    for (int i = 0; i < 10; i++) /* nobody takes them; half of the room is for reports */
        log_write(LOG_LEVEL_INFO, "line %d", i);
    for (int i = 0; i < 4; i++)
        assert_true(telemetry_queue_take(q, &got));
    assert_string_equal(got.log.text, "line 3");
    assert_false(telemetry_queue_take(q, &got));
    log_write(LOG_LEVEL_INFO, "after");
    assert_true(telemetry_queue_take(q, &got));
    assert_int_equal(got.log.suppressed, 6);
    size_t n = 0;
    for (int i = 0; i < 1000; i++) { /* a flood, and somebody who takes all */
        log_write(LOG_LEVEL_ERROR, "flood");
        n += telemetry_queue_take(q, &got);
    }
    assert_in_range(n, 1, 2 * LOG_TAP_BURST);
    log_tap_close();
    log_write(LOG_LEVEL_INFO, "closed");
    assert_false(telemetry_queue_take(q, &got));
    telemetry_queue_destroy(&q);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_fix_says_what_the_map_did),
        cmocka_unit_test(fix_is_json_that_keeps_every_bit),
        cmocka_unit_test(every_header_is_json),
        cmocka_unit_test(health_tells_what_was_late),
        cmocka_unit_test(a_touched_cycle_says_by_what),
        cmocka_unit_test(a_cycle_tells_the_consent),
        cmocka_unit_test(health_tells_who_is_forgotten),
        cmocka_unit_test(an_answer_without_permission_tells_nothing),
        cmocka_unit_test(short_buffers_are_not_overrun),
        cmocka_unit_test(full_queue_drops_the_oldest_and_counts),
        cmocka_unit_test(log_lines_come_through_and_wait_for_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
