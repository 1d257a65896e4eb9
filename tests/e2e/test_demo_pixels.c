/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Broken pixels of a surface, found on the air while a user walks: all of them, with what they
 * reflect, without a false alarm; later failures and healing in time; positions undisturbed; and
 * offline, out of a recording. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include <cmocka.h>

#include "tests/e2e/demo_run.h"

static void must_work(const struct demo_run *run)
{
    if (run->exit_code)
        fail_msg("exit code %d: %s", run->exit_code, run->stderr_text);
}

/* On healthy surfaces a run with pilots gives the positions of a run without, to the last bit. */
static void pilots_do_not_disturb_the_positions(void **state)
{
    (void)state;
    struct demo_run without, with;
    demo_run(&without, "--seconds 9 --speed 0 --seed 4");
    demo_run(&with, "--seconds 9 --speed 0 --seed 4 --pixels 1");
    must_work(&without);
    must_work(&with);
    assert_true(without.n_fix >= 20);
    assert_string_equal(with.fix_text, without.fix_text);
    assert_true(demo_summary(&with, "lates") == 0 && demo_summary(&with, "gaps") == 0);
    demo_run_free(&without);
    demo_run_free(&with);
}

static double of_board(const struct demo_run *run, const char *key)
{
    json_t *board = json_object_get(json_object_get(run->summary, "pixels"), "ris1");
    json_t *value = json_object_get(board, key);
    if (!json_is_number(value))
        fail_msg("summary without pixels.ris1.%s", key);
    return json_number_value(value);
}

/* Five of 256 from the start, of every kind; one of them heals after 16 s, another breaks at 18 s.
 */
static void broken_pixels_are_found_while_the_user_walks(void **state)
{
    (void)state;
    struct demo_run run;
    demo_run(&run, "--seconds 45 --speed 0 --seed 3 --pixels 1 --set bs.pixels.ris=ris1 --set "
                   "'room.ris[0].failures=[{kind: dead, elements: [17]}, "
                   "{kind: stuck, state: 1, elements: [40]}, "
                   "{kind: biased, amplitude: 0.4, phase_rad: 1.2, elements: [100]}, "
                   "{kind: biased, amplitude: 1, phase_rad: 2, elements: [136]}, "
                   "{kind: dead, elements: [222], for_s: 16}, "
                   "{kind: stuck, state: 0, elements: [77], at_s: 18}]'");
    must_work(&run);
    printf("%.0f of %.0f found, false alarms %.0f, worst coefficient %.2f, slowest find %.1f s, "
           "slowest clear %.1f s, %.0f unknown\n",
           of_board(&run, "found"), of_board(&run, "broken"), of_board(&run, "false_alarms"),
           of_board(&run, "worst_error"), of_board(&run, "slowest_find_s"),
           of_board(&run, "slowest_clear_s"), of_board(&run, "unknown"));
    assert_true(of_board(&run, "broken") == 5 && of_board(&run, "found") == 5);
    assert_true(of_board(&run, "false_alarms") == 0);
    assert_true(of_board(&run, "worst_error") <= 0.25);
    assert_true(of_board(&run, "slowest_find_s") <= 30);
    assert_true(of_board(&run, "slowest_clear_s") > 0 && of_board(&run, "slowest_clear_s") <= 30);
    assert_true(demo_error_percentile(&run, 90) < 0.35);
    assert_true(demo_summary(&run, "lates") == 0 && demo_summary(&run, "ris_late") == 0);
    demo_run_free(&run);
}

/* The command's output as JSON. */
static json_t *output_of(const char *command)
{
    FILE *pipe = popen(command, "r");
    assert_non_null(pipe);
    json_t *o = json_loadf(pipe, 0, NULL);
    const int status = pclose(pipe);
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0 || !o)
        fail_msg("%s", command);
    return o;
}

/* Recorded, exported, calibrated: pixels of every kind by index, and what they reflect. */
static void broken_pixels_are_found_in_a_recording(void **state)
{
    static const struct {
        json_int_t index;
        double re, im;
    } planted[] = {{17, 0, 0}, {40, 0, 0}, {100, 0.145, 0.373}, {136, -0.416, 0.909}};
    struct demo_run run;
    char command[700], folder[] = "/tmp/mirador-px-XXXXXX";
    (void)state;
    assert_non_null(mkdtemp(folder));
    snprintf(command, sizeof command,
             "--seconds 9 --speed 0 --seed 3 --pixels 1 --record %s/run --set bs.pixels.ris=ris1 "
             "--set 'room.ris[0].failures=[{kind: dead, elements: [17]}, "
             "{kind: stuck, state: 1, elements: [40]}, "
             "{kind: biased, amplitude: 0.4, phase_rad: 1.2, elements: [100]}, "
             "{kind: biased, amplitude: 1, phase_rad: 2, elements: [136]}]'",
             folder);
    demo_run(&run, command);
    must_work(&run);
    demo_run_free(&run);
    snprintf(command, sizeof command,
             MIRADOR_BIN_DIR "/mirador record export --no-plots %s/run >%s/out && " MIRADOR_BIN_DIR
                             "/mirador calib pixels --json %s/run-pixels-ris1.h5",
             folder, folder, folder);
    json_t *found = output_of(command), *list = json_object_get(found, "failures");
    assert_true(json_is_true(json_object_get(found, "explained")));
    assert_int_equal(json_array_size(list), 4);
    for (size_t i = 0; i < 4; i++) {
        const json_t *f = json_array_get(list, i), *c = json_object_get(f, "coefficient");
        assert_int_equal(json_integer_value(json_object_get(f, "index")), planted[i].index);
        assert_true(fabs(json_number_value(json_array_get(c, 0)) - planted[i].re) < 0.25 &&
                    fabs(json_number_value(json_array_get(c, 1)) - planted[i].im) < 0.25);
    }
    json_decref(found);
    snprintf(command, sizeof command, "rm -r %s", folder);
    assert_int_equal(system(command), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pilots_do_not_disturb_the_positions),
        cmocka_unit_test(broken_pixels_are_found_while_the_user_walks),
        cmocka_unit_test(broken_pixels_are_found_in_a_recording),
    };
    return cmocka_run_group_tests(tests, demo_place_make, demo_place_remove);
}
