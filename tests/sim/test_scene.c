/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Scenes: the figures of the lab, completed geometry, errors with their place, walks and truth. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "dsp/fix.h"
#include "sim/trajectory.h"
#include "sim/truth.h"

static struct scene scene;
static struct status err;

#define NEAR(a, b, tolerance) assert_true(fabs((a) - (b)) <= (tolerance))

static void lab_has_its_figures(void **state)
{
    (void)state;
    assert_int_equal(scene_load("lab", NULL, &scene, &err), 0);
    NEAR(scene.carrier_hz, 5.8e9, 0);
    NEAR(scene.rate_hz, 100e6, 0);
    assert_int_equal(scene.n_scatterers, 30);
    assert_int_equal(scene.n_ris, 2);
    for (int face = 0; face < 6; face++)
        NEAR(scene.wall_factor[face], 0.3, 0);
    const double half = 299792458.0 / 5.8e9 / 2, *first = scene.bs_rx.positions_m[0];
    assert_int_equal(scene.bs_rx.n, 4);
    NEAR(first[0], 0.5 + 1.5 * half / sqrt(2), 1e-12);
    NEAR(first[1], 0.5 - 1.5 * half / sqrt(2), 1e-12);
    NEAR(scene.bs_tx.positions_m[0][0], 0.5, 0);
    NEAR(scene.bs_tx.positions_m[0][2], 2.5, 0);
    NEAR(scene.ris[0].spacing_m, half, 1e-12);
    /* horizontal part of the sum of the unit vectors towards (0.5, 0.5, 2.2) and (4, 4, 1.2) */
    double a[3] = {-6.5, -1, 0.3}, b[3] = {-3, 2.5, -0.7}, n[2];
    for (int i = 0; i < 2; i++)
        n[i] = a[i] / sqrt(43.34) + b[i] / sqrt(15.74);
    NEAR(scene.ris[0].normal[0], n[0] / hypot(n[0], n[1]), 1e-12);
    NEAR(scene.ris[0].normal[1], n[1] / hypot(n[0], n[1]), 1e-12);
    NEAR(scene.ris[0].normal[2], 0, 0);
    /* x = up cross normal, columns run fastest */
    double p0[3], p1[3], p16[3];
    scene_ris_element(&scene.ris[0], 0, p0);
    scene_ris_element(&scene.ris[0], 1, p1);
    scene_ris_element(&scene.ris[0], 16, p16);
    NEAR(p1[0] - p0[0], -half * scene.ris[0].normal[1], 1e-12);
    NEAR(p1[1] - p0[1], half * scene.ris[0].normal[0], 1e-12);
    NEAR(p16[2] - p0[2], half, 1e-12);
}

static void every_scene_we_ship_loads(void **state)
{
    (void)state;
    static const char *const names[] = {"lab",   "lab-rice", "lab-shared",
                                        "empty", "corridor", "paper"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (scene_load(names[i], NULL, &scene, &err))
            fail_msg("%s", err.text);
}

static void clutter_belongs_to_the_seed(void **state)
{
    (void)state;
    static struct scene other;
    uint64_t seed = 5;
    struct scene_options options = {.seed = &seed};
    assert_int_equal(scene_load("lab", &options, &scene, &err), 0);
    assert_int_equal(scene_load("lab", &options, &other, &err), 0);
    assert_memory_equal(scene.scatterers, other.scatterers, sizeof scene.scatterers);
    seed = 6;
    assert_int_equal(scene_load("lab", &options, &other, &err), 0);
    assert_memory_not_equal(scene.scatterers, other.scatterers, sizeof scene.scatterers);
    double mean = 0, square = 0;
    int n = 0;
    for (seed = 100; seed < 140; seed++) {
        assert_int_equal(scene_load("lab", &options, &other, &err), 0);
        for (size_t i = 0; i < other.n_scatterers; i++, n++) {
            mean += other.scatterers[i].rcs_dbsm;
            square += pow(other.scatterers[i].rcs_dbsm + 10, 2);
        }
    }
    NEAR(mean / n, -10, 0.7);
    NEAR(sqrt(square / n), 8, 0.5);
}

/* A minimal scene; %s stands for further lines. */
static int parse(const char *more)
{
    static const char base[] = "room: {max_m: [4, 4, 3]}\n"
                               "bs: {tx: {first_m: [1, 1, 2]}, rx: {centre_m: [1, 1, 1.7]}}\n";
    char text[2000];
    snprintf(text, sizeof text, "%s%s", base, more);
    return scene_parse("s.yaml", text, strlen(text), NULL, &scene, &err);
}

static void refuse(const char *more, const char *says)
{
    int rc = parse(more);
    if (rc != ERR_ARG || !strstr(err.text, says) || strncmp(err.text, "s.yaml", 6))
        fail_msg("'%s' gave %d '%s'", more, rc, err.text);
}

static void bad_scenes_are_refused_with_a_cure(void **state)
{
    (void)state;
    assert_int_equal(parse(""), 0);
    refuse("clutter: {cuont: 3}\n", "s.yaml:3:");
    refuse("clutter: {cuont: 3}\n", "did you mean 'clutter.count'");
    refuse("carrier_hz: blue\n", "s.yaml:3:");
    refuse("update_s: 7\n", "s.yaml:3:");
    refuse("ris: [{name: A, board: a, position_m: [9, 1, 1], normal: [1, 0, 0]}]\n", "outside");
    refuse("ris: [{name: A, board: a, position_m: [1, 1, 1], normal: [0, 0, 1]}]\n", "vertical");
    refuse("ris: [{name: A, board: a, position_m: [1, 1, 1]}]\n", "facing_m");
    refuse("ris: [{name: A, board: a, position_m: [1, 1, 1], normal: [1, 0, 0]},\n"
           "      {name: B, board: a, position_m: [2, 1, 1], normal: [1, 0, 0]}]\n",
           "same board");
    refuse("users: [{paths: [{name: w, waypoints_m: [[5, 1, 1]]}]}]\n", "outside the room");
    refuse("users: [{path: walk, paths: [{name: wall, waypoints_m: [[1, 1, 1]]}]}]\n",
           "did you mean 'wall'");
    refuse("users: [{paths: []}]\n", "s.yaml:3:");
    refuse("users: [{radio: bs, paths: [{name: w, waypoints_m: [[1, 1, 1]]}]}]\n", "'bs'");
    assert_int_equal(scene_load("labb", NULL, &scene, &err), ERR_NOT_FOUND);
    assert_non_null(strstr(err.text, "did you mean 'lab'?"));
    assert_true(scene_load("/nonexistent/x.yaml", NULL, &scene, &err) != 0);
    struct scene_options options = {.path = "zigzga"};
    assert_int_equal(scene_load("lab", &options, &scene, &err), ERR_ARG);
    assert_non_null(strstr(err.text, "did you mean 'zigzag'"));
}

/* Speed, velocity as the derivative, bounds: along every path of the lab. */
static void walks_are_smooth(void **state)
{
    (void)state;
    assert_int_equal(scene_load("lab", NULL, &scene, &err), 0);
    struct scene_user *user = &scene.users[0];
    struct trajectory_point a, b, c;
    trajectory_at(user, 3.4999, &a);
    assert_false(a.present);
    for (user->path_index = 0; user->path_index < user->n_paths; user->path_index++)
        for (double t = 3.5; t < 100; t += 0.0137) {
            const double h = 1e-5;
            double speed = 0, jump = 0;
            trajectory_at(user, t, &a);
            trajectory_at(user, t + h, &b);
            trajectory_at(user, t + 2 * h, &c);
            assert_true(a.present);
            for (int i = 0; i < 3; i++) {
                NEAR((c.position_m[i] - a.position_m[i]) / (2 * h), b.velocity_mps[i], 2e-4);
                speed += a.velocity_mps[i] * a.velocity_mps[i];
                jump += pow(b.velocity_mps[i] - a.velocity_mps[i], 2);
            }
            assert_true(sqrt(speed) <= user->paths[user->path_index].speed_mps + 1e-9);
            assert_true(sqrt(jump) < 1e-3);
            assert_true(a.position_m[0] >= 2 && a.position_m[0] <= 6);
            assert_true(a.position_m[1] >= 2 && a.position_m[1] <= 6);
            assert_true(a.position_m[2] >= 0.8 && a.position_m[2] <= 1.8);
        }
}

static void open_paths_end_and_plain_corners_are_exact(void **state)
{
    (void)state;
    assert_int_equal(parse("users: [{smooth_s: 0, paths: [{name: w, loop: false, speed_mps: 0.5,\n"
                           "  waypoints_m: [[1, 1, 1], [3, 1, 1], [3, 2, 1]]}]}]\n"),
                     0);
    struct trajectory_point p;
    trajectory_at(&scene.users[0], 3, &p);
    NEAR(p.position_m[0], 2.5, 1e-9);
    NEAR(p.velocity_mps[0], 0.5, 1e-6);
    trajectory_at(&scene.users[0], 5, &p);
    NEAR(p.position_m[1], 1.5, 1e-9);
    trajectory_at(&scene.users[0], 500, &p);
    NEAR(p.position_m[1], 2, 1e-9);
    NEAR(p.velocity_mps[1], 0, 1e-9);
}

static void a_wall_hides_who_walks_on(void **state)
{
    (void)state;
    static const char walk[] =
        "paths: [{name: w, speed_mps: 0.25, waypoints_m: [[1, 1, 1], [3, 1, 1]]}]";
    static const struct {
        double time_s;
        bool present;
    } seen[] = {{0.9, false}, {1, true}, {2.9, true}, {3, false},
                {3.9, false}, {4, true}, {6, false},  {7, true}};
    char text[300];
    snprintf(text, sizeof text, "users: [{enter_s: 1, smooth_s: 0, away_s: [2, 3, 5, 5.5], %s}]\n",
             walk);
    assert_int_equal(parse(text), 0);
    for (size_t i = 0; i < sizeof seen / sizeof *seen; i++) {
        struct trajectory_point p;
        trajectory_at(&scene.users[0], seen[i].time_s, &p);
        assert_int_equal(p.present, seen[i].present);
        NEAR(p.position_m[0], seen[i].present ? 1 + 0.25 * (seen[i].time_s - 1) : 0, 1e-9);
    }
    static const char *const bad[] = {"[2]", "[3, 2]", "[2, 3, 3, 4]"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        snprintf(text, sizeof text, "users: [{away_s: %s, %s}]\n", bad[i], walk);
        assert_int_equal(parse(text), ERR_ARG);
        assert_non_null(strstr(err.text, "away_s"));
    }
}

/* A fix finds the truth by linear interpolation between two messages. */
static void truth_interpolates(void **state)
{
    (void)state;
    assert_int_equal(scene_load("lab", NULL, &scene, &err), 0);
    for (double t = 3.52; t < 60; t += 0.02) {
        double mean[3] = {0};
        struct trajectory_point p;
        for (int k = 0; k < 2; k++) {
            char text[1000];
            assert_true(truth_write(&scene, t + 0.02 * k, text, sizeof text) > 0);
            json_t *json = json_loads(text, 0, NULL);
            assert_non_null(json);
            NEAR(json_real_value(json_object_get(json, "time_s")), t + 0.02 * k, 1e-9);
            json_t *user = json_array_get(json_object_get(json, "users"), 0);
            assert_true(json_is_true(json_object_get(user, "present")));
            assert_int_equal(json_integer_value(json_object_get(user, "id")), 1);
            for (size_t i = 0; i < 3; i++)
                mean[i] +=
                    0.5 * json_number_value(json_array_get(json_object_get(user, "position_m"), i));
            json_decref(json);
        }
        trajectory_at(&scene.users[0], t + 0.01, &p);
        for (int i = 0; i < 3; i++)
            NEAR(mean[i], p.position_m[i], 2e-4);
    }
    char small[20];
    assert_int_equal(truth_write(&scene, 1, small, sizeof small), ERR_NO_SPACE);
    struct truth truth = {.scene = &scene};
    truth_publish(&truth, 1.0);
    assert_int_equal(truth.next, 76);
}

static struct vec3 middle(const struct scene_array *array)
{
    struct vec3 m = {0};
    for (size_t i = 0; i < array->n; i++)
        m = vec3_add(m, vec3_scale(vec3_of(array->positions_m[i]), 1 / (double)array->n));
    return m;
}

/* As the base station means them, of as many users as there may be. */
static void truth_tells_the_lengths_of_the_paths(void **state)
{
    (void)state;
    char text[SCENE_MAX_USERS * 256];
    const struct scene_options options = {.users = SCENE_MAX_USERS};
    assert_int_equal(scene_load("lab", &options, &scene, &err), 0);
    const struct anchors anchors = {
        vec3_of(scene.bs_tx.positions_m[0]),
        middle(&scene.bs_rx),
        {vec3_of(scene.ris[0].position_m), vec3_of(scene.ris[1].position_m)}};
    assert_true(truth_write(&scene, 70, text, sizeof text) > 0);
    json_t *json = json_loads(text, 0, NULL);
    const json_t *users = json_object_get(json, "users");
    assert_int_equal(json_array_size(users), SCENE_MAX_USERS);
    for (size_t u = 0; u < SCENE_MAX_USERS; u++) {
        const json_t *lengths = json_object_get(json_array_get(users, u), "lengths_m");
        struct trajectory_point p;
        trajectory_at(&scene.users[u], 70, &p);
        assert_int_equal(json_array_size(lengths), 3);
        for (size_t i = 0; i < 3; i++)
            NEAR(json_number_value(json_array_get(lengths, i)),
                 fix_predict(&anchors, (enum fix_row)(ROW_L1 + i), vec3_of(p.position_m), NULL),
                 1e-6);
    }
    json_decref(json);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lab_has_its_figures),
        cmocka_unit_test(every_scene_we_ship_loads),
        cmocka_unit_test(clutter_belongs_to_the_seed),
        cmocka_unit_test(bad_scenes_are_refused_with_a_cure),
        cmocka_unit_test(walks_are_smooth),
        cmocka_unit_test(open_paths_end_and_plain_corners_are_exact),
        cmocka_unit_test(a_wall_hides_who_walks_on),
        cmocka_unit_test(truth_interpolates),
        cmocka_unit_test(truth_tells_the_lengths_of_the_paths),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
