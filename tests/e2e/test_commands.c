/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Every command that a running base station takes, sent by the command line over CURVE as from
 * another machine: carried out, and in the audit log under the name of the key. Who has no key, a
 * wrong one, or takes us for another server gets nowhere and is counted. And those that a terminal
 * takes: a user withdraws and gives permission while another is served on. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/e2e/command_rig.h"
#include "tests/e2e/demo_run.h"

/* The room's time goes no faster than the clock and waits for the base station; but two users take
 * turns, and not every cycle gives a position. */
static void await_watched(const char *order, const char *words)
{
    static char text[1 << 20];
    for (int i = 0; i < COMMAND_RIG_PATIENCE / 10; i++) {
        assert_int_equal(
            command_rig_run(order, command_rig.keys, command_rig.telemetry, text, sizeof text), 0);
        if (strstr(text, words))
            return;
    }
    fail_msg("'mirador %s' never says '%s', last: %s", order, words, text);
}

static void positions_arrive_over_curve(void **state)
{
    (void)state;
    json_decref(command_rig_await("fixes", 3));
    await_watched("watch --cycles 3", "user 1 at ");
    await_watched("watch --cycles 3 --json", "\"position_m\"");
}

/* Without a word but these, and counted; on a busy machine its time may be over before it has
 * knocked. */
static void assert_shut_out(const char *order, const char *keys, const char *endpoint, int code)
{
    char text[16384];
    const double counted = command_rig_now("clients_refused", NULL);
    assert_true(counted >= 0);
    for (int i = 0; i < 20; i++) {
        assert_int_equal(command_rig_run(order, keys, endpoint, text, sizeof text), code);
        assert_true(code == 124 || strstr(text, "no answer"));
        assert_null(strstr(text, "{"));
        if (command_rig_now("clients_refused", NULL) > counted)
            return;
    }
    fail_msg("mirador %s by somebody else is not counted", order);
}

static void nobody_else_gets_in(void **state)
{
    (void)state;
    char stranger[500], fooled[500];
    snprintf(stranger, sizeof stranger, "--secret-key %s --server-key %s", command_rig.stranger,
             command_rig.daemon_hex);
    snprintf(fooled, sizeof fooled, "--secret-key %s --server-key %s", command_rig.alice,
             command_rig.alice_hex);
    const char *const others[] = {stranger, "", fooled}; /* unknown, none, another server's */
    for (size_t i = 0; i < 3; i++)
        assert_shut_out("status", others[i], command_rig.control, 1);
    assert_shut_out("watch --cycles 1 --json", stranger, command_rig.telemetry, 124);
    assert_true(command_rig_now("responses", NULL) > 0);
}

static void the_radio_and_the_cycle(void **state)
{
    (void)state;
    command_rig_order("set gain --rx 9", "\"cmd\":\"gain\",\"rx_db\":9.0");
    assert_true(command_rig_now("setting", "rx_gain_db") == 9);
    command_rig_order("set gain --rx 10", "\"cmd\":\"gain\",\"rx_db\":10.0");
    command_rig_order("set frequency 5.81e9", "\"cmd\":\"frequency\",\"carrier_hz\":5810000000.0");
    assert_true(command_rig_now("setting", "carrier_hz") == 5.81e9);
    command_rig_order("set frequency 5.8e9", "\"cmd\":\"frequency\",\"carrier_hz\":5800000000.0");
    command_rig_order("set period 0.4", "\"cmd\":\"period\",\"period_s\":0.4");
    assert_true(command_rig_now("period_s", NULL) == 0.4);
    command_rig_order("set period 0.2", "\"cmd\":\"period\",\"period_s\":0.2");
    command_rig_order("set identity steering", "\"cmd\":\"identity\",\"mode\":\"steering\"");
    json_t *status = command_rig_status();
    assert_string_equal(json_string_value(json_object_get(status, "identity")), "steering");
    json_decref(status);
    command_rig_order("set identity coded", "\"cmd\":\"identity\",\"mode\":\"coded\"");
    command_rig_order("set profile ris1 0", "\"cmd\":\"hold\",\"surface\":\"ris1\",\"profile\":0");
    command_rig_order("set profile ris1 auto",
                      "\"cmd\":\"hold\",\"surface\":\"ris1\",\"profile\":null");
    command_rig_order("set pause 0", "\"cmd\":\"pause\",\"seconds\":0.0");
}

static void calibrations_and_recordings(void **state)
{
    (void)state;
    char text[400]; /* begun, and given up, as the room is not empty */
    assert_int_equal(command_rig_run("calib background -n 4", command_rig.keys, command_rig.control,
                                     text, sizeof text),
                     1);
    assert_non_null(strstr(text, "somebody answered"));
    command_rig_audited("\"cmd\":\"calib\",\"kind\":\"background\",\"cycles\":4", "ok");
    command_rig_order("calib delay -n 5", "\"cmd\":\"calib\",\"kind\":\"delay\",\"cycles\":5");
    command_rig_order("record start --name monday",
                      "\"cmd\":\"record\",\"do\":\"start\",\"name\":\"monday\"");
    command_rig_order("record mark door", "\"cmd\":\"record\",\"do\":\"mark\",\"text\":\"door\"");
    command_rig_order("record stop", "\"cmd\":\"record\",\"do\":\"stop\"");
}

static void users(void **state)
{
    (void)state;
    char text[400], words[700];
    snprintf(words, sizeof words, "keys user add 3 --out %s/%s/user-3.key", demo_place(),
             demo_folder());
    assert_int_equal(command_rig_run(words, "", NULL, text, sizeof text), 0);
    command_rig_order("users add 3 --rate 1",
                      "\"cmd\":\"users\",\"do\":\"add\",\"rate_hz\":1.0,\"user\":3");
    command_rig_order("users set 3 --priority 3",
                      "\"cmd\":\"users\",\"do\":\"set\",\"priority\":3,\"user\":3");
    command_rig_order("users permit 3 no", "\"cmd\":\"permit\",\"allow\":false,\"user\":3");
    assert_int_equal(
        command_rig_run("users list", command_rig.keys, command_rig.control, text, sizeof text), 0);
    assert_non_null(strstr(text, "withheld"));
    command_rig_order("users remove 3", "\"cmd\":\"users\",\"do\":\"remove\",\"user\":3");
    assert_int_equal(
        command_rig_run("users list", command_rig.keys, command_rig.control, text, sizeof text), 0);
    assert_null(strstr(text, "withheld"));
}

/* --- the user's own permission ---------------------------------------------------------------- */

struct counted {
    double asked, permitted, fixes, slots;
};

static const json_t *of_user(const json_t *list, int id)
{
    size_t i;
    json_t *user;
    json_array_foreach(list, i, user)
    {
        if (json_integer_value(json_object_get(user, "id")) == id)
            return user;
    }
    fail_msg("the base station does not tell of user %d", id);
    return NULL;
}

static struct counted user_now(int id)
{
    json_t *status = command_rig_status();
    const json_t *user = of_user(json_object_get(status, "users"), id),
                 *link = of_user(json_object_get(json_object_get(status, "link"), "users"), id);
    const struct counted c = {json_number_value(json_object_get(user, "asked")),
                              json_number_value(json_object_get(user, "permitted")),
                              json_number_value(json_object_get(user, "fixes")),
                              json_number_value(json_object_get(link, "slots_sent"))};
    json_decref(status);
    return c;
}

/* Figures and beam of a user's link, which say where it is: all there, or nothing of them. */
static void await_link_figures(int id, bool known)
{
    for (int i = 0; i < COMMAND_RIG_PATIENCE; i++) {
        json_t *status = command_rig_status();
        const json_t *link = of_user(json_object_get(json_object_get(status, "link"), "users"), id);
        const json_t *up = json_object_get(json_object_get(link, "figures"), "up");
        const bool snr = json_is_number(json_object_get(up, "snr_db")),
                   speed = json_is_number(json_object_get(link, "speed_mps")),
                   beam = json_object_get(link, "beam_gain_db") != NULL;
        json_decref(status);
        if (known ? snr && speed && beam : !snr && !speed && !beam)
            return;
        usleep(100000);
    }
    fail_msg("figures and beam of user %d are %s", id, known ? "not told" : "told still");
}

/* So many more positions and slots of data of this user than there were. */
static void await_service(int id, struct counted before, double more)
{
    struct counted c = before;
    for (int i = 0; i < COMMAND_RIG_PATIENCE; i++) {
        c = user_now(id);
        if (c.fixes >= before.fixes + more && c.slots >= before.slots + more)
            return;
        usleep(100000);
    }
    fail_msg("user %d: %g positions and %g slots, before %g and %g", id, c.fixes, c.slots,
             before.fixes, before.slots);
}

/* A verb of user 1's terminal; what it is going to answer, and the last cycle that asked. False: no
 * answer, or a refusal, in text. */
static bool ask_terminal(const char *verb, char will[16], long long *cycle, char text[2000])
{
    char words[60], endpoint[400];
    snprintf(words, sizeof words, "ue %s --json", verb);
    snprintf(endpoint, sizeof endpoint, "ipc://%.200s/%.100s/ue-control.sock", demo_place(),
             demo_folder());
    const int code = command_rig_run(words, "", endpoint, text, 2000);
    json_t *o = json_loads(text, 0, NULL);
    const char *answer = json_string_value(json_object_get(o, "answer"));
    const bool answered = code == 0 && answer;
    if (answered) {
        assert_int_equal(json_integer_value(json_object_get(o, "user")), 1);
        snprintf(will, 16, "%s", answer);
        *cycle = json_integer_value(json_object_get(o, "last_cycle"));
    }
    json_decref(o);
    return answered;
}

static void terminal(const char *verb, char will[16], long long *cycle)
{
    char text[2000];
    if (!ask_terminal(verb, will, cycle, text))
        fail_msg("mirador ue %s: %s", verb, text);
}

/* A terminal that has just been started may not answer yet. */
static void await_silence(void)
{
    char will[16] = "", text[2000];
    long long cycle = 0;
    for (int i = 0; i < COMMAND_RIG_PATIENCE && (strcmp(will, "silence") != 0 || cycle == 0); i++) {
        if (command_rig.terminal > 0 && waitpid(command_rig.terminal, NULL, WNOHANG) != 0)
            fail_msg("the terminal that was started again has ended");
        (void)ask_terminal("status", will, &cycle, text);
        usleep(50000);
    }
    assert_string_equal(will, "silence");
}

/* First cycle of the last run of such answers of user 1, by the audit log. */
static long long audited_from(const char *verdict)
{
    static char text[1 << 20];
    char words[80];
    long long cycle = -1, from;
    FILE *f = fopen(command_rig.audit, "r");
    assert_non_null(f);
    text[fread(text, 1, sizeof text - 1, f)] = 0;
    fclose(f);
    snprintf(words, sizeof words, ": %s, observations are discarded", verdict);
    for (const char *at = text; (at = strstr(at, "user 1: from cycle ")); at++)
        if (sscanf(at, "user 1: from cycle %lld", &from) == 1 &&
            strncmp(at + strcspn(at + 8, ":") + 8, words, strlen(words)) == 0)
            cycle = from;
    return cycle;
}

/* Nothing more of user 1 while user 2 gets four more of everything. */
static void assert_only_the_other_is_served(void)
{
    const struct counted before = user_now(1);
    await_service(2, user_now(2), 4);
    const struct counted after = user_now(1);
    assert_true(after.asked >= before.asked + 3);
    assert_true(after.permitted == before.permitted && after.fixes == before.fixes);
    assert_true(after.slots == before.slots);
}

static void a_user_withdraws_and_permits_again(void **state)
{
    (void)state;
    const struct counted nothing = {0};
    char will[16];
    long long cycle, from;
    await_service(1, nothing, 3);
    await_service(2, nothing, 3);
    await_link_figures(1, true);
    await_link_figures(2, true);
    terminal("status", will, &cycle);
    assert_string_equal(will, "yes");
    terminal("withdraw", will, &cycle);
    assert_string_not_equal(will, "yes");
    await_silence();
    await_link_figures(1, false);
    await_link_figures(2, true);
    from = audited_from("no_permit"); /* users take turns: the next of user 1 is two on */
    assert_in_range(from, cycle, cycle + 2);
    assert_only_the_other_is_served();
    assert_true(audited_from("silent") >= from + 2 * 3); /* it said so three times */
    const struct counted before = user_now(1);
    terminal("permit", will, &cycle);
    assert_string_equal(will, "yes");
    await_service(1, before, 3);
    await_link_figures(1, true);
}

static bool has_other_threads(pid_t pid)
{
    char path[60];
    struct stat task;
    snprintf(path, sizeof path, "/proc/%d/task", (int)pid);
    return stat(path, &task) == 0 && task.st_nlink > 3; /* . and .. and the first */
}

/* Until then a killed process holds its sockets; a zombie whose threads are gone, as its parent is
 * held, does not. */
static void await_end(pid_t pid)
{
    char path[60], stat[1024];
    snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    for (int i = 0; i < COMMAND_RIG_PATIENCE; i++) {
        FILE *f = fopen(path, "r");
        stat[f ? fread(stat, 1, sizeof stat - 1, f) : 0] = 0;
        if (f)
            fclose(f);
        const char *state = strrchr(stat, ')');
        if (!state || (strncmp(state, ") Z", 3) == 0 && !has_other_threads(pid)))
            return;
        usleep(100000);
    }
    fail_msg("process %d does not end", (int)pid);
}

/* Killed without a word, and started again by us: the demo, which would end everything, is held. */
static void restart_terminal(void)
{
    static char words[16384], environment[65536], *argv[300], *envp[300];
    char path[60];
    const pid_t old = demo_process("mirador-ue");
    size_t n = 0, m = 0;
    snprintf(path, sizeof path, "/proc/%d/cmdline", (int)old);
    FILE *f = fopen(path, "r");
    const size_t n_words = fread(words, 1, sizeof words - 1, f);
    fclose(f);
    snprintf(path, sizeof path, "/proc/%d/environ", (int)old);
    f = fopen(path, "r");
    const size_t n_environment = fread(environment, 1, sizeof environment - 1, f);
    fclose(f);
    for (char *w = words; w < words + n_words && n < 299; w += strlen(w) + 1)
        if (strcmp(w, "--ready-fd") == 0)
            w += strlen(w) + 1; /* and its number */
        else
            argv[n++] = w;
    for (char *e = environment; e < environment + n_environment && m < 299; e += strlen(e) + 1)
        envp[m++] = e;
    kill(command_rig.demo, SIGSTOP);
    kill(old, SIGKILL);
    await_end(old);
    command_rig.terminal = fork();
    if (command_rig.terminal == 0) {
        execve(MIRADOR_BIN_DIR "/mirador-ue", argv, envp);
        _exit(127);
    }
}

static void a_restarted_terminal_stays_withdrawn(void **state)
{
    (void)state;
    char will[16];
    long long cycle;
    await_service(1, user_now(1), 1);
    terminal("withdraw", will, &cycle);
    await_silence();
    const struct counted before = user_now(1);
    restart_terminal();
    await_silence(); /* asked by now, and said no */
    assert_only_the_other_is_served();
    assert_true(user_now(1).permitted == before.permitted);
    terminal("permit", will, &cycle);
    await_service(1, before, 2);
    kill(command_rig.terminal, SIGTERM);
    assert_int_equal(waitpid(command_rig.terminal, NULL, 0), command_rig.terminal);
    command_rig.terminal = 0;
}

/* The demo ends with its base station. */
static void shutdown_is_the_last(void **state)
{
    (void)state;
    command_rig_order("shutdown", "\"cmd\":\"shutdown\"");
    kill(command_rig.demo, SIGCONT);
    assert_int_equal(waitpid(command_rig.demo, NULL, 0), command_rig.demo);
    command_rig.demo = 0;
    assert_int_equal(demo_processes_alive(), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(positions_arrive_over_curve),
        cmocka_unit_test(nobody_else_gets_in),
        cmocka_unit_test(a_user_withdraws_and_permits_again),
        cmocka_unit_test(the_radio_and_the_cycle),
        cmocka_unit_test(calibrations_and_recordings),
        cmocka_unit_test(users),
        cmocka_unit_test(a_restarted_terminal_stays_withdrawn),
        cmocka_unit_test(shutdown_is_the_last),
    };
    return cmocka_run_group_tests(tests, command_rig_make, command_rig_remove);
}
