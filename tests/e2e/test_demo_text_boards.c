/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Paths told apart by steering, over surfaces that can do no more: OpenSourceRIS boards at 115200
 * baud, without a trigger. They show what they have to between the cycles, no cycle bears a mark of
 * theirs, positions come, and no path is misidentified in a room without walls. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <glob.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tests/e2e/demo_run.h"
#include "tests/ris_ctrl/emulated.h"

#define BAUD 115200

static struct emulated board[2];
static atomic_bool over; /* the demo */

/* The boards hang in the demo's room, which is there before its controller, or never. Nothing is
 * asserted here: that is for the main thread. */
static void *hang_up(void *unused)
{
    char pattern[400], line[500];
    glob_t room;
    snprintf(pattern, sizeof pattern, "%s/mirador-*/room.sock", demo_place());
    while (!atomic_load(&over)) {
        if (glob(pattern, GLOB_NOSORT, NULL, &room) == 0) {
            for (int i = 0; i < 2; i++) {
                snprintf(line, sizeof line, "room ris%d ipc://%s", i + 1, room.gl_pathv[0]);
                emulated_tell(&board[i], line, NULL);
            }
            globfree(&room);
            break;
        }
        usleep(5000);
    }
    return unused;
}

static void run_on_boards(struct demo_run *run, const char *args)
{
    char command[1600];
    pthread_t hanger;
    emulated_start(&board[0], "opensource", demo_place(), "ris1", BAUD);
    emulated_start(&board[1], "opensource", demo_place(), "ris2", BAUD);
    snprintf(command, sizeof command,
             "--scene empty --speed 0 --seed 9 --set bs.identity.mode=steering"
             " --set 'ris.boards[0].driver=opensource' --set 'ris.boards[0].port=%s'"
             " --set 'ris.boards[1].driver=opensource' --set 'ris.boards[1].port=%s' %s",
             board[0].port, board[1].port, args);
    atomic_store(&over, false);
    assert_int_equal(pthread_create(&hanger, NULL, hang_up, NULL), 0);
    demo_run(run, command);
    atomic_store(&over, true);
    pthread_join(hanger, NULL);
    for (int i = 0; i < 2; i++) {
        emulated_stop(&board[i]);
        unlink(board[i].link);
    }
    if (run->exit_code != 0)
        fail_msg("exit code %d: %s", run->exit_code, run->stderr_text);
}

static size_t marked_by_a_surface(const struct demo_run *run)
{
    size_t n = 0, i, k;
    json_t *cycle, *fault;
    json_array_foreach(run->cycles, i, cycle)
        json_array_foreach(json_object_get(cycle, "faults"), k, fault) n +=
        strncmp(json_string_value(fault), "ris_", 4) == 0;
    return n;
}

static void located(const struct demo_run *run, size_t least, double p50_m)
{
    print_message("%zu cycles, %zu marked by a surface; %zu positions, p50 %.3f, p90 %.3f m; %.0f "
                  "of %.0f misidentified\n",
                  json_array_size(run->cycles), marked_by_a_surface(run), run->n_fix,
                  demo_error_percentile(run, 50), demo_error_percentile(run, 90),
                  demo_summary(run, "misidentified"), demo_summary(run, "steered"));
    assert_int_equal(marked_by_a_surface(run), 0);
    assert_true(run->n_fix >= least);
    assert_true(demo_error_percentile(run, 50) < p50_m);
    assert_true(demo_summary(run, "steered") >= (double)least);
    assert_true(demo_summary(run, "misidentified") == 0);
}

static void surfaces_that_stand_still_locate(void **state)
{
    (void)state;
    struct demo_run run;
    run_on_boards(&run, "--seconds 10 --ris static --set 'bs.ris.boards[0].switch_s=6e-3'"
                        " --set 'bs.ris.boards[1].switch_s=6e-3'");
    located(&run, 25, 0.25);
    demo_run_free(&run);
}

static void beams_follow_between_the_cycles(void **state)
{
    (void)state;
    struct demo_run run;
    size_t switches = 0;
    run_on_boards(&run, "--seconds 16 --ris tracked --set bs.ris.beams_side=2"
                        " --set 'room.users[0].enter_s=8'"
                        " --set 'bs.ris.boards[0].switch_s=6e-3'"
                        " --set 'bs.ris.boards[1].switch_s=6e-3'");
    located(&run, 15, 0.25);
    for (size_t i = 1; i < run.n_fix; i++)
        for (size_t b = 0; b < 2; b++)
            switches += run.fix[i].profile[b] != run.fix[i - 1].profile[b];
    print_message("%zu switches of a beam\n", switches);
    assert_true(switches >= 1);
    demo_run_free(&run);
}

/* miradord ends at once, told by the controller alone; nothing says how long the boards take. */
static void refused(const char *args, const char *says)
{
    struct demo_run run;
    char command[1600];
    emulated_start(&board[0], "opensource", demo_place(), "ris1", BAUD);
    snprintf(command, sizeof command,
             "--scene empty --speed 0 --seconds 2 --set 'ris.boards[0].driver=opensource'"
             " --set 'ris.boards[0].port=%s' %s",
             board[0].port, args);
    demo_run(&run, command);
    emulated_stop(&board[0]);
    unlink(board[0].link);
    assert_int_not_equal(run.exit_code, 0);
    if (strstr(run.stderr_text, says) == NULL)
        fail_msg("'%s' does not say '%s'", run.stderr_text, says);
    demo_run_free(&run);
}

static void what_needs_a_trigger_is_refused(void **state)
{
    (void)state;
    refused("", "board ris1 has no trigger input: it cannot step through a code; use "
                "identity.mode: steering");
    refused("--set bs.identity.mode=steering --set bs.pixels.every=1",
            "board ris1 has no trigger input: it cannot step through pilots; set pixels.every: 0");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(surfaces_that_stand_still_locate),
        cmocka_unit_test(what_needs_a_trigger_is_refused),
        cmocka_unit_test(beams_follow_between_the_cycles),
    };
    return cmocka_run_group_tests(tests, demo_place_make, demo_place_remove);
}
