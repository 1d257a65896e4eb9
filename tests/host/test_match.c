/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What was found against the truth: which truth it is, what it says of position and paths. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "host/match.h"

static void add_truth(struct match *m, double time_s, double x)
{
    json_t *truth = json_pack("{s:i, s:f, s:[{s:i, s:b, s:[fff]}, {s:i, s:b, s:[fff]}]}", "v", 1,
                              "time_s", time_s, "users", "id", 7, "present", 1, "position_m", -x,
                              0.0, 0.0, "id", 9, "present", 1, "position_m", x, 2 * x, 1.2);
    assert_non_null(truth);
    match_add_truth(m, truth);
    json_decref(truth);
}

static json_t *fix_at(double time_s, int user, double x, double y)
{
    return json_pack("{s:s, s:f, s:i, s:[fff]}", "type", "fix", "time_s", time_s, "user", user,
                     "position_m", x, y, 1.2);
}

static void fixes_wait_for_the_truth(void **state)
{
    (void)state;
    static struct match m;
    double at[3];
    memset(&m, 0, sizeof m);
    assert_int_equal(match_truth(&m, 9, 1.0, at), 1);
    match_add_fix(&m, fix_at(1.05, 9, 1.15, 2.1));
    assert_null(match_take(&m)); /* no truth at all yet */
    add_truth(&m, 1.0, 1.0);
    assert_null(match_take(&m)); /* none as late as the fix */
    add_truth(&m, 1.1, 1.1);
    json_t *fix = match_take(&m);
    assert_non_null(fix);
    assert_null(match_take(&m));
    assert_true(fabs(json_number_value(json_array_get(json_object_get(fix, "truth_m"), 0)) - 1.05) <
                1e-12);
    assert_true(fabs(json_number_value(json_array_get(json_object_get(fix, "truth_m"), 1)) - 2.1) <
                1e-12);
    assert_true(fabs(json_number_value(json_object_get(fix, "error_m")) - 0.1) < 1e-12);
    json_decref(fix);
    assert_int_equal(match_truth(&m, 7, 1.1, at), 0); /* the other user, exactly at a sample */
    assert_true(at[0] == -1.1);
    assert_int_equal(match_truth(&m, 8, 1.05, at), -1); /* nobody */
    assert_int_equal(match_truth(&m, 9, 0.9, at), -1);  /* before all truths */
    match_add_fix(&m, fix_at(0.5, 9, 0, 0));
    assert_null(match_take(&m));
    assert_int_equal(m.lost, 1);
    match_clear(&m);
}

static void truths_roll_over(void **state)
{
    (void)state;
    static struct match m;
    double at[3];
    memset(&m, 0, sizeof m);
    for (int i = 0; i < MATCH_TRUTHS + 1000; i++)
        add_truth(&m, 0.02 * i, i);
    assert_int_equal(m.n, MATCH_TRUTHS);
    assert_int_equal(match_truth(&m, 9, 0.02 * (MATCH_TRUTHS + 998.5), at), 0);
    assert_true(fabs(at[0] - (MATCH_TRUTHS + 998.5)) < 1e-6);
    assert_int_equal(match_truth(&m, 9, 0.02 * 1000.5, at), 0);
    assert_int_equal(match_truth(&m, 9, 0.02 * 998.5, at), -1);
    match_add_truth(&m, NULL); /* broken messages change nothing */
    json_t *broken = json_pack("{s:f, s:[{s:i}]}", "time_s", 1e9, "users", "id", 9);
    match_add_truth(&m, broken);
    json_decref(broken);
    assert_int_equal(match_truth(&m, 9, 1e8, at), 1);
    for (int i = 0; i < MATCH_WAITING + 3; i++)
        match_add_fix(&m, fix_at(1e8, 9, 0, 0));
    assert_int_equal(m.lost, 3);
    add_truth(&m, 1.0, 77); /* another room has begun: the old one's are over */
    add_truth(&m, 2.0, 79);
    assert_int_equal(m.n, 2);
    assert_int_equal(match_truth(&m, 9, 1.5, at), 0);
    assert_true(fabs(at[0] - 78) < 1e-9);
    assert_int_equal(match_truth(&m, 9, 0.02 * 1000.5, at), 1);
    match_clear(&m);
    assert_int_equal(m.n_waiting, 0);
}

static void a_ring_may_be_shorter(void **state)
{
    (void)state;
    static struct match m;
    double at[3];
    memset(&m, 0, sizeof m);
    m.keep = 10;
    for (int i = 0; i < 25; i++)
        add_truth(&m, 0.02 * i, i);
    assert_int_equal(m.n, 10);
    assert_int_equal(match_truth(&m, 9, 0.02 * 14.5, at), -1);
    assert_int_equal(match_truth(&m, 9, 0.02 * 15.5, at), 0);
    assert_true(fabs(at[0] - 15.5) < 1e-9);
}

/* --- paths ------------------------------------------------------------------------------------ */

/* A user who walks; lengths 10, 15 and 16 m at 1 s, 0.1 m more at 1.1 s. */
static void tell_lengths(struct match *m)
{
    memset(m, 0, sizeof *m);
    for (int i = 0; i < 2; i++) {
        const double d = 0.1 * i;
        json_t *truth =
            json_pack("{s:f, s:[{s:i, s:[fff], s:[fff]}]}", "time_s", 1 + d, "users", "id", 9,
                      "position_m", 1 + d, 2.0, 1.2, "lengths_m", 10 + d, 15 + d, 16 + d);
        match_add_truth(m, truth);
        json_decref(truth);
    }
}

/* At 1.05 s, with a phase centre of 0.2 m, and one more path that has no truth. */
static json_t *fix_with(const char *identity, double l1_m, double l2_m, double l3_m)
{
    static const char *const names[] = {"L1", "L2", "L3", "A1"};
    const double lengths_m[] = {l1_m, l2_m, l3_m, 99};
    json_t *fix = fix_at(1.05, 9, 1.05, 2.0), *paths = json_array();
    for (size_t i = 0; i < 4; i++)
        json_array_append_new(paths, json_pack("{s:s, s:f, s:f}", "name", names[i], "length_m",
                                               lengths_m[i], "bias_m", 0.2));
    json_object_set_new(fix, "paths", paths);
    json_object_set_new(fix, "identity", json_string(identity));
    return fix;
}

static double path_error(const json_t *fix, size_t i)
{
    const json_t *path = json_array_get(json_object_get(fix, "paths"), i);
    const json_t *error = json_object_get(path, "error_m");
    return error ? json_number_value(error) : NAN;
}

static void each_length_has_its_error(void **state)
{
    (void)state;
    static struct match m;
    tell_lengths(&m);
    json_t *fix = fix_with("coded", 10.30, 15.25, 16.15);
    assert_int_equal(match_judge(&m, fix), 0);
    assert_true(fabs(path_error(fix, 0) - 0.05) < 1e-5);
    assert_true(fabs(path_error(fix, 1) - 0) < 1e-5);
    assert_true(fabs(path_error(fix, 2) + 0.1) < 1e-5);
    assert_true(isnan(path_error(fix, 3)));
    assert_null(json_object_get(fix, "misidentified")); /* codes do not mistake them */
    json_decref(fix);
}

static void a_path_of_another_is_misidentified(void **state)
{
    (void)state;
    static const struct {
        double length_m[3];
        bool misidentified;
    } cases[] = {{{10.25, 15.25, 16.25}, false},
                 {{10.25, 15.25, 16.99}, false}, /* 0.74 m */
                 {{10.25, 15.25, 17.01}, true},
                 {{9.49, 15.25, 16.25}, true},
                 {{10.25, 16.25, 15.25}, true}}; /* swapped */
    static struct match m;
    struct match_tally tally = {0};
    tell_lengths(&m);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const double *l = cases[i].length_m;
        json_t *fix = fix_with("steering", l[0], l[1], l[2]);
        assert_int_equal(match_judge(&m, fix), 0);
        assert_int_equal(json_is_true(json_object_get(fix, "misidentified")),
                         cases[i].misidentified);
        assert_true(match_tally_add(&tally, fix));
        json_decref(fix);
    }
    assert_int_equal(tally.steered, 5);
    assert_int_equal(tally.misidentified, 3);
}

/* Without a position, without its truth, or from a room that tells no lengths. */
static void what_cannot_be_judged_is_not_counted(void **state)
{
    (void)state;
    static struct match m;
    struct match_tally tally = {0};
    tell_lengths(&m);
    json_t *fix = fix_with("steering", 10, 15, 16);
    json_object_del(fix, "position_m");
    assert_int_equal(match_judge(&m, fix), 0);
    assert_false(match_tally_add(&tally, fix));
    assert_false(isnan(path_error(fix, 0)));
    json_object_set_new(fix, "time_s", json_real(2));
    json_object_del(fix, "truth_m");
    assert_int_equal(match_judge(&m, fix), 1);
    assert_null(json_object_get(fix, "truth_m"));
    json_decref(fix);
    memset(&m, 0, sizeof m);
    add_truth(&m, 1.0, 1.0);
    add_truth(&m, 1.1, 1.0);
    fix = fix_with("steering", 10, 15, 16);
    assert_int_equal(match_judge(&m, fix), 0);
    assert_non_null(json_object_get(fix, "error_m"));
    assert_false(match_tally_add(&tally, fix));
    json_decref(fix);
    assert_int_equal(tally.steered, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fixes_wait_for_the_truth),
        cmocka_unit_test(truths_roll_over),
        cmocka_unit_test(a_ring_may_be_shorter),
        cmocka_unit_test(each_length_has_its_error),
        cmocka_unit_test(a_path_of_another_is_misidentified),
        cmocka_unit_test(what_cannot_be_judged_is_not_counted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
