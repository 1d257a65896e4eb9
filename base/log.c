/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/log.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#define LINE_MAX_BYTES 1024
#define TEXT_MAX_BYTES 900

static const char *const level_names[] = {"error", "warn", "info", "debug"};

static struct {
    const char *program;
    _Atomic int level;
    bool journal;         /* standard error goes there */
    pthread_mutex_t lock; /* of the sink and of all sites */
    log_sink *sink;
    void *context;
} state = {.program = "mirador", .level = LOG_LEVEL_INFO, .lock = PTHREAD_MUTEX_INITIALIZER};

const char *log_level_name(enum log_level level)
{
    return level_names[level];
}

/* The journal tells its children which device and inode it listens on; a shell's redirection may
 * have taken standard error elsewhere since. */
static bool is_journal(int fd)
{
    const char *stream = getenv("JOURNAL_STREAM");
    unsigned long long device, inode;
    struct stat s;
    return stream && sscanf(stream, "%llu:%llu", &device, &inode) == 2 && fstat(fd, &s) == 0 &&
           s.st_dev == device && s.st_ino == inode;
}

void log_open(const char *program, enum log_level level)
{
    const char *wish = getenv("MIRADOR_LOG");
    for (int i = 0; wish && i < 4; i++)
        if (strcmp(wish, level_names[i]) == 0)
            level = (enum log_level)i;
    state.program = program;
    state.level = (int)level;
    state.journal = is_journal(STDERR_FILENO);
}

void log_set_sink(log_sink *sink, void *context)
{
    pthread_mutex_lock(&state.lock);
    state.sink = sink;
    state.context = context;
    pthread_mutex_unlock(&state.lock);
}

static void clean(char *text)
{
    for (; *text; text++)
        if ((unsigned char)*text < ' ' || *text == 127)
            *text = '?';
}

/* "<6>text\n", and what is not for the journal "2026-11-22 13:05:07.250 miradord info: text\n" */
static size_t format_line(char line[LINE_MAX_BYTES], enum log_level level, const char *text)
{
    static const int priorities[] = {LOG_ERR, LOG_WARNING, LOG_INFO, LOG_DEBUG};
    struct timespec now;
    struct tm utc;
    char date[32];
    if (state.journal)
        return (size_t)snprintf(line, LINE_MAX_BYTES, "<%d>%s\n", priorities[level], text);
    clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &utc);
    strftime(date, sizeof date, "%Y-%m-%d %H:%M:%S", &utc);
    int n = snprintf(line, LINE_MAX_BYTES, "%s.%03ld %.40s %s: %s\n", date, now.tv_nsec / 1000000,
                     state.program, level_names[level], text);
    return (size_t)n;
}

static void write_text(enum log_level level, char *text)
{
    char line[LINE_MAX_BYTES];
    clean(text);
    size_t n = format_line(line, level, text);
    ssize_t written = write(STDERR_FILENO, line, n); /* one call, so lines of threads never mix */
    (void)written;
    pthread_mutex_lock(&state.lock);
    if (state.sink)
        state.sink(state.context, level, text);
    pthread_mutex_unlock(&state.lock);
}

void log_write(enum log_level level, const char *format, ...)
{
    char text[TEXT_MAX_BYTES];
    va_list args;
    if ((int)level > state.level)
        return;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    write_text(level, text);
}

static int64_t now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

bool log_site_pass(struct log_site *site, unsigned long *before)
{
    pthread_mutex_lock(&state.lock);
    int64_t now = now_ms(), back = (now - site->refilled_ms) / LOG_REFILL_MS;
    if (back > 0) {
        site->spent -= back < site->spent ? (unsigned)back : site->spent;
        site->refilled_ms = now;
    }
    bool passes = site->spent < LOG_BURST;
    *before = site->suppressed;
    site->spent += passes;
    site->suppressed = passes ? 0 : site->suppressed + 1;
    pthread_mutex_unlock(&state.lock);
    return passes;
}

void log_write_from(struct log_site *site, enum log_level level, const char *format, ...)
{
    char text[TEXT_MAX_BYTES];
    unsigned long before = 0;
    va_list args;
    if ((int)level > state.level)
        return;
    if (level != LOG_LEVEL_DEBUG && !log_site_pass(site, &before))
        return;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    if (before > 0)
        log_write(level, "%lu suppressed lines like the next one", before);
    write_text(level, text);
}

int status_set(struct status *err, int code, const char *format, ...)
{
    va_list args;
    if (!err)
        return code;
    err->code = code;
    va_start(args, format);
    vsnprintf(err->text, sizeof err->text, format, args);
    va_end(args);
    clean(err->text);
    return code;
}
