/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "bench.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include <zmq.h>

#define READY_MS 20000 /* a sanitized build on a loaded machine */

/* ---- the room ---- */

static struct room {
    pthread_t thread;
    pthread_mutex_t lock;
    void *zmq;
    char endpoint[128];
    atomic_bool stop;
    char slow_board[32], refused_board[32];
    int delay_ms, code;
    size_t n; /* reports ever */
    struct bench_report reports[BENCH_REPORTS];
} room = {.lock = PTHREAD_MUTEX_INITIALIZER};

static bool concerns(const char *rule, const char *board)
{
    return rule[0] == '\0' || strcmp(rule, board) == 0;
}

static int room_take(const uint8_t *msg, size_t n, int *delay_ms)
{
    struct ris_report r;
    int code = ris_report_decode(msg, n, &r);
    if (code != OK)
        return code;
    pthread_mutex_lock(&room.lock);
    struct bench_report *slot = &room.reports[room.n % BENCH_REPORTS];
    size_t n_pattern = ris_pattern_bytes(r.shape);
    slot->head = r;
    memcpy(slot->steps, r.patterns, r.n_steps * n_pattern);
    memcpy(slot->idle, r.idle, n_pattern);
    room.n++;
    *delay_ms = concerns(room.slow_board, r.board) ? room.delay_ms : 0;
    code = concerns(room.refused_board, r.board) ? room.code : OK;
    pthread_mutex_unlock(&room.lock);
    return code;
}

/* A ROUTER, so that a slow answer to one board does not hold up the other. Late answers are kept
 * by the thread of the slow board alone: one board is slow at a time. */
struct late {
    uint8_t id[256];
    int n_id, due_ms, code;
};

static void room_answer(void *socket, const uint8_t *id, int n_id, int code)
{
    uint8_t reply[RIS_REPLY_BYTES];
    ris_reply_encode(code, reply);
    zmq_send(socket, id, (size_t)n_id, ZMQ_SNDMORE);
    zmq_send(socket, "", 0, ZMQ_SNDMORE);
    zmq_send(socket, reply, sizeof reply, 0);
}

static void *room_run(void *arg)
{
    static uint8_t msg[RIS_REPORT_MAX];
    void *socket = zmq_socket(room.zmq, ZMQ_ROUTER);
    struct late late[4];
    int n_late = 0;
    (void)arg;
    int linger = 0;
    zmq_setsockopt(socket, ZMQ_LINGER, &linger, sizeof linger);
    if (zmq_bind(socket, room.endpoint) != 0)
        abort();
    while (!room.stop) {
        zmq_pollitem_t item = {.socket = socket, .events = ZMQ_POLLIN};
        for (int i = 0; i < n_late; i++)
            if (--late[i].due_ms <= 0) {
                room_answer(socket, late[i].id, late[i].n_id, late[i].code);
                late[i] = late[--n_late];
            }
        if (zmq_poll(&item, 1, n_late > 0 ? 1 : 20) <= 0)
            continue;
        struct late now;
        uint8_t empty[1];
        now.n_id = zmq_recv(socket, now.id, sizeof now.id, 0);
        zmq_recv(socket, empty, 1, 0);
        int n = zmq_recv(socket, msg, sizeof msg, 0);
        now.code = room_take(msg, (size_t)n, &now.due_ms);
        if (now.due_ms > 0 && n_late < 4)
            late[n_late++] = now;
        else
            room_answer(socket, now.id, now.n_id, now.code);
    }
    zmq_close(socket);
    return NULL;
}

void bench_room_start(struct bench *b)
{
    room.zmq = b->zmq;
    room.stop = false;
    room.n = 0;
    snprintf(room.endpoint, sizeof room.endpoint, "%s", b->room);
    bench_room_slow("", 0);
    bench_room_refuse("", OK);
    if (pthread_create(&room.thread, NULL, room_run, NULL) != 0)
        abort();
}

void bench_room_stop(struct bench *b)
{
    (void)b;
    room.stop = true;
    pthread_join(room.thread, NULL);
}

void bench_room_slow(const char *board, int delay_ms)
{
    pthread_mutex_lock(&room.lock);
    snprintf(room.slow_board, sizeof room.slow_board, "%s", board);
    room.delay_ms = delay_ms;
    pthread_mutex_unlock(&room.lock);
}

void bench_room_refuse(const char *board, int code)
{
    pthread_mutex_lock(&room.lock);
    snprintf(room.refused_board, sizeof room.refused_board, "%s", board);
    room.code = code;
    pthread_mutex_unlock(&room.lock);
}

size_t bench_room_reports(const char *board, struct bench_report *last)
{
    size_t count = 0;
    pthread_mutex_lock(&room.lock);
    size_t first = room.n > BENCH_REPORTS ? room.n - BENCH_REPORTS : 0;
    for (size_t i = first; i < room.n; i++) {
        const struct bench_report *r = &room.reports[i % BENCH_REPORTS];
        if (strcmp(r->head.board, board) != 0)
            continue;
        count++;
        if (last != NULL)
            *last = *r;
    }
    pthread_mutex_unlock(&room.lock);
    return count;
}

/* ---- the controller ---- */

static void controller_exec(struct bench *b, const char *const *sets, int ready_fd)
{
    char path[256], log[128], fd[16];
    const char *argv[64] = {"mirador-ris", "--ready-fd", fd};
    int n = 3;
    snprintf(path, sizeof path, "%s/mirador-ris", MIRADOR_BIN_DIR);
    snprintf(log, sizeof log, "%s/log", b->folder);
    snprintf(fd, sizeof fd, "%d", ready_fd);
    for (size_t i = 0; sets != NULL && sets[i] != NULL && n < 62; i++) {
        argv[n++] = "--set";
        argv[n++] = sets[i];
    }
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    int err = open(log, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    dup2(err, 2);
    setenv("MIRADOR_DATA", MIRADOR_SOURCE_DIR "/config", 1);
    execv(path, (char *const *)(uintptr_t)argv);
    _exit(127);
}

int bench_start(struct bench *b, const char *const *sets, char *text, size_t size)
{
    int ready[2];
    char byte = 0;
    if (pipe(ready) != 0)
        abort();
    b->controller = fork();
    if (b->controller == 0)
        controller_exec(b, sets, ready[1]);
    close(ready[1]);
    struct pollfd p = {.fd = ready[0], .events = POLLIN};
    ssize_t n = poll(&p, 1, READY_MS) == 1 ? read(ready[0], &byte, 1) : 0;
    close(ready[0]);
    if (n == 1 && byte == 'R')
        return 0;
    int code = 1000 + bench_stop(b);
    if (text != NULL)
        bench_log(b, text, size);
    return code;
}

int bench_stop(struct bench *b)
{
    int status = 0;
    kill(b->controller, SIGTERM);
    waitpid(b->controller, &status, 0);
    b->controller = 0;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

void bench_log(struct bench *b, char *text, size_t size)
{
    char path[128];
    snprintf(path, sizeof path, "%s/log", b->folder);
    int fd = open(path, O_RDONLY);
    ssize_t n = fd < 0 ? 0 : read(fd, text, size - 1);
    text[n > 0 ? n : 0] = '\0';
    close(fd);
}

/* Words of a process's command line; returns how many bytes. */
static size_t command_line(pid_t pid, char *text, size_t size)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/cmdline", pid);
    int fd = open(path, O_RDONLY);
    ssize_t n = fd < 0 ? 0 : read(fd, text, size - 1);
    if (fd >= 0)
        close(fd);
    text[n > 0 ? n : 0] = '\0';
    return n > 0 ? (size_t)n : 0;
}

static const char *word(const char *line, size_t n, int index)
{
    const char *p = line;
    while (index-- > 0 && p < line + n)
        p += strlen(p) + 1;
    return p < line + n ? p : "";
}

static pid_t parent_of(pid_t pid)
{
    char path[64], text[512];
    snprintf(path, sizeof path, "/proc/%d/stat", pid);
    int fd = open(path, O_RDONLY);
    ssize_t n = fd < 0 ? 0 : read(fd, text, sizeof text - 1);
    if (fd >= 0)
        close(fd);
    text[n > 0 ? n : 0] = '\0';
    const char *after = strrchr(text, ')');
    return after != NULL ? atoi(after + 4) : 0;
}

typedef bool is_it(const char *line, size_t n, const char *what);

static bool is_board(const char *line, size_t n, const char *board)
{
    return strcmp(word(line, n, 1), "--native-board") == 0 && strcmp(word(line, n, 2), board) == 0;
}

static bool is_program(const char *line, size_t n, const char *program)
{
    size_t length = strlen(word(line, n, 0)), tail = strlen(program);
    return length >= tail && strcmp(word(line, n, 0) + length - tail, program) == 0;
}

static pid_t find_child(struct bench *b, is_it *it, const char *what, pid_t other_than)
{
    DIR *proc = opendir("/proc");
    struct dirent *entry;
    pid_t found = 0;
    while (proc != NULL && (entry = readdir(proc)) != NULL) {
        char line[512];
        pid_t pid = atoi(entry->d_name);
        if (pid <= 0 || pid == other_than || parent_of(pid) != b->controller)
            continue;
        size_t n = command_line(pid, line, sizeof line);
        if (it(line, n, what))
            found = pid;
    }
    if (proc != NULL)
        closedir(proc);
    return found;
}

static pid_t await_child(struct bench *b, is_it *it, const char *what, pid_t other_than)
{
    pid_t pid = 0;
    for (int i = 0; i < 500 && pid == 0; i++) {
        pid = find_child(b, it, what, other_than);
        if (pid == 0)
            poll(NULL, 0, 10);
    }
    return pid;
}

pid_t bench_board_pid(struct bench *b, const char *board, pid_t other_than)
{
    return await_child(b, is_board, board, other_than);
}

pid_t bench_child_pid(struct bench *b, const char *program, pid_t other_than)
{
    return await_child(b, is_program, program, other_than);
}

int bench_board_line(pid_t pid)
{
    char line[512];
    size_t n = command_line(pid, line, sizeof line);
    int process = (int)syscall(SYS_pidfd_open, pid, 0);
    int fd = (int)syscall(SYS_pidfd_getfd, process, atoi(word(line, n, 10)), 0);
    close(process);
    return fd;
}
