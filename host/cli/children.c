/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "host/cli/children.h"
#include "host/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "base/options.h"

#define READY_FD   3 /* in the child */
#define PATIENCE_S 5.0

static void pause_ms(int ms)
{
    nanosleep(&(struct timespec){ms / 1000, ms % 1000 * 1000000L}, NULL);
}

void command_add(struct command *c, const char *format, ...)
{
    size_t left = sizeof c->text - c->used;
    va_list args;
    va_start(args, format);
    int n = vsnprintf(c->text + c->used, left, format, args);
    va_end(args);
    if (n < 0 || (size_t)n >= left || c->n + 4 > sizeof c->argv / sizeof *c->argv) {
        c->overflow = true;
        return;
    }
    c->argv[1 + c->n++] = c->text + c->used;
    c->used += (size_t)n + 1;
}

/* --- the environment of all ------------------------------------------------------------------- */

static int find_bin(struct children *children, struct status *err)
{
    ssize_t n = readlink("/proc/self/exe", children->bin, sizeof children->bin - 1);
    if (n <= 0 || (size_t)n >= sizeof children->bin - 1)
        return status_set(err, ERR_IO, "cannot tell the folder of our programs: %s",
                          strerror(errno));
    children->bin[n] = 0;
    *strrchr(children->bin, '/') = 0;
    return 0;
}

/* Where the build and the installation put it, seen from our programs. */
static void set_module_path(const struct children *children)
{
    char path[2048];
    const char *old = getenv("UHD_MODULE_PATH");
    snprintf(path, sizeof path, "%s/../modules:%s/../" MIRADOR_LIB "/uhd/modules%s%s",
             children->bin, children->bin, old && *old ? ":" : "", old ? old : "");
    setenv("UHD_MODULE_PATH", path, 1);
}

int children_init(struct children *children, const char *state, struct status *err)
{
    *children = (struct children){0};
    snprintf(children->state, sizeof children->state, "%s", state);
    int rc = find_bin(children, err);
    if (rc)
        return rc;
    set_module_path(children);
    setenv("OPENBLAS_NUM_THREADS", "1", 1); /* small matrices, and the same sums in every run */
    setenv("UHD_LOG_FASTPATH_DISABLE", "1", 0);
    setenv("UHD_LOG_CONSOLE_LEVEL", "warning", 0);
    return 0;
}

/* --- starting --------------------------------------------------------------------------------- */

/* In the new process: async-signal-safe calls only. */
static void become(const char *path, char *const argv[], int ready, int log, pid_t parent)
{
    struct sigaction plain = {.sa_handler = SIG_DFL};
    sigaction(SIGPIPE, &plain, NULL);
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (getppid() != parent) /* it died before the line above */
        _exit(EXIT_FAILED);
    setpgid(0, 0); /* Ctrl-C on the terminal is for us alone, who stop the others in order */
    int null = open("/dev/null", O_RDONLY);
    if (dup2(null, 0) < 0 || dup2(log, 1) < 0 || dup2(log, 2) < 0 || dup2(ready, READY_FD) < 0)
        _exit(EXIT_FAILED);
    execv(path, argv);
    dprintf(2, "cannot run %s: %s\n", path, strerror(errno));
    _exit(EXIT_FAILED);
}

static int open_log(struct child *child, const struct command *command)
{
    int fd = open(child->log, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0600);
    if (fd < 0)
        return -1;
    dprintf(fd, "$");
    for (size_t i = 0; i <= command->n; i++)
        dprintf(fd, strchr(command->argv[i], ' ') ? " '%s'" : " %s", command->argv[i]);
    dprintf(fd, "\n");
    return fd;
}

static int launch(struct child *child, const char *path, struct command *command,
                  struct status *err)
{
    int ends[2], log = open_log(child, command);
    if (log < 0 || pipe2(ends, O_CLOEXEC) != 0) {
        if (log >= 0)
            close(log);
        return status_set(err, ERR_IO, "cannot start %s: %s", child->name, strerror(errno));
    }
    /* dup2 onto itself would leave it close-on-exec */
    int ready = ends[1] == READY_FD ? fcntl(ends[1], F_DUPFD_CLOEXEC, READY_FD + 1) : ends[1];
    pid_t parent = getpid(), pid = fork();
    if (pid == 0)
        become(path, command->argv, ready, log, parent);
    int saved = errno;
    close(log);
    close(ends[1]);
    if (ready != ends[1])
        close(ready);
    if (pid < 0) {
        close(ends[0]);
        return status_set(err, ERR_IO, "cannot start %s: %s", child->name, strerror(saved));
    }
    child->pid = pid;
    child->ready_fd = ends[0];
    return 0;
}

int children_start(struct children *children, const char *program, const char *name,
                   struct command *command, struct status *err)
{
    char path[480];
    snprintf(path, sizeof path, "%s/%s", children->bin, program);
    command_add(command, "--ready-fd");
    command_add(command, "%d", READY_FD);
    if (command->overflow || children->n == CHILDREN_MAX)
        return status_set(err, ERR_NO_SPACE, "%s: the command line is too long", name);
    command->argv[0] = path;
    command->argv[1 + command->n] = NULL;
    struct child *child = &children->list[children->n];
    *child = (struct child){.ready_fd = -1};
    snprintf(child->name, sizeof child->name, "%s", name);
    snprintf(child->log, sizeof child->log, "%s/%s.log", children->state, name);
    int rc = launch(child, path, command, err);
    command->argv[0] = NULL;
    children->n += rc == 0;
    return rc;
}

/* --- watching --------------------------------------------------------------------------------- */

static void reap(struct child *child)
{
    if (child->pid > 0 && !child->exited && waitpid(child->pid, &child->wait_status, WNOHANG) != 0)
        child->exited = true;
}

int child_exit_code(const struct child *child)
{
    return WIFEXITED(child->wait_status) ? WEXITSTATUS(child->wait_status)
                                         : 128 + WTERMSIG(child->wait_status);
}

struct child *children_failed(struct children *children)
{
    for (size_t i = 0; i < children->n; i++) {
        struct child *child = &children->list[i];
        reap(child);
        if (!children->failed && child->exited && child_exit_code(child) != 0)
            children->failed = child;
    }
    return children->failed;
}

int child_tell_end(const struct child *child, struct status *err)
{
    return status_set(err, ERR_STATE, "%s ended (%s %d)", child->name,
                      WIFSIGNALED(child->wait_status) ? "signal" : "exit code",
                      WIFSIGNALED(child->wait_status) ? WTERMSIG(child->wait_status)
                                                      : child_exit_code(child));
}

struct child *children_find(struct children *children, const char *name)
{
    for (size_t i = 0; i < children->n; i++)
        if (strcmp(children->list[i].name, name) == 0)
            return &children->list[i];
    return NULL;
}

/* One look at the pipe: 1 = ready, 0 = not yet, -1 = closed without the word. */
static int read_ready(struct child *child)
{
    char byte;
    struct pollfd wait[2] = {{.fd = child->ready_fd, .events = POLLIN},
                             {.fd = stop_fd(), .events = POLLIN}};
    poll(wait, 2, 50);
    if (!(wait[0].revents & (POLLIN | POLLHUP)))
        return 0;
    ssize_t n = read(child->ready_fd, &byte, 1);
    close(child->ready_fd);
    child->ready_fd = -1;
    return n == 1 ? 1 : -1;
}

int children_wait_ready(struct children *children, double seconds, struct status *err)
{
    struct child *child = &children->list[children->n - 1];
    double end = clock_s() + seconds;
    while (clock_s() < end) {
        int ready = read_ready(child);
        if (ready > 0)
            return 0;
        if (stop_requested())
            return status_set(err, ERR_INTERRUPTED, "interrupted");
        for (int i = 0; ready < 0 && i < 100 && !child->exited; i++) { /* its end is near */
            reap(child);
            pause_ms(10);
        }
        const struct child *failed = children_failed(children);
        if (failed)
            return child_tell_end(failed, err);
        if (ready < 0)
            return status_set(err, ERR_STATE, "%s ended before it was ready", child->name);
    }
    return status_set(err, ERR_TIMEOUT, "%s was not ready after %.0f s", child->name, seconds);
}

/* --- ending ----------------------------------------------------------------------------------- */

bool child_stop(struct children *children, struct child *child, double seconds)
{
    (void)children;
    if (child->ready_fd >= 0)
        close(child->ready_fd);
    child->ready_fd = -1;
    reap(child);
    if (child->pid <= 0 || child->exited)
        return true;
    kill(child->pid, SIGTERM);
    for (double end = clock_s() + seconds; !child->exited && clock_s() < end; reap(child))
        pause_ms(5);
    if (child->exited)
        return true;
    kill(child->pid, SIGKILL);
    waitpid(child->pid, &child->wait_status, 0);
    child->exited = true;
    return false;
}

void children_stop(struct children *children)
{
    for (size_t i = children->n; i-- > 0;)
        if (!child_stop(children, &children->list[i], PATIENCE_S))
            log_warn("%s did not end in %.0f s and was killed", children->list[i].name, PATIENCE_S);
}

/* --- logs ------------------------------------------------------------------------------------- */

/* The end of a log file, terminated; the first, cut line is dropped. */
static void read_tail(const struct child *child, char *text, size_t size)
{
    text[0] = 0;
    FILE *file = fopen(child->log, "re");
    if (!file)
        return;
    fseek(file, 0, SEEK_END);
    long length = ftell(file), from = length > (long)size - 1 ? length - (long)size + 1 : 0;
    fseek(file, from, SEEK_SET);
    text[fread(text, 1, size - 1, file)] = 0;
    fclose(file);
    char *cut = from > 0 || text[0] == '$' ? strchr(text, '\n') : NULL; /* nor the command line */
    if (cut)
        memmove(text, cut + 1, strlen(cut + 1) + 1);
}

void child_print_log(const struct child *child, size_t n)
{
    char text[8192];
    read_tail(child, text, sizeof text);
    size_t length = strlen(text), lines = 0;
    while (length > 0 && text[length - 1] == '\n')
        text[--length] = 0;
    const char *from = text + length;
    while (from > text && !(from[-1] == '\n' && ++lines == n))
        from--;
    while (*from) {
        int line = (int)strcspn(from, "\n");
        fprintf(stderr, "  %.*s\n", line, from);
        from += line + (from[line] == '\n');
    }
}

void child_last_line(const struct child *child, char *line, size_t size)
{
    char text[4096];
    read_tail(child, text, sizeof text);
    size_t length = strlen(text);
    while (length > 0 && text[length - 1] == '\n')
        text[--length] = 0;
    char *last = strrchr(text, '\n');
    snprintf(line, size, "%s", last ? last + 1 : text);
}

/* --- running to the end ----------------------------------------------------------------------- */

/* Reads until the end; what does not fit is dropped. */
static void read_all(int fd, char *out, size_t size)
{
    char chunk[1024];
    size_t used = 0;
    ssize_t n;
    while ((n = read(fd, chunk, sizeof chunk)) != 0) {
        if (n < 0 && errno != EINTR)
            break;
        size_t keep = n < 0 ? 0 : (size_t)n < size - 1 - used ? (size_t)n : size - 1 - used;
        memcpy(out + used, chunk, keep);
        used += keep;
    }
    out[used] = 0;
}

int children_capture(const struct children *children, const char *program, struct command *command,
                     char *output, size_t size, char *error, size_t error_size)
{
    char path[480];
    struct child child = {.pid = 0};
    int ends[2];
    output[0] = error[0] = 0;
    snprintf(path, sizeof path, "%s/%s", children->bin, program);
    snprintf(child.log, sizeof child.log, "%s/%s.check", children->state, program);
    command->argv[0] = path;
    command->argv[1 + command->n] = NULL;
    int log =
        command->overflow ? -1 : open(child.log, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (log < 0 || pipe2(ends, O_CLOEXEC) != 0) {
        if (log >= 0)
            close(log);
        return -1;
    }
    pid_t pid = fork();
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGTERM);
        if (dup2(ends[1], 1) >= 0 && dup2(log, 2) >= 0)
            execv(path, command->argv);
        dprintf(2, "cannot run %s: %s\n", path, strerror(errno));
        _exit(EXIT_FAILED);
    }
    close(ends[1]);
    close(log);
    read_all(ends[0], output, size);
    close(ends[0]);
    if (pid < 0 || waitpid(pid, &child.wait_status, 0) != pid)
        return -1;
    child_last_line(&child, error, error_size);
    unlink(child.log);
    return child_exit_code(&child);
}

char *children_dump(const struct children *children, const char *program, struct command *command,
                    struct status *err)
{
    enum { DUMP_BYTES = 256 * 1024 };
    char line[400] = "", *dump = malloc(DUMP_BYTES);
    if (!dump) {
        status_set(err, ERR_NO_MEMORY, "out of memory");
        return NULL;
    }
    command_add(command, "--dump-config");
    int code = children_capture(children, program, command, dump, DUMP_BYTES, line, sizeof line);
    if (code == 0)
        return dump;
    free(dump);
    if (line[0])
        status_set(err, code == 2 ? ERR_ARG : ERR_STATE, "%s", line);
    else
        status_set(err, ERR_STATE, "%s cannot be run", program);
    return NULL;
}
