/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * kill -9 of the user, the RIS controller, the room and the base station, in turn: the others go
 * on, and starting the dead one again suffices. Cycle numbers never repeat. The demo that started
 * them is held meanwhile, so that nobody ends the rest. */
#include <errno.h>
#include <fcntl.h>
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
#include <zmq.h>

#include <cmocka.h>

#include "tests/e2e/demo_run.h"

enum { PATIENCE_S = 90, FIXES = 3, ARGS = 128 };

static char text[65536];
static void *context, *telemetry;
static long long last_cycle;

static double now_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void pause_ms(long ms)
{
    nanosleep(&(struct timespec){ms / 1000, ms % 1000 * 1000000}, NULL);
}

/* The words of a process's command line, in text; their number. */
static size_t command_line(pid_t pid, char *words[ARGS])
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/cmdline", (int)pid);
    int fd = open(path, O_RDONLY);
    assert_true(fd >= 0);
    ssize_t n = read(fd, text, sizeof text - 1);
    close(fd);
    assert_true(n > 0);
    text[n] = 0;
    size_t count = 0;
    for (char *w = text; w < text + n && count + 1 < ARGS; w += strlen(w) + 1)
        words[count++] = w;
    words[count] = NULL;
    return count;
}

static void subscribe(void)
{
    static const char key[] = "telemetry.endpoint=";
    char *words[ARGS];
    size_t n = command_line(demo_process("miradord"), words);
    context = zmq_ctx_new();
    telemetry = zmq_socket(context, ZMQ_SUB);
    for (size_t i = 0; i < n; i++)
        if (strncmp(words[i], key, sizeof key - 1) == 0)
            assert_int_equal(zmq_connect(telemetry, words[i] + sizeof key - 1), 0);
    zmq_setsockopt(telemetry, ZMQ_SUBSCRIBE, "fix", 3);
    zmq_setsockopt(telemetry, ZMQ_SUBSCRIBE, "cycle", 5);
    zmq_setsockopt(telemetry, ZMQ_RCVTIMEO, &(int){200}, sizeof(int));
}

static void note_cycle(const char *header)
{
    json_t *o = json_loads(header, 0, NULL);
    assert_non_null(o);
    long long cycle = json_integer_value(json_object_get(o, "cycle"));
    if (cycle <= last_cycle)
        fail_msg("cycle %lld after %lld", cycle, last_cycle);
    last_cycle = cycle;
    json_decref(o);
}

/* One message within 200 ms: true if it was a position. */
static bool hear(void)
{
    char topic[16] = "", header[16384];
    int n = zmq_recv(telemetry, topic, sizeof topic - 1, 0);
    if (n < 0)
        return false;
    n = zmq_recv(telemetry, header, sizeof header - 1, 0);
    assert_true(n > 0 && n < (int)sizeof header);
    header[n] = 0;
    if (strcmp(topic, "cycle") == 0)
        note_cycle(header);
    return strcmp(topic, "fix") == 0;
}

static double wait_for_fixes(const char *after)
{
    double begin = now_s();
    for (int n = 0; n < FIXES;) {
        n += hear();
        if (now_s() - begin > PATIENCE_S)
            fail_msg("%s: no positions for %d s", after, PATIENCE_S);
    }
    return now_s() - begin;
}

static void forget_backlog(double seconds)
{
    for (double end = now_s() + seconds; now_s() < end;)
        hear();
}

/* As it was started before, but nobody waits for it to be ready. */
static pid_t start_again(const char *program, char **words)
{
    char path[400];
    size_t to = 0;
    for (size_t i = 0; words[i]; i++)
        if (strcmp(words[i], "--ready-fd") == 0)
            i++;
        else
            words[to++] = words[i];
    words[to] = NULL;
    snprintf(path, sizeof path, "%s/%s", MIRADOR_BIN_DIR, program);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        int null = open("/dev/null", O_WRONLY);
        dup2(null, 1);
        dup2(null, 2);
        execv(path, words);
        _exit(127);
    }
    return pid;
}

static void kill_and_restart(const char *program)
{
    char *words[ARGS];
    pid_t pid = demo_process(program);
    assert_true(pid > 0);
    command_line(pid, words);
    assert_int_equal(kill(pid, SIGKILL), 0);
    forget_backlog(1.5);
    start_again(program, words);
    double took_s = wait_for_fixes(program);
    print_message("%s killed and started again: %d positions after %.1f s\n", program, FIXES,
                  took_s);
}

static void whoever_is_killed_comes_back(void **state)
{
    (void)state;
    char modules[400];
    static const char *const programs[] = {"mirador-ue", "mirador-ris", "mirador-room", "miradord"};
    snprintf(modules, sizeof modules, "%s/../modules", MIRADOR_BIN_DIR);
    setenv("UHD_MODULE_PATH", modules, 1);
    pid_t demo = demo_start("--seconds 0 --seed 3");
    for (double end = now_s() + PATIENCE_S; demo_process("mirador-ue") == 0 && now_s() < end;)
        pause_ms(50);
    assert_true(demo_process("mirador-ue") > 0);
    subscribe();
    wait_for_fixes("start");
    kill(demo, SIGSTOP);
    for (size_t i = 0; i < sizeof programs / sizeof programs[0]; i++)
        kill_and_restart(programs[i]);
    for (size_t i = sizeof programs / sizeof programs[0]; i-- > 0;)
        for (pid_t pid; (pid = demo_process(programs[i])) > 0; pause_ms(100)) {
            kill(pid, SIGTERM);
            waitpid(pid, NULL, 0);
            if (kill(pid, 0) == 0) /* the demo's own: gone once it looks */
                break;
        }
    kill(demo, SIGCONT);
    assert_int_equal(waitpid(demo, NULL, 0), demo);
    for (int i = 0; i < 200 && demo_processes_alive() > 0; i++)
        pause_ms(50);
    assert_int_equal(demo_processes_alive(), 0);
    zmq_close(telemetry);
    zmq_ctx_term(context);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whoever_is_killed_comes_back),
    };
    return cmocka_run_group_tests(tests, demo_place_make, demo_place_remove);
}
