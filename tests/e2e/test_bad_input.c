/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Every program against bad input and missing neighbours: one line that says what, where and the
 * cure, exit code 2 (what we were given) or 1 (what failed), and nothing left behind. What single
 * modules refuse is tested beside them; here is what a person meets. */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/e2e/demo_run.h"

static char out[16384];

/* Runs a shell line in our folder, both outputs in `out`; its exit code. The programs end by
 * themselves; if not, timeout says 124. */
static int shell(const char *format, ...) __attribute__((format(printf, 1, 2)));
static int shell(const char *format, ...)
{
    char line[1800], command[2400];
    va_list list;
    va_start(list, format);
    vsnprintf(line, sizeof line, format, list);
    va_end(list);
    snprintf(command, sizeof command,
             "cd %s && PATH=" MIRADOR_BIN_DIR ":$PATH MIRADOR_LOG=warn "
             "UHD_MODULE_PATH=" MIRADOR_BIN_DIR "/../modules UHD_LOG_CONSOLE_LEVEL=error; "
             "export PATH MIRADOR_LOG UHD_MODULE_PATH UHD_LOG_CONSOLE_LEVEL; timeout 60 %s 2>&1",
             demo_place(), line);
    FILE *pipe = popen(command, "r");
    assert_non_null(pipe);
    out[fread(out, 1, sizeof out - 1, pipe)] = 0;
    int status = pclose(pipe);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static size_t lines_of(const char *text)
{
    size_t n = 0;
    for (; *text; text++)
        n += *text == '\n';
    return n;
}

struct refusal {
    const char *command;
    int code;
    const char *says, *cure; /* both in the one line */
};

static void assert_refused(const struct refusal *r)
{
    int code = shell("%s", r->command);
    if (code != r->code || lines_of(out) != 1 || !strstr(out, r->says) || !strstr(out, r->cure))
        fail_msg("%s: exit code %d, expected %d and one line with '%s' and '%s', got: %s",
                 r->command, code, r->code, r->says, r->cure, out);
}

#define ASSERT_REFUSED(list)                                                                       \
    for (size_t i_ = 0; i_ < sizeof(list) / sizeof *(list); i_++)                                  \
    assert_refused(&(list)[i_])

/* A configuration of ours with one line changed, as `name` in our folder. */
static void edit(const char *config, const char *from, const char *to, const char *name)
{
    int code =
        shell("sed 's|%s|%s|' " MIRADOR_SOURCE_DIR "/config/%s > %s", from, to, config, name);
    assert_int_equal(code, 0);
    assert_int_not_equal(shell("cmp -s " MIRADOR_SOURCE_DIR "/config/%s %s", config, name), 0);
}

struct blame {
    const char *command;   /* with one FILE.yaml */
    const char *line_says; /* the line that the message points to */
    const char *says, *cure;
};

static void assert_blamed(const struct blame *b)
{
    const struct refusal refusal = {b->command, 2, b->says, b->cure};
    char file[64];
    unsigned line = 0, column = 0;
    assert_refused(&refusal);
    const char *end = strstr(b->command, ".yaml"), *from = end;
    while (from > b->command && from[-1] != ' ' && from[-1] != '/')
        from--;
    snprintf(file, sizeof file, "%.*s", (int)(end + 5 - from), from);
    const char *at = strstr(out, file);
    if (!at || sscanf(at + strlen(file), ":%u:%u: ", &line, &column) != 2)
        fail_msg("%s: names no line of %s: %s", b->command, file, out);
    assert_int_equal(shell("sed -n %up %s", line, file), 0);
    if (!strstr(out, b->line_says))
        fail_msg("%s: points to line %u of %s, '%s'", b->command, line, file, out);
}

/* --- the command line of all --- */

static void every_program_explains_bad_usage(void **state)
{
    (void)state;
    static const char *const programs[] = {"miradord", "mirador-ue", "mirador-ris", "mirador-room"};
    for (size_t i = 0; i < sizeof programs / sizeof *programs; i++) {
        char line[6][100];
        const char *p = programs[i];
        snprintf(line[0], sizeof line[0], "%s --confg x", p);
        snprintf(line[1], sizeof line[1], "%s extra", p);
        snprintf(line[2], sizeof line[2], "%s --config", p);
        snprintf(line[3], sizeof line[3], "%s --config nowhere.yaml", p);
        snprintf(line[4], sizeof line[4], "%s --set nonsense", p);
        snprintf(line[5], sizeof line[5], "%s --ready-fd x", p);
        const struct refusal cases[] = {
            {line[0], 2, "unknown option '--confg'", "did you mean '--config'?"},
            {line[1], 2, "unexpected argument 'extra'", "--help"},
            {line[2], 2, "option '--config' needs a value", "--help"},
            {line[3], 2, "nowhere.yaml: cannot read: No such file", "check the path"},
            {line[4], 2, "--set nonsense: expected KEY=VALUE", "as in"},
            {line[5], 2, "--ready-fd needs the number", "--help"},
        };
        ASSERT_REFUSED(cases);
        assert_int_equal(shell("%s --help", p), 0);
        assert_non_null(strstr(out, "Exit codes"));
    }
}

static void bad_seeds_speeds_and_names(void **state)
{
    (void)state;
    static const struct refusal cases[] = {
        {"mirador demo --seed -1", 2, "--seed needs a whole number", "--help"},
        {"mirador demo --seed 18446744073709551616", 2, "--seed needs", "--help"},
        {"mirador demo --speed -1", 2, "--speed needs a number from 0 to 1000", "--help"},
        {"mirador demo --speed nan", 2, "--speed needs a number from 0 to 1000", "--help"},
        {"mirador demo --seconds 1e9", 2, "--seconds needs a number from 0", "--help"},
        {"mirador demo --scene lba", 2, "we have no 'lba'", "did you mean 'lab'?"},
        {"mirador-room --scene lba", 2, "we have no 'lba'", "did you mean 'lab'?"},
        {"mirador-room --seed 1.5", 2, "--seed needs a whole number, not '1.5'", "--help"},
        {"mirador-room --speed 1001", 2, "--speed needs a number from 0 to 1000", "--help"},
        {"mirador-room --name '' --gate bs", 2, "--name is empty", "by its name"},
        {"mirador-room --name a/b --gate bs", 2, "room name", "without '/'"},
        {"mirador-room --state /nowhere/at/all", 1, "/nowhere/at/all", "the folder exists"},
        {"mirador stauts", 2, "unknown subcommand 'stauts'", "did you mean 'status'?"},
    };
    ASSERT_REFUSED(cases);
}

/* --- configurations --- */

static void configurations_are_refused_by_file_and_line(void **state)
{
    (void)state;
    edit("bs-lab.yaml", "rx_gain_db: 10", "rx_gian_db: 10", "key.yaml");
    edit("bs-lab.yaml", "carrier_hz: 5.8e9", "carrier_hz: loud", "type.yaml");
    edit("bs-lab.yaml", "rx_gain_db: 10", "rx_gain_db: 1000", "range.yaml");
    edit("bs-lab.yaml", "position_m: .1, 6, 1.7.", "position_m: [3.75, 1.0, 1.7]", "line.yaml");
    edit("bs-lab.yaml", "tx_m: ..0.5", "tx_m: [[9.5", "outside.yaml");
    edit("bs-lab.yaml", "name: ris2", "name: ris1", "twice.yaml");
    edit("bs-lab.yaml", "k: 811", "k: 810", "even.yaml");
    edit("ue-lab.yaml", "response_delay_s: 0.02", "response_delay_s: 0.005", "delay.yaml");
    edit("ue-lab.yaml", "id: 1001", "id: 1048576", "id.yaml");
    edit("ris-lab.yaml", "name: ris2", "name: ris1", "board.yaml");
    edit("ris-lab.yaml", "columns: 16", "columns: many", "columns.yaml");
    edit("scenes/lab.yaml", "carrier_hz: 5.8e9", "carrier_hz: -1", "scene.yaml");
    static const struct blame cases[] = {
        {"miradord --config key.yaml", "rx_gian_db", "unknown key 'radio.rx_gian_db'",
         "did you mean 'radio.rx_gain_db'?"},
        {"miradord --config type.yaml", "loud", "'radio.carrier_hz'", "number in Hz"},
        {"miradord --config range.yaml", "1000", "= 1000 is out of range", "must be -30..120 dB"},
        {"miradord --config line.yaml", "boards:", "nearly collinear", "move a RIS"},
        {"miradord --config line.yaml --check-config", "boards:", "collinear", "move a RIS"},
        {"miradord --config outside.yaml", "geometry:", "TX at (9.50", "correct its position"},
        {"miradord --config twice.yaml", "name: ris1", "two boards", "rename one"},
        {"miradord --config even.yaml", "waveform:", "K is 810", "must be odd"},
        {"mirador-ue --config delay.yaml", "response_delay_s: 0.005", "no time", "raise it"},
        {"mirador-ue --config delay.yaml --check-config", "0.005", "no time", "raise it"},
        {"mirador-ue --config id.yaml", "1048576", "'user.id' = 1048576", "0..1048575"},
        {"mirador-ris --config board.yaml", "name: ris1", "boards[1].name 'ris1'", "rename"},
        {"mirador-ris --config board.yaml --check-config", "name: ris1", "boards[1]", "rename"},
        {"mirador-ris --config columns.yaml", "many", "'boards[0].columns'", "whole number"},
        {"mirador-room --scene ./scene.yaml", "-1", "out of range", "must be"},
        {"mirador demo --scene ./scene.yaml", "-1", "out of range", "must be"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_blamed(&cases[i]);
}

static void mirror_symmetric_surfaces_are_a_warning(void **state)
{
    (void)state;
    edit("bs-lab.yaml", "position_m: .7, 1.5, 1.9.", "position_m: [6, 1, 1.9]", "mirror.yaml");
    assert_int_equal(shell("miradord --config mirror.yaml --check-config"), 0);
    assert_int_equal(lines_of(out), 1);
    assert_non_null(strstr(out, "mirror.yaml:"));
    assert_non_null(strstr(out, "the RISs stand mirror-symmetric"));
    assert_non_null(strstr(out, "move one of them by half a metre"));
    assert_int_equal(shell("miradord --check-config"), 0);
    assert_string_equal(out, "");
}

/* --- neighbours --- */

#define BS                                                                                         \
    "miradord --set users[0].key_file=u.key --set run.state_dir=bs --set ris.endpoint=ipc://r.s "  \
    "--set telemetry.endpoint=ipc://t.s --set control.endpoint=ipc://c.s "
#define UE "mirador-ue --set user.key_file=u.key --set run.state_dir=ue --set control.endpoint='' "

/* Starts a program that serves until it is told to end. */
static pid_t served;

static pid_t serve(const char *line)
{
    char command[900];
    snprintf(command, sizeof command,
             "cd %s && exec " MIRADOR_BIN_DIR "/%s --ready-fd 3 3>ready >served 2>&1", demo_place(),
             line);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        execl("/bin/sh", "sh", "-c", command, (char *)NULL);
        _exit(127);
    }
    for (int i = 0; i < 600 && shell("test -s ready") != 0; i++)
        nanosleep(&(struct timespec){0, 50000000}, NULL);
    served = pid;
    assert_int_equal(shell("rm ready"), 0);
    return pid;
}

static void dismiss(pid_t pid)
{
    int status;
    served = 0;
    kill(pid, SIGTERM);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(WIFEXITED(status) ? WEXITSTATUS(status) : -1, 0);
}

static void missing_neighbours_and_devices_are_named(void **state)
{
    (void)state;
    assert_int_equal(shell("mirador keys user add 1001 --out u.key"), 0);
    static const struct refusal cases[] = {
        {"miradord --set users[0].key_file=no.key", 2, "no.key: No such file", "mirador keys"},
        {"mirador-ue --set user.key_file=no.key", 2, "no.key: No such file", "mirador keys"},
        {BS, 1, "RIS controller at ipc://r.s does not answer", "start mirador-ris"},
        {UE "--set telemetry.endpoint=''", 1, "no radio answers", "start mirador-room"},
        {UE "--set radio.args=type=b200 --set radio.tx_enable=yes --set telemetry.endpoint=''", 1,
         "no radio answers to args 'type=b200'", "check power, cable"},
        {"mirador status --endpoint ipc://none.s", 1, "no answer", "is miradord running"},
        {"mirador ue status --endpoint ipc://none.s", 1, "no answer", "is mirador-ue running"},
        {"mirador-ue --set control.endpoint=tcp://*:5 --check-config", 2,
         "control.endpoint 'tcp:", "stays on this machine: ipc://"},
    };
    ASSERT_REFUSED(cases);
}

static void occupied_endpoints_and_absent_boards(void **state)
{
    (void)state;
    pid_t ris = serve("mirador-ris --set endpoint=ipc://r.s --set boards[1].name=other");
    static const struct refusal cases[] = {
        {"mirador-ris --set endpoint=ipc://r.s", 1, "ipc://r.s", "in use"},
        {"miradord --set users[0].key_file=u.key --set run.state_dir=bs "
         "--set telemetry.endpoint=ipc://r.s",
         1, "ipc://r.s", "in use"},
        {"miradord --set users[0].key_file=u.key --set run.state_dir=bs "
         "--set telemetry.endpoint=ipc://t.s --set control.endpoint=ipc://r.s",
         1, "ipc://r.s", "in use"},
        {UE "--set telemetry.endpoint=ipc://r.s", 1, "ipc://r.s", "in use"},
        {"mirador-room --gate bs --name e2e-busy --room-endpoint ipc://r.s --truth-endpoint "
         "ipc://y.s",
         1, "ipc://r.s", "in use"},
        {"miradord --set users[0].key_file=u.key --set run.state_dir=bs --set telemetry.endpoint="
         "tcp://0.0.0.0:5999",
         2, "reaches beyond this machine", "configure a secret key"},
        {BS, 1, "board ris2: unknown", "did you mean"},
    };
    ASSERT_REFUSED(cases);
    dismiss(ris);
    ris = serve("mirador-ris --set endpoint=ipc://r.s");
    static const struct refusal no_room[] = {
        {BS "--set radio.args=type=room,room=e2e-none,role=bs", 1, "no radio answers",
         "start mirador-room"},
    };
    ASSERT_REFUSED(no_room);
    dismiss(ris);
}

static int clean_up(void **state)
{
    if (served > 0) { /* after a failed test */
        kill(served, SIGKILL);
        waitpid(served, NULL, 0);
    }
    shell("rm -rf *.yaml *.key *.s bs ue ready served");
    return demo_processes_alive() > 0 ? -1 : demo_place_remove(state);
}

static int begin(void **state)
{
    (void)demo_processes_alive(); /* sets the mark that children carry */
    return demo_place_make(state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_program_explains_bad_usage),
        cmocka_unit_test(bad_seeds_speeds_and_names),
        cmocka_unit_test(configurations_are_refused_by_file_and_line),
        cmocka_unit_test(mirror_symmetric_surfaces_are_a_warning),
        cmocka_unit_test(missing_neighbours_and_devices_are_named),
        cmocka_unit_test(occupied_endpoints_and_absent_boards),
    };
    return cmocka_run_group_tests(tests, begin, clean_up);
}
