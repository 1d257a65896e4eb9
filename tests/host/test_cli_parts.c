/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The parts of `mirador demo`: the summary, the scene, the processes. */
#include <math.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/options.h"
#include "base/state_dir.h"
#include "host/cli/children.h"
#include "host/cli/demo_scene.h"
#include "host/cli/demo_stats.h"

static struct status err;

/* --- summary ---------------------------------------------------------------------------------- */

static json_t *fix_at(double time_s, int user, double x, double y)
{
    return json_pack("{s:s, s:f, s:i, s:[fff], s:[[fff],[fff],[fff]], s:f}", "type", "fix",
                     "time_s", time_s, "user", user, "position_m", x, y, 1.2, "covariance_m2", 0.04,
                     0.0, 0.0, 0.0, 0.01, 0.0, 0.0, 0.0, 0.001, "latency_ms", 3.5);
}

static void add_error(struct stats *s, double dx, double dy)
{
    json_t *fix = fix_at(1, 9, 1 + dx, 2 + dy);
    json_object_set_new(fix, "truth_m", json_pack("[fff]", 1.0, 2.0, 1.2));
    json_object_set_new(fix, "error_m", json_real(hypot(dx, dy)));
    json_object_set_new(fix, "latency_ms", json_real(1 + dx * 10));
    assert_int_equal(stats_add(s, fix), 0);
    json_decref(fix);
}

static void summarises(void **state)
{
    (void)state;
    struct stats s = {0};
    for (int i = 0; i < 2000; i++) /* 0 .. 0.9995, in an order that is not sorted */
        add_error(&s, (i * 977 % 2000) / 2000.0, 0);
    json_t *health = json_loads("{\"cycles\":300,\"responses\":280,\"fixes\":3,\"refused_fixes\":4,"
                                "\"time_s\":60.5,\"radio\":{\"tx_lates\":1,\"rx_late_commands\":2,"
                                "\"rx_overflows\":5,\"tx_underflows\":6,\"rx_gaps\":7},"
                                "\"ris\":{\"acks\":600,\"late\":1,\"lost\":2}}",
                                0, NULL);
    assert_non_null(health);
    stats_set_health(&s, health);
    json_t *j = stats_summary(&s, 12.5);
    assert_string_equal(json_string_value(json_object_get(j, "type")), "summary");
    static const struct {
        const char *key;
        double value;
    } expected[] = {
        {"cycles", 300},
        {"responses", 280},
        {"fixes", 2000},
        {"refused_fixes", 4},
        {"error_p50_m", 0.5},
        {"error_p90_m", 0.8995},
        {"error_p95_m", 0.9495},
        {"latency_p50_ms", 6},
        {"latency_p99_ms", 10.895},
        {"lates", 3},
        {"overflows", 5},
        {"underflows", 6},
        {"gaps", 7},
        {"ris_acks", 600},
        {"ris_late", 3},
        {"wall_s", 12.5},
        {"room_s", 60.5},
    };
    for (size_t i = 0; i < sizeof expected / sizeof *expected; i++)
        if (fabs(json_number_value(json_object_get(j, expected[i].key)) - expected[i].value) > 1e-3)
            fail_msg("%s is %g, not %g", expected[i].key,
                     json_number_value(json_object_get(j, expected[i].key)), expected[i].value);
    /* sigma 0.2 m along x: inside up to 0.2 sqrt(5.991) = 0.4895 m, that is 979 + 1 of 2000 */
    assert_true(fabs(json_number_value(json_object_get(j, "inside_95_ellipse")) - 0.49) < 1e-9);
    json_decref(j);
    stats_clear(&s);
}

static void ellipse_follows_the_covariance(void **state)
{
    (void)state;
    struct stats s = {0};
    add_error(&s, 0.48, 0);
    assert_int_equal(s.inside, 1);
    add_error(&s, 0, 0.48); /* sigma 0.1 m along y */
    assert_int_equal(s.inside, 1);
    add_error(&s, 0, -0.24);
    assert_int_equal(s.inside, 2);
    add_error(&s, 0.4, 0.2); /* inside each alone, not both */
    assert_int_equal(s.inside, 2);
    stats_clear(&s);
}

static void summary_of_nothing(void **state)
{
    (void)state;
    struct stats s = {0};
    json_t *no_error = fix_at(1, 9, 0, 0), *j = stats_summary(&s, 1);
    assert_true(json_is_null(json_object_get(j, "error_p50_m")));
    assert_true(json_is_null(json_object_get(j, "inside_95_ellipse")));
    assert_int_equal(json_integer_value(json_object_get(j, "fixes")), 0);
    assert_int_equal(json_integer_value(json_object_get(j, "cycles")), 0);
    assert_int_equal(stats_add(&s, no_error), ERR_FORMAT);
    assert_true(stats_percentile(NULL, 0, 50) == 0);
    json_decref(no_error);
    json_decref(j);
    stats_clear(&s);
}

/* --- scene ------------------------------------------------------------------------------------ */

static const char scene_text[] =
    "rate_hz: 25e6\n"
    "room: {min_m: [0, 0, 0], max_m: [8, 4, 3], wall_factor: [0.3, -0.2, 0.4, 1, 0, 0.25]}\n"
    "bs:\n"
    "  rx: {count: 3, centre_m: [1, 2, 3], axis: [0, 2, 0], spacing_m: 0.1}\n"
    "  tx: {count: 2, first_m: [1, 2, 3.3], axis: [0, 1, 0]}\n"
    "  antenna: {isotropic: no, boresight: [0, 1, -0.5]}\n"
    "ris:\n"
    "- {board: a, position_m: [4, 0, 2], normal: [0, 1, 0], bits: 2}\n"
    "- {board: b, position_m: [6, 4, 2], facing_m: [[1, 2, 3], [4, 2, 1]], columns: 8}\n"
    "users:\n"
    "- id: 12\n"
    "  paths:\n"
    "  - {name: flat, waypoints_m: [[1, 1, 1.1], [2, 2, 1.1]]}\n"
    "  - {name: steps, waypoints_m: [[1, 1, 1.0], [2, 2, 1.4]]}\n";

static bool has_set(const struct command *c, const char *assignment)
{
    for (size_t i = 1; i < c->n; i++)
        if (strcmp(c->argv[1 + i], assignment) == 0 && strcmp(c->argv[i], "--set") == 0)
            return true;
    return false;
}

static void tells_everyone_about_the_scene(void **state)
{
    (void)state;
    static struct demo_scene s;
    static struct command bs, ris, ue;
    assert_int_equal(demo_scene_parse("test", scene_text, NULL, &s, &err), 0);
    assert_string_equal(s.path, "flat");
    demo_scene_tell_bs(&s, &bs);
    assert_false(bs.overflow);
    assert_true(has_set(&bs, "radio.rate_hz=25000000"));
    assert_true(has_set(&bs, "geometry.rx_centre_m=[1, 2, 3]"));
    assert_true(has_set(&bs, "geometry.rx_axis=[0, 0.2, 0]"));
    assert_true(has_set(&bs, "geometry.rx_spacing_m=0.1"));
    assert_true(has_set(&bs, "geometry.tx_m=[[1, 2, 3.3]]"));
    assert_true(has_set(&bs, "geometry.boresight=[0, 1, -0.5]"));
    assert_true(has_set(&bs, "ris.boards[0].normal=[0, 1, 0]"));
    assert_true(has_set(&bs, "ris.boards[1].faces_m=[4, 2, 1]"));
    assert_true(has_set(&bs, "ris.boards[1].columns=8"));
    assert_true(has_set(&bs, "ris.region_x_m=[2, 6]"));
    assert_true(has_set(&bs, "ris.region_y_m=[1, 3]"));
    assert_true(has_set(&bs, "room.wall_factor=[0.3, 0.2, 0.4, 0.999, 0, 0.25]"));
    demo_scene_tell_ris(&s, "ipc:///x/room.sock", &ris);
    assert_true(has_set(&ris, "boards[0].bits=2"));
    assert_true(has_set(&ris, "boards[1].room=ipc:///x/room.sock"));
    demo_scene_tell_ue(&s, 0, &ue);
    assert_true(has_set(&ue, "user.id=12"));
    assert_true(has_set(&ue, "user.height_m=1.1"));
    assert_true(has_set(&ue, "user.height_sigma_m=0.03"));
    assert_int_equal(demo_scene_parse("test", scene_text, "steps", &s, &err), 0);
    assert_true(s.users[0].height_m == 1.2 && fabs(s.users[0].height_sigma_m - 0.2) < 1e-12);
    char *all_round = strdup(scene_text);
    memcpy(strstr(all_round, "isotropic: no,"), "isotropic: yes", 14);
    memcpy(strstr(all_round, " boresight"), ",boresight", 10);
    assert_int_equal(demo_scene_parse("test", all_round, NULL, &s, &err), 0);
    assert_true(s.boresight[0] == 0 && s.boresight[1] == 0 && s.boresight[2] == 0);
    free(all_round);
}

static void refuses_scenes_it_cannot_use(void **state)
{
    (void)state;
    static struct demo_scene s;
    assert_int_equal(demo_scene_parse("test", scene_text, "nowhere", &s, &err), ERR_ARG);
    assert_string_equal(err.text, "scene test: has no user path 'nowhere'; it offers flat, steps");
    assert_int_equal(demo_scene_parse("test", "room: {min_m: [0, 0, 0]}\n", NULL, &s, &err),
                     ERR_ARG);
    assert_string_equal(err.text, "scene test: needs max_m, three numbers");
    assert_int_equal(demo_scene_parse("test", "a: [\n", NULL, &s, &err), ERR_ARG);
    char *one = strdup(scene_text), *second = strstr(one, "- {board: b"),
         *users = strstr(one, "users:");
    memmove(second, users, strlen(users) + 1);
    assert_int_equal(demo_scene_parse("test", one, NULL, &s, &err), ERR_ARG);
    assert_non_null(strstr(err.text, "two surfaces"));
    free(one);
}

static void overlong_commands_are_refused(void **state)
{
    (void)state;
    static struct command c;
    static struct children children;
    memset(&c, 0, sizeof c);
    for (int i = 0; i < 300; i++)
        command_add(&c, "word");
    assert_true(c.overflow);
    assert_int_equal(children_start(&children, "x", "x", &c, &err), ERR_NO_SPACE);
}

/* --- processes -------------------------------------------------------------------------------- */

static char folder[128];
static struct children children;

static int setup(void **state)
{
    (void)state;
    return state_dir_create("mirador-test", folder, sizeof folder, &err);
}

static int teardown(void **state)
{
    (void)state;
    children_stop(&children);
    return state_dir_remove(folder, &err);
}

/* A program of the folder, as a shell script. */
static void script(const char *name, const char *text)
{
    char path[200];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fprintf(file, "#!/bin/sh\n%s\n", text);
    fclose(file);
    chmod(path, 0700);
}

static void begin_children(void)
{
    children_stop(&children);
    assert_int_equal(children_init(&children, folder, &err), 0);
    strcpy(children.bin, folder);
}

static int start(const char *name, const char *text)
{
    static struct command c;
    c = (struct command){0};
    script(name, text);
    command_add(&c, "two words");
    return children_start(&children, name, name, &c, &err);
}

static void children_get_ready_and_end(void **state)
{
    (void)state;
    begin_children();
    assert_int_equal(start("good", "printf R >&3; exec 3>&-; echo \"$1|$2\"; exec sleep 100"), 0);
    assert_int_equal(children_wait_ready(&children, 20, &err), 0);
    assert_int_equal(start("done", "printf R >&3; exit 0"), 0);
    assert_int_equal(children_wait_ready(&children, 20, &err), 0);
    struct child *good = children_find(&children, "good"), *done = children_find(&children, "done");
    for (int i = 0; i < 500 && !done->exited; i++, usleep(10000))
        assert_null(children_failed(&children)); /* ending with 0 is no failure */
    assert_true(done->exited && !good->exited);
    assert_int_equal(kill(good->pid, 0), 0);
    char line[100];
    child_last_line(good, line, sizeof line);
    assert_string_equal(line, "two words|--ready-fd");
    assert_true(child_stop(&children, good, 5));
    assert_int_equal(child_exit_code(good), 128 + SIGTERM);
    assert_ptr_equal(children_failed(&children), good);
    assert_null(children_find(&children, "nobody"));
}

static void children_that_fail_are_noticed(void **state)
{
    (void)state;
    char line[100];
    begin_children();
    assert_int_equal(start("bad", "echo first; echo second; exit 2"), 0);
    assert_int_equal(children_wait_ready(&children, 20, &err), ERR_STATE);
    assert_string_equal(err.text, "bad ended (exit code 2)");
    struct child *bad = children_failed(&children);
    assert_non_null(bad);
    assert_int_equal(child_exit_code(bad), 2);
    child_last_line(bad, line, sizeof line);
    assert_string_equal(line, "second");

    begin_children();
    assert_int_equal(start("slow", "exec sleep 100"), 0);
    assert_int_equal(children_wait_ready(&children, 0.2, &err), ERR_TIMEOUT);

    begin_children();
    assert_int_equal(start("stubborn", "trap '' TERM; printf R >&3; while :; do sleep 0.05; done"),
                     0);
    assert_int_equal(children_wait_ready(&children, 20, &err), 0);
    assert_false(child_stop(&children, &children.list[0], 0.3));
    assert_int_equal(child_exit_code(&children.list[0]), 128 + SIGKILL);

    begin_children();
    static struct command c;
    c = (struct command){0};
    assert_int_equal(children_start(&children, "no-such-program", "none", &c, &err), 0);
    assert_int_equal(children_wait_ready(&children, 20, &err), ERR_STATE);
    child_last_line(&children.list[0], line, sizeof line);
    assert_non_null(strstr(line, "cannot run"));
}

/* The scene of `mirador demo --users N`: each has an ID, a radio, a key and a height of its own. */
static void users_that_the_room_draws(void **state)
{
    (void)state;
    static struct demo_scene five, three, other;
    struct demo_wish wish = {.scene = "lab", .seed = 3, .users = 5};
    begin_children();
    strcpy(children.bin, MIRADOR_BIN_DIR);
    assert_int_equal(demo_scene_read(&children, &wish, NULL, &five, &err), 0);
    assert_true(five.n_users == 5 && five.n_listed == 1);
    assert_string_equal(five.users[0].role, "ue");
    for (size_t i = 0; i < 5; i++) {
        assert_in_range(lround(100 * five.users[i].height_m), 80, 180);
        assert_true(five.users[i].enter_s == five.users[0].enter_s);
        for (size_t j = 0; j < i; j++) {
            assert_int_not_equal(five.users[i].id, five.users[j].id);
            assert_string_not_equal(five.users[i].role, five.users[j].role);
            assert_true(five.users[i].height_m != five.users[j].height_m);
        }
    }
    wish.users = 3; /* a smaller crowd is the begin of a larger one */
    assert_int_equal(demo_scene_read(&children, &wish, NULL, &three, &err), 0);
    assert_int_equal(three.n_users, 3);
    assert_memory_equal(three.users, five.users, 3 * sizeof three.users[0]);
    wish.seed = 4;
    assert_int_equal(demo_scene_read(&children, &wish, NULL, &other, &err), 0);
    assert_true(other.users[1].height_m != three.users[1].height_m);
    wish.users = 17;
    assert_int_equal(demo_scene_read(&children, &wish, NULL, &other, &err), ERR_ARG);
    assert_non_null(strstr(err.text, "1..16"));
}

static void captures_what_a_program_prints(void **state)
{
    (void)state;
    static struct command c;
    char out[16], line[64];
    begin_children();
    script("print", "echo \"hello $1 and more than fits\"; echo oops >&2; exit 3");
    c = (struct command){0};
    command_add(&c, "you");
    assert_int_equal(children_capture(&children, "print", &c, out, sizeof out, line, sizeof line),
                     3);
    assert_string_equal(out, "hello you and m");
    assert_string_equal(line, "oops");
    c = (struct command){0};
    assert_int_equal(children_capture(&children, "nothing", &c, out, sizeof out, line, sizeof line),
                     1);
    assert_non_null(strstr(line, "cannot run"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(summarises),
        cmocka_unit_test(ellipse_follows_the_covariance),
        cmocka_unit_test(summary_of_nothing),
        cmocka_unit_test(tells_everyone_about_the_scene),
        cmocka_unit_test(refuses_scenes_it_cannot_use),
        cmocka_unit_test(overlong_commands_are_refused),
        cmocka_unit_test(children_get_ready_and_end),
        cmocka_unit_test(children_that_fail_are_noticed),
        cmocka_unit_test(users_that_the_room_draws),
        cmocka_unit_test(captures_what_a_program_prints),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
