/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/view/view_bench.h"
#include "base/log.h"
#include "base/sockets.h"
#include "base/state_dir.h"
#include "tests/view/browser.h"
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <zmq.h>

#include <cmocka.h>

struct view_bench view_bench;

static pid_t pid; /* of the bridge */
static struct sockets *sockets;
static pthread_t thread; /* the daemon's */
static atomic_bool stop;

/* --- the daemon: 200 messages of telemetry a second, and an answer to each command */

static void answer_commands(void *router)
{
    static struct socket_message m;
    while (socket_recv(router, &m, 0) == OK) {
        const struct socket_frame *f = &m.frames[m.n - 1];
        char command[5000], text[64];
        snprintf(command, sizeof command, "%.*s", (int)f->n, (const char *)f->bytes);
        const char *seq = strstr(command, "\"seq\":");
        int n = snprintf(text, sizeof text, "{\"ok\":true,\"seq\":%d}", seq ? atoi(seq + 6) : 0);
        struct socket_frame out[2] = {m.frames[0], {text, (size_t)n}};
        atomic_fetch_add(&view_bench.commands, 1);
        if (socket_send(router, out, 2))
            return;
    }
    socket_message_clear(&m);
}

static void *be_daemon(void *context)
{
    (void)context;
    struct status err = {0};
    char endpoint[200], header[80];
    static const char array[30000];
    snprintf(endpoint, sizeof endpoint, "ipc://%s/telemetry.sock", view_bench.folder);
    void *pub = sockets_bind(sockets, ZMQ_PUB, endpoint, &err);
    snprintf(endpoint, sizeof endpoint, "ipc://%s/control.sock", view_bench.folder);
    void *router = pub ? sockets_bind(sockets, ZMQ_ROUTER, endpoint, &err) : NULL;
    for (unsigned i = 0; router && !atomic_load(&stop); i++) {
        int n = snprintf(header, sizeof header, "{\"v\":1,\"user\":%u}", i % 8);
        const struct socket_frame frames[] = {
            {"paths", 5}, {header, (size_t)n}, {array, sizeof array}};
        if (socket_send(pub, frames, 3) && i == 0)
            log_warn("nothing sent");
        answer_commands(router);
        zmq_poll(NULL, 0, 5);
    }
    socket_close(&router);
    socket_close(&pub);
    return router ? NULL : sockets;
}

/* --- the bridge */

static void run_bridge(const char *more)
{
    char program[300], sets[3][240];
    static const char *const keys[] = {"daemon.telemetry=ipc://%s/telemetry.sock",
                                       "daemon.control=ipc://%s/control.sock",
                                       "listen.address_file=%s/page"};
    snprintf(program, sizeof program, "%s/mirador-view", MIRADOR_BIN_DIR);
    for (int i = 0; i < 3; i++) {
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
        snprintf(sets[i], sizeof sets[i], keys[i], view_bench.folder);
#pragma GCC diagnostic pop
    }
    pid = fork();
    if (pid == 0) {
        execl(program, program, "-s", sets[0], "-s", sets[1], "-s", sets[2], "-s", "listen.port=0",
              more ? "-s" : "--no-token", more, "-s", "listen.https_names=[mirador.example]", NULL);
        _exit(127);
    }
}

static int wait_address(void)
{
    char path[200], text[100] = "";
    snprintf(path, sizeof path, "%s/page", view_bench.folder);
    for (int i = 0; i < 6000; i++) {
        FILE *f = fopen(path, "r");
        if (f && fgets(text, sizeof text, f)) {
            fclose(f);
            return atoi(strrchr(text, ':') + 1);
        }
        if (f)
            fclose(f);
        zmq_poll(NULL, 0, 10);
    }
    return -1;
}

bool view_bench_token(char *token, size_t size)
{
    char path[200], text[200] = "";
    snprintf(path, sizeof path, "%s/page", view_bench.folder);
    FILE *f = fopen(path, "r");
    const char *at = f && fgets(text, sizeof text, f) ? strstr(text, "/#token=") : NULL;
    if (f)
        fclose(f);
    snprintf(token, size, "%.64s", at ? at + 8 : "");
    return strlen(token) == 64;
}

void view_bench_start(const char *more)
{
    run_bridge(more);
    view_bench.port = wait_address();
    assert_true(view_bench.port > 0);
    snprintf(view_bench.host, sizeof view_bench.host, "127.0.0.1:%d", view_bench.port);
    snprintf(view_bench.origin, sizeof view_bench.origin, "http://%s", view_bench.host);
}

void view_bench_stop(void)
{
    int status = -1;
    char path[200];
    kill(pid, SIGTERM);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
    snprintf(path, sizeof path, "%s/page", view_bench.folder);
    remove(path);
}

long view_bench_rss_kib(void)
{
    char path[64], line[200];
    long kib = -1;
    snprintf(path, sizeof path, "/proc/%d/status", (int)pid);
    FILE *f = fopen(path, "r");
    while (f && fgets(line, sizeof line, f))
        if (strncmp(line, "VmHWM:", 6) == 0)
            kib = atol(line + 6);
    if (f)
        fclose(f);
    return kib;
}

int view_bench_open_page(void)
{
    int fd = browser_connect(view_bench.port);
    assert_true(fd >= 0);
    assert_int_equal(browser_open(fd, view_bench.host, view_bench.origin), 101);
    return fd;
}

void view_bench_assert_alive(void)
{
    char text[400];
    size_t binary = 0;
    int code, fd = view_bench_open_page();
    assert_int_equal(browser_hear(fd, text, sizeof text, &binary, &code), 1);
    assert_non_null(strstr(text, "\"hello\":1"));
    assert_true(browser_say(fd, "{\"cmd\":\"status\",\"seq\":77}"));
    assert_int_equal(browser_hear(fd, text, sizeof text, &binary, &code), 1);
    assert_string_equal(text, "{\"ok\":true,\"seq\":77}");
    close(fd);
}

/* --- life */

int view_bench_make(void **state)
{
    (void)state;
    struct status err = {0};
    if (state_dir_create("mirador-test-view", view_bench.folder, sizeof view_bench.folder, &err) ||
        !(sockets = sockets_create(NULL, &err)))
        fail_msg("%s", err.text);
    view_bench_start(NULL); /* before the daemon, whose threads it must not inherit */
    return pthread_create(&thread, NULL, be_daemon, NULL);
}

int view_bench_remove(void **state)
{
    (void)state;
    struct status err = {0};
    view_bench_stop();
    atomic_store(&stop, true);
    pthread_join(thread, NULL);
    sockets_destroy(&sockets);
    return state_dir_remove(view_bench.folder, &err);
}
