/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Every command that a running base station takes, sent by the command line over CURVE as from
 * another machine: carried out, and in the audit log under the name of the key. Who has no key, a
 * wrong one, or takes us for another server gets nowhere and is counted. And those that a terminal
 * takes: a user withdraws and gives permission while another is served on. */
#include <arpa/inet.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/e2e/demo_run.h"

enum { PATIENCE = 1200 }; /* looks, 0.1 s apart */

static struct {
    char control[40], telemetry[40]; /* endpoints */
    char daemon[300];
    char alice[300], stranger[300], daemon_hex[80], alice_hex[80];
    char keys[500]; /* options that let alice in */
    char audit[300];
    long audited;         /* bytes of it that were looked at */
    pid_t demo, terminal; /* that we have started ourselves, 0: none */
} t;

/* stdout into text; the exit code, 124 if it did not end by itself: 4 s for who watches and has no
 * key, as that never ends. */
static int mirador(const char *options, const char *keys, const char *endpoint, char *text,
                   size_t size)
{
    char command[1200];
    snprintf(command, sizeof command, "timeout %d " MIRADOR_BIN_DIR "/mirador %s %s%s %s 2>&1",
             strncmp(options, "watch", 5) == 0 && !strstr(keys, t.keys) ? 4 : 60, options,
             endpoint ? "-e " : "", endpoint ? endpoint : "", keys);
    FILE *out = popen(command, "r");
    assert_non_null(out);
    text[fread(text, 1, size - 1, out)] = 0;
    const int status = pclose(out);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void make_key(const char *name, char file[300], char hex[80])
{
    char words[400];
    snprintf(file, 300, "%s/%s.key", demo_place(), name);
    snprintf(words, sizeof words, "keys socket --out %s", file);
    assert_int_equal(mirador(words, "", NULL, hex, 80), 0);
    hex[strcspn(hex, "\n")] = 0;
}

static void choose_endpoint(char endpoint[40])
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t n = sizeof at;
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&at, n), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&at, &n), 0);
    close(fd);
    snprintf(endpoint, 40, "tcp://127.0.0.1:%d", ntohs(at.sin_port));
}

/* NULL: no answer. */
static json_t *ask_status(void)
{
    char text[16384];
    return mirador("status --json", t.keys, t.control, text, sizeof text) == 0
               ? json_loads(text, 0, NULL)
               : NULL;
}

static json_t *await_status(const char *key, json_int_t at_least)
{
    for (int i = 0; i < PATIENCE; i++) {
        json_t *status = ask_status();
        if (status && json_integer_value(json_object_get(status, key)) >= at_least)
            return status;
        json_decref(status);
        usleep(100000);
    }
    fail_msg("'%s' of the base station does not reach %lld", key, (long long)at_least);
    return NULL;
}

/* What the audit log tells since the last call. */
static void assert_audited(const char *command, const char *verdict)
{
    static char text[65536];
    char words[300];
    FILE *f = fopen(t.audit, "r");
    assert_non_null(f);
    fseek(f, t.audited, SEEK_SET);
    text[fread(text, 1, sizeof text - 1, f)] = 0;
    t.audited = ftell(f);
    fclose(f);
    snprintf(words, sizeof words, "): {%s}: %s\n", command, verdict);
    const char *at = strstr(text, words), *line = at;
    while (line && line > text && line[-1] != '\n')
        line--;
    if (!line || line[10] != 'T' || !strstr(line, "Z command by key alice (mirador of ") ||
        strstr(line, "Z command by key alice (mirador of ") > at)
        fail_msg("no '%s' of alice's in the audit log: %s", words, text);
}

static void ordered(const char *order, const char *command)
{
    char text[16384];
    const int code = mirador(order, t.keys, t.control, text, sizeof text);
    if (code != 0)
        fail_msg("mirador %s: exit code %d, %s", order, code, text);
    assert_audited(command, "ok");
}

/* A member of the status, "setting.rx_gain_db" one further in. */
static double now(const char *key, const char *member)
{
    json_t *status = ask_status();
    json_t *value = json_object_get(status, key);
    value = member ? json_object_get(value, member) : value;
    const double x = json_is_number(value) ? json_number_value(value) : -1e9;
    json_decref(status);
    return x;
}

static int setup(void **state)
{
    char args[1600], text[80];
    if (demo_place_make(state))
        return -1;
    make_key("daemon", t.daemon, t.daemon_hex);
    make_key("alice", t.alice, t.alice_hex);
    make_key("stranger", t.stranger, text);
    choose_endpoint(t.control);
    choose_endpoint(t.telemetry);
    snprintf(t.audit, sizeof t.audit, "%s/audit.log", demo_place());
    snprintf(t.keys, sizeof t.keys, "--secret-key %s --server-key %s", t.alice, t.daemon_hex);
    snprintf(args, sizeof args,
             "--seconds 0 --speed 1 --seed 2 --ris static --users 2 --link --set "
             "bs.control.remote_endpoint=%s "
             "--set bs.telemetry.remote_endpoint=%s --set bs.audit.file=%s "
             "--set bs.curve.secret_key_file=%s --set 'bs.curve.client_keys=[alice %s]'",
             t.control, t.telemetry, t.audit, t.daemon, t.alice_hex);
    t.demo = demo_start(args);
    return 0;
}

static int teardown(void **state)
{
    char command[400];
    if (t.terminal > 0 && kill(t.terminal, SIGKILL) == 0)
        waitpid(t.terminal, NULL, 0);
    if (t.demo > 0 && kill(t.demo, SIGINT) == 0) {
        kill(t.demo, SIGCONT);
        waitpid(t.demo, NULL, 0);
    }
    snprintf(command, sizeof command, "rm -f %s/*.key %s", demo_place(), t.audit);
    return system(command) | demo_place_remove(state);
}

/* The room's time goes no faster than the clock and waits for the base station; but two users take
 * turns, and not every cycle gives a position. */
static void await_watched(const char *order, const char *words)
{
    static char text[1 << 20];
    for (int i = 0; i < PATIENCE / 10; i++) {
        assert_int_equal(mirador(order, t.keys, t.telemetry, text, sizeof text), 0);
        if (strstr(text, words))
            return;
    }
    fail_msg("'mirador %s' never says '%s', last: %s", order, words, text);
}

static void positions_arrive_over_curve(void **state)
{
    (void)state;
    json_decref(await_status("fixes", 3));
    await_watched("watch --cycles 3", "user 1 at ");
    await_watched("watch --cycles 3 --json", "\"position_m\"");
}

/* Without a word but these, and counted; on a busy machine its time may be over before it has
 * knocked. */
static void assert_shut_out(const char *order, const char *keys, const char *endpoint, int code)
{
    char text[16384];
    const double counted = now("clients_refused", NULL);
    assert_true(counted >= 0);
    for (int i = 0; i < 20; i++) {
        assert_int_equal(mirador(order, keys, endpoint, text, sizeof text), code);
        assert_true(code == 124 || strstr(text, "no answer"));
        assert_null(strstr(text, "{"));
        if (now("clients_refused", NULL) > counted)
            return;
    }
    fail_msg("mirador %s by somebody else is not counted", order);
}

static void nobody_else_gets_in(void **state)
{
    (void)state;
    char stranger[500], fooled[500];
    snprintf(stranger, sizeof stranger, "--secret-key %s --server-key %s", t.stranger,
             t.daemon_hex);
    snprintf(fooled, sizeof fooled, "--secret-key %s --server-key %s", t.alice, t.alice_hex);
    const char *const others[] = {stranger, "", fooled}; /* unknown, none, another server's */
    for (size_t i = 0; i < 3; i++)
        assert_shut_out("status", others[i], t.control, 1);
    assert_shut_out("watch --cycles 1 --json", stranger, t.telemetry, 124);
    assert_true(now("responses", NULL) > 0);
}

static void the_radio_and_the_cycle(void **state)
{
    (void)state;
    ordered("set gain --rx 9", "\"cmd\":\"gain\",\"rx_db\":9.0");
    assert_true(now("setting", "rx_gain_db") == 9);
    ordered("set gain --rx 10", "\"cmd\":\"gain\",\"rx_db\":10.0");
    ordered("set frequency 5.81e9", "\"cmd\":\"frequency\",\"carrier_hz\":5810000000.0");
    assert_true(now("setting", "carrier_hz") == 5.81e9);
    ordered("set frequency 5.8e9", "\"cmd\":\"frequency\",\"carrier_hz\":5800000000.0");
    ordered("set period 0.4", "\"cmd\":\"period\",\"period_s\":0.4");
    assert_true(now("period_s", NULL) == 0.4);
    ordered("set period 0.2", "\"cmd\":\"period\",\"period_s\":0.2");
    ordered("set identity steering", "\"cmd\":\"identity\",\"mode\":\"steering\"");
    json_t *status = ask_status();
    assert_string_equal(json_string_value(json_object_get(status, "identity")), "steering");
    json_decref(status);
    ordered("set identity coded", "\"cmd\":\"identity\",\"mode\":\"coded\"");
    ordered("set profile ris1 0", "\"cmd\":\"hold\",\"surface\":\"ris1\",\"profile\":0");
    ordered("set profile ris1 auto", "\"cmd\":\"hold\",\"surface\":\"ris1\",\"profile\":null");
    ordered("set pause 0", "\"cmd\":\"pause\",\"seconds\":0.0");
}

static void calibrations_and_recordings(void **state)
{
    (void)state;
    char text[400]; /* begun, and given up, as the room is not empty */
    assert_int_equal(mirador("calib background -n 4", t.keys, t.control, text, sizeof text), 1);
    assert_non_null(strstr(text, "somebody answered"));
    assert_audited("\"cmd\":\"calib\",\"kind\":\"background\",\"cycles\":4", "ok");
    ordered("calib delay -n 5", "\"cmd\":\"calib\",\"kind\":\"delay\",\"cycles\":5");
    ordered("record start --name monday",
            "\"cmd\":\"record\",\"do\":\"start\",\"name\":\"monday\"");
    ordered("record mark door", "\"cmd\":\"record\",\"do\":\"mark\",\"text\":\"door\"");
    ordered("record stop", "\"cmd\":\"record\",\"do\":\"stop\"");
}

static void users(void **state)
{
    (void)state;
    char text[400], words[700];
    snprintf(words, sizeof words, "keys user add 3 --out %s/%s/user-3.key", demo_place(),
             demo_folder());
    assert_int_equal(mirador(words, "", NULL, text, sizeof text), 0);
    ordered("users add 3 --rate 1", "\"cmd\":\"users\",\"do\":\"add\",\"rate_hz\":1.0,\"user\":3");
    ordered("users set 3 --priority 3",
            "\"cmd\":\"users\",\"do\":\"set\",\"priority\":3,\"user\":3");
    ordered("users permit 3 no", "\"cmd\":\"permit\",\"allow\":false,\"user\":3");
    assert_int_equal(mirador("users list", t.keys, t.control, text, sizeof text), 0);
    assert_non_null(strstr(text, "withheld"));
    ordered("users remove 3", "\"cmd\":\"users\",\"do\":\"remove\",\"user\":3");
    assert_int_equal(mirador("users list", t.keys, t.control, text, sizeof text), 0);
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
    json_t *status = ask_status();
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
    for (int i = 0; i < PATIENCE; i++) {
        json_t *status = ask_status();
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
    for (int i = 0; i < PATIENCE; i++) {
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
    const int code = mirador(words, "", endpoint, text, 2000);
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
    for (int i = 0; i < PATIENCE && (strcmp(will, "silence") != 0 || cycle == 0); i++) {
        if (t.terminal > 0 && waitpid(t.terminal, NULL, WNOHANG) != 0)
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
    FILE *f = fopen(t.audit, "r");
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
    for (int i = 0; i < PATIENCE; i++) {
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
    kill(t.demo, SIGSTOP);
    kill(old, SIGKILL);
    await_end(old);
    t.terminal = fork();
    if (t.terminal == 0) {
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
    kill(t.terminal, SIGTERM);
    assert_int_equal(waitpid(t.terminal, NULL, 0), t.terminal);
    t.terminal = 0;
}

/* The demo ends with its base station. */
static void shutdown_is_the_last(void **state)
{
    (void)state;
    ordered("shutdown", "\"cmd\":\"shutdown\"");
    kill(t.demo, SIGCONT);
    assert_int_equal(waitpid(t.demo, NULL, 0), t.demo);
    t.demo = 0;
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
    return cmocka_run_group_tests(tests, setup, teardown);
}
