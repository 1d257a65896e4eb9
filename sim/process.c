/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "sim/process.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "frames/status.h"

int64_t wall_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000000000ll + t.tv_nsec;
}

/* Fields of /proc/PID/stat after the command, which may itself hold spaces and parentheses: 3 is
 * the state, 22 the start time. 0: a zombie. */
static uint64_t parse_start(const char *text)
{
    const char *p = strrchr(text, ')');
    if (!p || p[1] == 0 || p[2] == 'Z' || p[2] == 'X')
        return 0;
    p++;
    for (int field = 3; field < 22 && p; field++)
        p = strchr(p + 1, ' ');
    return p ? strtoull(p, NULL, 10) : 0;
}

/* ERR_NOT_FOUND: there is none, or it is a zombie; ERR_IO: this cannot be told. */
static int read_start(int pid, uint64_t *start)
{
    char path[40], text[1024];
    snprintf(path, sizeof path, "/proc/%d/stat", pid);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
    const int why = errno;
    if (fd >= 0)
        close(fd);
    *start = 0;
    if (n <= 0)
        return n < 0 && (why == ENOENT || why == ESRCH) ? ERR_NOT_FOUND : ERR_IO;
    text[n] = 0;
    *start = parse_start(text);
    return *start ? OK : ERR_NOT_FOUND;
}

uint64_t process_start(int pid)
{
    uint64_t start;
    return read_start(pid, &start) == OK ? start : 0;
}

bool process_alive(int pid, uint64_t start)
{
    uint64_t now;
    if (pid <= 0)
        return false;
    const int rc = read_start(pid, &now);
    if (rc == ERR_IO) /* no descriptor or no memory left, say: that is not its death */
        return kill(pid, 0) == 0 || errno != ESRCH;
    return rc == OK && (start == 0 || now == start);
}

bool thread_alive(int pid, int tid)
{
    return syscall(SYS_tgkill, pid, tid, 0) == 0 || errno != ESRCH;
}

/* getpid is a call into the kernel each time, and a gate asks by the hundred thousand. */
static atomic_int own_pid; /* 0: not known yet */

static void forget_pid(void)
{
    atomic_store_explicit(&own_pid, 0, memory_order_relaxed);
}

static void watch_forks(void)
{
    (void)pthread_atfork(NULL, NULL, forget_pid);
}

int process_id(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    int pid = atomic_load_explicit(&own_pid, memory_order_relaxed);
    if (pid)
        return pid;
    pthread_once(&once, watch_forks);
    pid = getpid();
    atomic_store_explicit(&own_pid, pid, memory_order_relaxed);
    return pid;
}

int thread_id(void)
{
    static _Thread_local int id, owner; /* the pid tells a forked child from its parent */
    int pid = process_id();
    if (owner != pid) {
        owner = pid;
        id = (int)syscall(SYS_gettid);
    }
    return id;
}
