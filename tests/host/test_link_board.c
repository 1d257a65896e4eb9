/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What is told of each user's data link: figures and beam while the user is located, nothing of it
 * after. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <jansson.h>
#include <math.h>
#include <string.h>

#include "host/bs/link_board.h"

static struct link_board board;
static char text[32768];

static struct link_report slot_of(int user, double time_s)
{
    struct link_report r = {
        .time_s = time_s,
        .user_id = user,
        .kind = LINK_SLOT_DATA,
        .beam = {LINK_AIM_TRACK, {1, 2, 3}, 6.02f, 0.1f, 0.2f, 1.5f, 40},
        .up = {.found = true,
               .ok = true,
               .bytes = 1000,
               .slot = {.snr_db = 20, .evm_db = -20, .cfo_hz = 3, .phase_rad = 0.1f}},
        .carries = true,
    };
    r.traffic.count.slots_acked = (uint64_t)(10 * time_s);
    return r;
}

static void note(int user, double time_s, bool told)
{
    struct link_report r = slot_of(user, time_s);
    link_board_note(&board, &r, told);
}

/* Of those who are served: the users of the figures, as the port has them. */
static struct health_traffic traffic_of(size_t n)
{
    struct health_traffic h = {.carries = true, .n = n};
    for (size_t i = 0; i < n; i++)
        h.user[i] = (struct health_link_user){.id = (int)i + 1, .state = {.mcs = 7}};
    return h;
}

static struct health_link_user told_of(int user, size_t n)
{
    struct health_traffic h = traffic_of(n);
    link_board_health(&board, 10, &h);
    return h.user[user - 1];
}

static bool is_told(const struct health_link_user *u)
{
    return u->beam.aim != LINK_AIM_NONE && u->up.slots > 0 && isfinite(u->up.snr_db) &&
           u->state.mcs == 7;
}

static bool is_unknown(const struct health_link_user *u)
{
    return u->beam.aim == LINK_AIM_NONE && u->up.slots + u->down.slots == 0 &&
           isnan(u->up.snr_db) && isnan(u->down.bps) && u->state.mcs < 0 &&
           isnan(u->state.margin_db);
}

static int reset(void **state)
{
    (void)state;
    board = (struct link_board){0};
    for (int i = 0; i < 4; i++) {
        note(1, 1 + i, true);
        note(2, 1.5 + i, true);
    }
    return 0;
}

static void who_withdraws_is_forgotten(void **state)
{
    (void)state;
    struct health_link_user one = told_of(1, 2), two = told_of(2, 2);
    assert_true(is_told(&one) && is_told(&two));
    assert_true(one.beam.speed_mps == 1.5f && one.up.slots == 4 && one.down.slots == 30);
    link_board_forget(&board, 1);
    one = told_of(1, 2);
    two = told_of(2, 2);
    assert_true(is_unknown(&one) && is_told(&two));
    note(1, 6, true); /* permits again: nothing of before comes back */
    one = told_of(1, 2);
    assert_true(is_told(&one) && one.up.slots == 1 && one.down.slots == 0);
}

/* The slot of the cycle that was under way is heard after the user was removed or withheld. */
static void what_is_heard_late_is_not_told(void **state)
{
    (void)state;
    struct link_report late = slot_of(1, 5);
    struct health_traffic none = {0};
    link_board_forget(&board, 1);
    link_board_note(&board, &late, false);
    assert_int_equal(late.beam.aim, LINK_AIM_NONE);
    assert_true(isnan(late.beam.speed_mps) && isnan(late.beam.aim_m.x));
    assert_true(isnan(late.up_figures.snr_db) && isnan(late.down_figures.fer));
    const struct health_link_user one = told_of(1, 2);
    assert_true(is_unknown(&one));
    link_board_health(&board, 10, &none); /* with known data the board alone says who has a link */
    assert_int_equal(none.n, 1);
    assert_int_equal(none.user[0].id, 2);
}

/* The scheme follows from how strong the user is heard. */
static void health_tells_no_scheme_of_who_is_forgotten(void **state)
{
    (void)state;
    struct health h = {.state = "running", .traffic = traffic_of(2)};
    link_board_forget(&board, 1);
    link_board_health(&board, 10, &h.traffic);
    assert_true(telemetry_format_health(&h, text, sizeof text) > 0);
    json_t *o = json_loads(text, 0, NULL);
    const json_t *users = json_object_get(json_object_get(o, "link"), "users");
    assert_true(json_is_null(json_object_get(json_array_get(users, 0), "mcs")));
    assert_int_equal(json_integer_value(json_object_get(json_array_get(users, 1), "mcs")), 7);
    json_decref(o);
}

static json_t *told(const struct link_report *r)
{
    assert_true(link_report_format(r, text, sizeof text) > 0);
    json_t *o = json_loads(text, 0, NULL);
    assert_non_null(o);
    return o;
}

static void assert_nulls(const json_t *o, const char *const *keys, size_t n, bool null)
{
    for (size_t i = 0; i < n; i++)
        assert_int_equal(json_is_null(json_object_get(o, keys[i])), null);
}

/* Strength, carrier offset and phase of the uplink say where the user is and how it moves. */
static void what_is_heard_late_tells_no_strength(void **state)
{
    static const char *const up[] = {"up_snr_db", "up_evm_db", "up_cfo_hz", "up_phase_rad"};
    static const char *const traffic[] = {"snr_db", "peer_snr_db", "margin_db", "mcs"};
    (void)state;
    for (int known = 0; known < 2; known++) {
        struct link_report r = slot_of(1, 6);
        r.traffic.snr_db = r.traffic.peer_snr_db = 25;
        link_board_note(&board, &r, known);
        json_t *o = told(&r);
        assert_nulls(o, up, 4, !known);
        assert_nulls(json_object_get(o, "traffic"), traffic, 4, !known);
        assert_true(json_is_true(json_object_get(o, "up_found")));
        json_decref(o);
    }
}

static const char *const unknown_keys[] = {"pointing_loss_db", "aim_sigma_m", "speed_mps"};

/* A beam by the channel of the answer, of a user who is not found. */
static void a_beam_without_a_position_tells_no_zeros(void **state)
{
    (void)state;
    struct link_report r = slot_of(1, 6);
    r.beam = LINK_BEAM_NONE;
    r.beam.aim = LINK_AIM_RECIPROCAL;
    r.beam.gain_db = 5.9f;
    link_board_note(&board, &r, true);
    json_t *o = told(&r);
    assert_string_equal(json_string_value(json_object_get(o, "aim")), "reciprocal");
    assert_true(fabs(json_number_value(json_object_get(o, "beam_gain_db")) - 5.9) < 1e-3);
    assert_null(json_object_get(o, "aim_m"));
    for (size_t i = 0; i < 3; i++)
        assert_true(json_is_null(json_object_get(o, unknown_keys[i])));
    json_decref(o);
    struct health h = {.state = "running", .traffic = traffic_of(2)};
    link_board_health(&board, 10, &h.traffic);
    assert_true(telemetry_format_health(&h, text, sizeof text) > 0);
    o = json_loads(text, 0, NULL);
    const json_t *user = json_array_get(json_object_get(json_object_get(o, "link"), "users"), 0);
    assert_true(json_is_number(json_object_get(user, "beam_gain_db")));
    for (size_t i = 0; i < 3; i++)
        assert_true(json_is_null(json_object_get(user, unknown_keys[i])));
    json_decref(o);
}

/* Everybody with everything known, in the buffer that the daemon has. */
static void sixteen_users_fit(void **state)
{
    (void)state;
    struct health h = {.state = "running", .traffic = traffic_of(BS_USERS_MAX)};
    for (int user = 1; user <= BS_USERS_MAX; user++)
        for (int i = 0; i < 4; i++)
            note(user, 10 * user + i, true);
    memset(&h.traffic.port, 0x7f, sizeof h.traffic.port);
    for (size_t i = 0; i < BS_USERS_MAX; i++)
        memset(&h.traffic.user[i].state.count, 0x0f, sizeof h.traffic.user[i].state.count);
    link_board_health(&board, 200, &h.traffic);
    const int n = telemetry_format_health(&h, text, sizeof text);
    print_message("health of %d users: %d bytes\n", BS_USERS_MAX, n);
    assert_true(n > 0);
    json_t *o = json_loads(text, 0, NULL);
    const json_t *users = json_object_get(json_object_get(o, "link"), "users");
    assert_int_equal(json_array_size(users), BS_USERS_MAX);
    for (size_t i = 0; i < BS_USERS_MAX; i++)
        assert_true(json_is_number(json_object_get(json_array_get(users, i), "speed_mps")));
    json_decref(o);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(who_withdraws_is_forgotten, reset),
        cmocka_unit_test_setup(what_is_heard_late_is_not_told, reset),
        cmocka_unit_test_setup(what_is_heard_late_tells_no_strength, reset),
        cmocka_unit_test_setup(health_tells_no_scheme_of_who_is_forgotten, reset),
        cmocka_unit_test_setup(a_beam_without_a_position_tells_no_zeros, reset),
        cmocka_unit_test_setup(sixteen_users_fit, reset),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
