/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/audit.h"
#include "base/log.h"
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

struct audit {
    int fd;
    bool complained;
};

struct audit *audit_open(const char *path, struct status *err)
{
    struct audit *a = calloc(1, sizeof *a);
    if (!a) {
        status_set(err, ERR_NO_MEMORY, "audit log: out of memory");
        return NULL;
    }
    a->fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (a->fd >= 0)
        return a;
    status_set(err, ERR_IO, "%s: cannot open the audit log: %s; set audit.file", path,
               strerror(errno));
    free(a);
    return NULL;
}

void audit_close(struct audit **audit)
{
    if (!*audit)
        return;
    close((*audit)->fd);
    free(*audit);
    *audit = NULL;
}

void audit_write(struct audit *audit, const char *format, ...)
{
    char line[512];
    struct timespec now;
    struct tm utc;
    clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &utc);
    size_t n = strftime(line, sizeof line, "%Y-%m-%dT%H:%M:%SZ ", &utc);
    va_list args;
    va_start(args, format);
    int m = vsnprintf(line + n, sizeof line - n - 1, format, args);
    va_end(args);
    size_t length = m < 0 ? n : n + (size_t)m;
    if (length > sizeof line - 2)
        length = sizeof line - 2;
    for (size_t i = n; i < length; i++) /* what a client wrote makes no line of its own */
        if ((unsigned char)line[i] < ' ' || line[i] == 0x7f)
            line[i] = '?';
    line[length] = '\n';
    if (!audit)
        return;
    if (write(audit->fd, line, length + 1) == (ssize_t)(length + 1))
        return;
    if (!audit->complained)
        log_error("the audit log cannot be written: %s", strerror(errno));
    audit->complained = true;
}
