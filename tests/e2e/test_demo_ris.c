/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What the surfaces can show: a static profile from measured states, and beams that follow the
 * tracked user, each with its own background. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/e2e/demo_run.h"

/* Amplitude and phase of both states of a board that is far from ideal. */
#define STATES "[0.57, 2.9, 0.83, 0.6]"

static void run_well(struct demo_run *run, const char *args)
{
    demo_run(run, args);
    if (run->exit_code != 0)
        fail_msg("exit code %d: %s", run->exit_code, run->stderr_text);
    print_message("%zu fixes, p50 %.3f, p90 %.3f m\n", run->n_fix, demo_error_percentile(run, 50),
                  demo_error_percentile(run, 90));
}

static void static_profiles_of_real_boards_locate(void **state)
{
    (void)state;
    struct demo_run run;
    run_well(&run, "--seconds 10 --speed 0 --seed 9 --ris static"
                   " --set 'room.ris[0].states=" STATES "' --set 'room.ris[1].states=" STATES "'");
    assert_true(run.n_fix >= 25);
    assert_true(demo_error_percentile(&run, 50) < 0.35);
    demo_run_free(&run);
}

static void beams_follow_the_user(void **state)
{
    (void)state;
    struct demo_run run;
    size_t beams = 0, switches = 0;
    run_well(&run, "--seconds 30 --speed 0 --seed 9 --ris tracked");
    assert_true(run.n_fix >= 50);
    assert_true(demo_error_percentile(&run, 50) < 0.20);
    assert_true(demo_error_percentile(&run, 90) < 0.35);
    for (size_t i = 0; i < run.n_fix; i++)
        for (size_t b = 0; b < 2; b++) {
            beams += run.fix[i].profile[b] > 0;
            switches += i > 0 && run.fix[i].profile[b] != run.fix[i - 1].profile[b];
        }
    print_message("%zu of %zu on a beam, %zu switches\n", beams, 2 * run.n_fix, switches);
    assert_int_equal(run.fix[0].profile[0], 0); /* nobody is tracked yet */
    assert_true(beams > 2 * run.n_fix * 9 / 10);
    assert_true(switches >= 4 && switches < run.n_fix);
    demo_run_free(&run);
}

static size_t on_a_beam(const char *hysteresis_db)
{
    struct demo_run run;
    char args[200];
    size_t beams = 0;
    snprintf(args, sizeof args,
             "--seconds 13 --speed 0 --seed 9 --users 2 --ris tracked --set bs.ris.beams_side=2"
             " --set 'room.users[0].enter_s=8'"
             " --set bs.ris.hysteresis_db=%s",
             hysteresis_db);
    run_well(&run, args);
    assert_true(run.n_fix >= 10);
    for (size_t i = 0; i < run.n_fix; i++)
        beams += (run.fix[i].profile[0] > 0) + (run.fix[i].profile[1] > 0);
    print_message("hysteresis %s dB: %zu of %zu on a beam\n", hysteresis_db, beams, 2 * run.n_fix);
    demo_run_free(&run);
    return beams;
}

/* A beam that is better, but not by so much, is not taken; of each of two users. */
static void beams_need_their_hysteresis(void **state)
{
    (void)state;
    assert_true(on_a_beam("1") > 10);
    assert_int_equal(on_a_beam("30"), 0);
}

#define PATIENCE 300 /* looks */

static bool asked(const char *words, const char *socket, char *said, size_t size)
{
    char command[700];
    snprintf(command, sizeof command,
             MIRADOR_BIN_DIR "/mirador %s --endpoint ipc://%s/%s/%s --json 2>/dev/null", words,
             demo_place(), demo_folder(), socket);
    FILE *f = popen(command, "r");
    assert_non_null(f);
    said[fread(said, 1, size - 1, f)] = 0;
    return pclose(f) == 0;
}

static void ordered(const char *words)
{
    char said[4096];
    if (!asked(words, "control.sock", said, sizeof said))
        fail_msg("%s: %s", words, said);
}

/* Of what a board shows now, or of a slot of it; the base is in slot 0. */
static bool hash_of(const char *board, const char *slot, char hash[17])
{
    char words[100], said[8192];
    snprintf(words, sizeof words, "ris show --board %s %s", board, slot);
    if (!asked(words, "ris.sock", said, sizeof said))
        return false;
    json_t *o = json_loads(said, 0, NULL);
    const char *found = json_string_value(json_object_get(o, "hash"));
    if (found)
        snprintf(hash, 17, "%s", found);
    json_decref(o);
    return found != NULL;
}

enum rest { NO_ANSWER, ON_A_BEAM, AT_REST };

/* At rest both surfaces show their base. */
static enum rest surfaces(void)
{
    static const char *const boards[] = {"ris1", "ris2"};
    char base[17], now[17];
    enum rest rest = AT_REST;
    for (size_t i = 0; i < 2; i++) {
        if (!hash_of(boards[i], "--slot 0", base) || !hash_of(boards[i], "", now))
            return NO_ANSWER;
        if (strcmp(base, now) != 0)
            rest = ON_A_BEAM;
    }
    return rest;
}

/* The capture of the empty room shows every profile. */
static bool is_located(void)
{
    char said[32768];
    if (!asked("status", "control.sock", said, sizeof said))
        return false;
    json_t *o = json_loads(said, 0, NULL);
    const bool located = json_integer_value(json_object_get(o, "fixes")) > 5;
    json_decref(o);
    return located;
}

/* The last cycle before the pause may have been one without an answer, which shows the base. */
static void pause_on_a_beam(void)
{
    for (int i = 0; i < PATIENCE; i++, usleep(100000)) {
        if (!is_located())
            continue;
        ordered("set pause 600");
        usleep(1500000); /* no cycle is under way any more */
        if (surfaces() == ON_A_BEAM)
            return;
        ordered("set pause 0");
    }
    fail_msg("no beam");
}

/* No cycle comes that would show something else, and a beam says where its user was. */
static void surfaces_rest_when_their_user_is_forgotten(void **state)
{
    (void)state;
    int status;
    const pid_t demo = demo_start("--seconds 6000 --speed 2 --seed 9 --ris tracked");
    for (int i = 0; i < PATIENCE && demo_process("mirador-ue") == 0; i++)
        usleep(100000);
    pause_on_a_beam();
    ordered("users permit 1 no");
    for (int i = 0; i < PATIENCE && surfaces() != AT_REST; i++)
        usleep(100000);
    assert_int_equal(surfaces(), AT_REST);
    kill(demo, SIGTERM);
    waitpid(demo, &status, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(static_profiles_of_real_boards_locate),
        cmocka_unit_test(beams_follow_the_user),
        cmocka_unit_test(beams_need_their_hysteresis),
        cmocka_unit_test(surfaces_rest_when_their_user_is_forgotten),
    };
    return cmocka_run_group_tests(tests, demo_place_make, demo_place_remove);
}
