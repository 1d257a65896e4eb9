/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/e2e/command_rig.h"

#include <arpa/inet.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/e2e/demo_run.h"

struct command_rig command_rig;

int command_rig_run(const char *options, const char *keys, const char *endpoint, char *text,
                    size_t size)
{
    char command[1200];
    snprintf(command, sizeof command, "timeout %d " MIRADOR_BIN_DIR "/mirador %s %s%s %s 2>&1",
             strncmp(options, "watch", 5) == 0 && !strstr(keys, command_rig.keys) ? 4 : 60, options,
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
    assert_int_equal(command_rig_run(words, "", NULL, hex, 80), 0);
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

json_t *command_rig_status(void)
{
    char text[16384];
    return command_rig_run("status --json", command_rig.keys, command_rig.control, text,
                           sizeof text) == 0
               ? json_loads(text, 0, NULL)
               : NULL;
}

json_t *command_rig_await(const char *key, json_int_t at_least)
{
    for (int i = 0; i < COMMAND_RIG_PATIENCE; i++) {
        json_t *status = command_rig_status();
        if (status && json_integer_value(json_object_get(status, key)) >= at_least)
            return status;
        json_decref(status);
        usleep(100000);
    }
    fail_msg("'%s' of the base station does not reach %lld", key, (long long)at_least);
    return NULL;
}

void command_rig_audited(const char *command, const char *verdict)
{
    static char text[65536];
    char words[300];
    FILE *f = fopen(command_rig.audit, "r");
    assert_non_null(f);
    fseek(f, command_rig.audited, SEEK_SET);
    text[fread(text, 1, sizeof text - 1, f)] = 0;
    command_rig.audited = ftell(f);
    fclose(f);
    snprintf(words, sizeof words, "): {%s}: %s\n", command, verdict);
    const char *at = strstr(text, words), *line = at;
    while (line && line > text && line[-1] != '\n')
        line--;
    if (!line || line[10] != 'T' || !strstr(line, "Z command by key alice (mirador of ") ||
        strstr(line, "Z command by key alice (mirador of ") > at)
        fail_msg("no '%s' of alice's in the audit log: %s", words, text);
}

void command_rig_order(const char *order, const char *command)
{
    char text[16384];
    const int code =
        command_rig_run(order, command_rig.keys, command_rig.control, text, sizeof text);
    if (code != 0)
        fail_msg("mirador %s: exit code %d, %s", order, code, text);
    command_rig_audited(command, "ok");
}

double command_rig_now(const char *key, const char *member)
{
    json_t *status = command_rig_status();
    json_t *value = json_object_get(status, key);
    value = member ? json_object_get(value, member) : value;
    const double x = json_is_number(value) ? json_number_value(value) : -1e9;
    json_decref(status);
    return x;
}

int command_rig_make(void **state)
{
    char args[1600], text[80];
    if (demo_place_make(state))
        return -1;
    make_key("daemon", command_rig.daemon, command_rig.daemon_hex);
    make_key("alice", command_rig.alice, command_rig.alice_hex);
    make_key("stranger", command_rig.stranger, text);
    choose_endpoint(command_rig.control);
    choose_endpoint(command_rig.telemetry);
    snprintf(command_rig.audit, sizeof command_rig.audit, "%s/audit.log", demo_place());
    snprintf(command_rig.keys, sizeof command_rig.keys, "--secret-key %s --server-key %s",
             command_rig.alice, command_rig.daemon_hex);
    snprintf(args, sizeof args,
             "--seconds 0 --speed 1 --seed 2 --ris static --users 2 --link --set "
             "bs.control.remote_endpoint=%s "
             "--set bs.telemetry.remote_endpoint=%s --set bs.audit.file=%s "
             "--set bs.curve.secret_key_file=%s --set 'bs.curve.client_keys=[alice %s]'",
             command_rig.control, command_rig.telemetry, command_rig.audit, command_rig.daemon,
             command_rig.alice_hex);
    command_rig.demo = demo_start(args);
    return 0;
}

int command_rig_remove(void **state)
{
    char command[400];
    if (command_rig.terminal > 0 && kill(command_rig.terminal, SIGKILL) == 0)
        waitpid(command_rig.terminal, NULL, 0);
    if (command_rig.demo > 0 && kill(command_rig.demo, SIGINT) == 0) {
        kill(command_rig.demo, SIGCONT);
        waitpid(command_rig.demo, NULL, 0);
    }
    snprintf(command, sizeof command, "rm -f %s/*.key %s", demo_place(), command_rig.audit);
    return system(command) | demo_place_remove(state);
}
