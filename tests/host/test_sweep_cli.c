/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * `mirador sweep` from outside: two ranks under mpirun against one, killed half-way, bad input. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>
#include <jansson.h>

#include "tests/host/cli_rig.h"

static int setup(void **state)
{
    setenv("OMPI_ALLOW_RUN_AS_ROOT", "1", 1); /* mpirun wants to be asked twice */
    setenv("OMPI_ALLOW_RUN_AS_ROOT_CONFIRM", "1", 1);
    if (make_folder(state))
        return -1;
    write_file("small.yaml", "methods: [joint, l1, agnostic]\ntrials: 40\n"
                             "scenario: [ris.columns=8, ris.rows=7, failures.count=2]\n"
                             "axes:\n  - {keys: [pilots.snr_db], values: [10, 30]}\n"
                             "  - {keys: [pilots.count], values: [14, 20]}\n"
                             "figures:\n  - {name: rmse, log_y: yes, curves: [joint_error_m_rms "
                             "joint, crb_knownloc_m_rms bound]}\n");
    return shell("mkdir one two three && " MIRADOR
                 " sweep small.yaml -o one --trials --json -j 1 2>&1");
}

static json_int_t answer(const char *key)
{
    const char *line = strstr(out, "{\"csv\"");
    json_t *json = line ? json_loads(line, JSON_DISABLE_EOF_CHECK, NULL) : NULL;
    if (!json)
        fail_msg("no answer: %s", out);
    json_int_t value = json_integer_value(json_object_get(json, key));
    json_decref(json);
    return value;
}

static void ranks_change_no_bit(void **state)
{
    (void)state;
    for (int ranks = 1; ranks <= 3; ranks++) {
        const char *to = ranks < 3 ? "two" : "three";
        int code = shell("mpirun --oversubscribe -n %d " MIRADOR
                         " sweep small.yaml -o %s --trials --json -j %d 2>&1",
                         ranks, to, ranks < 3 ? 1 : 2);
        if (code != 0)
            fail_msg("%d ranks: code %d: %s", ranks, code, out);
        assert_int_equal(answer("ranks"), ranks);
        assert_int_equal(shell("cmp one/small.csv %s/small.csv && cmp one/small-trials.csv "
                               "%s/small-trials.csv",
                               to, to),
                         0);
    }
}

static void figures_stand_beside_their_numbers(void **state)
{
    (void)state;
    assert_int_equal(shell("head -c 8 one/small-rmse.png | od -An -c | grep -q 'P   N   G' && "
                           "grep -q '</svg>' one/small-rmse.svg && test -s one/small-rmse.gp && "
                           "test $(wc -l <one/small.csv) = 5 && "
                           "test $(wc -l <one/small-trials.csv) = 161 && "
                           "test ! -e one/small.checkpoint"),
                     0);
    assert_int_equal(shell("rm one/small-rmse.png && " MIRADOR " sweep small.yaml -o one --draw && "
                           "test -s one/small-rmse.png"),
                     0);
    assert_int_equal(shell(MIRADOR " sweep small.yaml -o one --draw --set methods=[joint] 2>&1"),
                     2);
    assert_non_null(strstr(out, "columns are those of another experiment"));
}

/* Starts long.yaml with a fresh checkpoint every 50 ms, and ends it by the signal once there is
 * one; what it says goes to "said". Returns the status of waitpid. */
static int ended_by(int number)
{
    char path[200];
    int status = 0;
    pid_t pid = fork();
    if (pid == 0) {
        if (chdir(folder) == 0 && freopen("said", "w", stderr))
            execl(MIRADOR, MIRADOR, "sweep", "long.yaml", "--checkpoint", "0.05", (char *)NULL);
        _exit(127);
    }
    snprintf(path, sizeof path, "%s/long.checkpoint", folder);
    while (access(path, F_OK) != 0) {
        assert_int_equal(waitpid(pid, &status, WNOHANG), 0);
        usleep(500);
    }
    kill(pid, number);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return status;
}

static void goes_on_to_the_same_end(void)
{
    assert_int_equal(
        shell("cp long.checkpoint kept && " MIRADOR " sweep long.yaml --json --trials 2>&1"), 0);
    json_int_t before = answer("resumed");
    if (before <= 0 || before >= 4000)
        fail_msg("%d of 4000 resumed", (int)before);
    assert_int_equal(
        shell("mv long-trials.csv first.csv && " MIRADOR
              " sweep long.yaml --json --trials 2>&1 && cmp first.csv long-trials.csv"),
        0);
    assert_int_equal(answer("resumed"), 0);
}

static void killed_half_way_it_goes_on(void **state)
{
    (void)state;
    write_file("long.yaml", "methods: [joint]\nbounds: no\ntrials: 4000\n"
                            "scenario: [ris.columns=8, ris.rows=7, pilots.count=14, "
                            "failures.count=1]\n");
    int status = ended_by(SIGKILL);
    assert_true(WIFSIGNALED(status));
    goes_on_to_the_same_end();
}

/* Told to stop, it keeps what it has and says how to go on. */
static void stopped_it_goes_on(void **state)
{
    (void)state;
    int status = ended_by(SIGINT);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 1);
    assert_int_equal(shell("grep -q 'the same command goes on' said"), 0);
    goes_on_to_the_same_end();
}

static void bad_input_is_told_in_one_line(void **state)
{
    static const struct {
        const char *args, *words;
    } bad[] = {
        {"sweep", "expected one EXPERIMENT.yaml"},
        {"sweep absent.yaml", "absent.yaml"},
        {"sweep nothing-of-ours", "no experiment 'nothing-of-ours' comes with mirador"},
        {"sweep small.yaml -o absent", "absent: cannot write there"},
        {"sweep small.yaml --jobs 0", "--jobs"},
        {"sweep small.yaml --set trails=3", "trails"},
        {"sweep small.yaml --set methods=[join]", "did you mean 'joint'"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        int code = shell(MIRADOR " %s 2>&1", bad[i].args);
        const char *end = strchr(out, '\n');
        if (code == 0 || !strstr(out, bad[i].words) || !end || end[1])
            fail_msg("%s: code %d: %s", bad[i].args, code, out);
    }
    assert_int_equal(shell("cp kept long.checkpoint && printf x >>long.checkpoint && " MIRADOR
                           " sweep long.yaml 2>&1"),
                     2);
    assert_non_null(strstr(out, "damaged"));
    assert_int_equal(
        shell("cp kept long.checkpoint && " MIRADOR " sweep long.yaml --set seed=9 2>&1"), 2);
    assert_non_null(strstr(out, "another experiment"));
    assert_int_equal(
        shell("mpirun --oversubscribe -n 2 " MIRADOR " sweep small.yaml --set seed=x 2>&1"), 2);
}

/* Everything that comes with mirador is laid out without a fault; one is run. */
static void shipped_experiments_are_sound(void **state)
{
    (void)state;
    assert_int_equal(shell(MIRADOR " sweep --list"), 0);
    assert_non_null(strstr(out, "rmse-snr\n"));
    assert_int_equal(
        shell("for e in $(" MIRADOR " sweep --list); do " MIRADOR
              " sweep $e --set bounds=no --set methods=[] 2>&1 | "
              "grep -q 'nothing to measure\\|no column' || { echo $e; exit 1; }; done"),
        0);
    assert_int_equal(shell(MIRADOR " sweep mask-example 2>&1 && test -s mask-example-error.png"),
                     0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ranks_change_no_bit),
        cmocka_unit_test(figures_stand_beside_their_numbers),
        cmocka_unit_test(killed_half_way_it_goes_on),
        cmocka_unit_test(stopped_it_goes_on),
        cmocka_unit_test(bad_input_is_told_in_one_line),
        cmocka_unit_test(shipped_experiments_are_sound),
    };
    return cmocka_run_group_tests(tests, setup, remove_folder);
}
