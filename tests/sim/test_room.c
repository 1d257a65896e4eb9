/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The program mirador-room from outside: readiness, truth, boards' reports, bad usage, a clean end.
 */
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>
#include <zmq.h>

#include "base/sockets.h"
#include "base/state_dir.h"
#include "frames/ris_report.h"

struct rig {
    char state[256], name[64];
    pid_t pid;
    int ready, errors;
};

/* Starts the room with extra arguments (up to 6, NULL-terminated); stderr goes to a pipe. */
static void start(struct rig *rig, const char *const *more)
{
    int ready[2], errors[2];
    char fd[16];
    assert_int_equal(pipe(ready) + pipe(errors), 0);
    snprintf(fd, sizeof fd, "%d", ready[1]);
    const char *argv[16] = {MIRADOR_BIN_DIR "/mirador-room",
                            "--state",
                            rig->state,
                            "--name",
                            rig->name,
                            "--ready-fd",
                            fd};
    for (int i = 0; more && more[i]; i++)
        argv[7 + i] = more[i];
    rig->pid = fork();
    if (rig->pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        dup2(errors[1], STDERR_FILENO);
        close(ready[0]);
        close(errors[0]);
        execv(argv[0], (char **)argv);
        _exit(99);
    }
    close(ready[1]);
    close(errors[1]);
    rig->ready = ready[0];
    rig->errors = errors[0];
}

static int finish(struct rig *rig, char *text, size_t size)
{
    int status;
    assert_int_equal(waitpid(rig->pid, &status, 0), rig->pid);
    ssize_t n = read(rig->errors, text, size - 1);
    text[n > 0 ? n : 0] = 0;
    close(rig->ready);
    close(rig->errors);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void wait_ready(struct rig *rig)
{
    struct pollfd p = {.fd = rig->ready, .events = POLLIN};
    char byte = 0;
    assert_int_equal(poll(&p, 1, 30000), 1);
    assert_int_equal(read(rig->ready, &byte, 1), 1);
    assert_int_equal(byte, 'R');
}

static int setup(void **state)
{
    struct rig *rig = calloc(1, sizeof *rig);
    struct status err;
    assert_int_equal(state_dir_create("mirador-test", rig->state, sizeof rig->state, &err), 0);
    snprintf(rig->name, sizeof rig->name, "test-room-%d", (int)getpid());
    *state = rig;
    return 0;
}

static int teardown(void **state)
{
    struct rig *rig = *state;
    struct status err;
    assert_int_equal(state_dir_remove(rig->state, &err), 0);
    free(rig);
    return 0;
}

static int ask(void *socket, const struct ris_report *report)
{
    uint8_t message[RIS_REPORT_MAX];
    struct socket_message reply = {0};
    int n = ris_report_encode(report, message, sizeof message);
    assert_true(n > 0);
    struct socket_frame frame = {message, (size_t)n};
    assert_int_equal(socket_send(socket, &frame, 1), 0);
    assert_int_equal(socket_recv(socket, &reply, 5000), 0);
    int code = ris_reply_decode(reply.frames[0].bytes, reply.frames[0].n);
    socket_message_clear(&reply);
    return code;
}

static void truth_and_reports_flow(void **state)
{
    struct rig *rig = *state;
    struct status err;
    char endpoint[300], text[4000];
    struct sockets *sockets = sockets_create(NULL, &err);
    assert_non_null(sockets);
    snprintf(endpoint, sizeof endpoint, "ipc://%s/truth.sock", rig->state);
    void *truth = sockets_connect(sockets, ZMQ_SUB, endpoint, &err);
    assert_non_null(truth);
    assert_int_equal(socket_subscribe(truth, "truth"), 0);
    start(rig, (const char *const[]){"--speed", "5", "--realtime", NULL});
    wait_ready(rig);

    snprintf(endpoint, sizeof endpoint, "ipc://%s/room.sock", rig->state);
    void *board = sockets_connect(sockets, ZMQ_REQ, endpoint, &err);
    assert_non_null(board);
    uint8_t pattern[32] = {1, 2, 3};
    struct ris_report r = {.board = "ris1",
                           .kind = RIS_REPORT_APPLY,
                           .shape = {16, 16, 1},
                           .patterns = pattern,
                           .idle = pattern};
    assert_int_equal(ask(board, &r), 0);
    strcpy(r.board, "ghost");
    assert_int_equal(ask(board, &r), ERR_NOT_FOUND);
    strcpy(r.board, "ris2");
    r.shape.rows = 8;
    assert_int_equal(ask(board, &r), ERR_ARG);

    struct socket_message msg = {0};
    double last = 0;
    for (int i = 0; i < 30; i++) {
        double time_s = 0;
        assert_int_equal(socket_recv(truth, &msg, 5000), 0);
        assert_int_equal(msg.n, 2);
        snprintf(text, sizeof text, "%.*s", (int)msg.frames[1].n,
                 (const char *)msg.frames[1].bytes);
        assert_int_equal(sscanf(text, "{\"v\":1,\"time_s\":%lf", &time_s), 1);
        if (last > 0)
            assert_true(time_s - last > 0.0199 && time_s - last < 0.0201);
        last = time_s;
    }
    socket_message_clear(&msg);
    socket_close(&truth);
    socket_close(&board);
    sockets_destroy(&sockets);
    kill(rig->pid, SIGTERM);
    assert_int_equal(finish(rig, text, sizeof text), 0);
    assert_non_null(strstr(text, "ghost"));
}

static void a_second_room_of_the_name_is_refused(void **state)
{
    struct rig *rig = *state, other;
    char text[4000];
    start(rig, NULL);
    wait_ready(rig);
    other = *rig;
    char reports[300], truth[300];
    snprintf(reports, sizeof reports, "ipc://%s/x.sock", rig->state);
    snprintf(truth, sizeof truth, "ipc://%s/y.sock", rig->state);
    start(&other,
          (const char *const[]){"--room-endpoint", reports, "--truth-endpoint", truth, NULL});
    assert_int_equal(finish(&other, text, sizeof text), 1);
    assert_non_null(strstr(text, rig->name));
    other = *rig; /* the same sockets */
    strcat(other.name, "-b");
    start(&other, NULL);
    assert_int_equal(finish(&other, text, sizeof text), 1);
    kill(rig->pid, SIGINT);
    assert_int_equal(finish(rig, text, sizeof text), 0);
}

static void bad_usage_is_told_in_a_line(void **state)
{
    struct rig *rig = *state;
    static const struct {
        const char *argv[5], *says;
    } cases[] = {
        {{"--scene", "lba", NULL}, "lba"},
        {{"--path", "nowhere", NULL}, "no path 'nowhere'"},
        {{"--gate", "bs,eu", NULL}, "no radio 'eu'"},
        {{"--gate", "bs", "--realtime", NULL}, "exclude"},
        {{"--speed", "fast", NULL}, "--speed needs"},
        {{"--speed", "0", NULL}, "--gate"},
        {{"--sed", "1", NULL}, "--seed"},
        {{"--set", "clutter.cuont=3", NULL}, "clutter.count"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[4000];
        start(rig, cases[i].argv);
        int code = finish(rig, text, sizeof text);
        if (code != 2 || !strstr(text, cases[i].says))
            fail_msg("case %zu: exit %d, '%s'", i, code, text);
        assert_ptr_equal(strchr(text, '\n') + 1, text + strlen(text));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(truth_and_reports_flow, setup, teardown),
        cmocka_unit_test_setup_teardown(a_second_room_of_the_name_is_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(bad_usage_is_told_in_a_line, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
