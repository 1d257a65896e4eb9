/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/log.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define LINE_MAX_BYTES 1024
#define TEXT_MAX_BYTES 900

static const char *const level_names[] = {"error", "warn", "info", "debug"};

static struct {
    const char *program;
    _Atomic int level;
    pthread_mutex_t lock; /* of the sink */
    log_sink *sink;
    void *context;
} state = {.program = "mirador", .level = LOG_LEVEL_INFO, .lock = PTHREAD_MUTEX_INITIALIZER};

const char *log_level_name(enum log_level level)
{
    return level_names[level];
}

void log_open(const char *program, enum log_level level)
{
    const char *wish = getenv("MIRADOR_LOG");
    for (int i = 0; wish && i < 4; i++)
        if (strcmp(wish, level_names[i]) == 0)
            level = (enum log_level)i;
    state.program = program;
    state.level = (int)level;
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

/* "2026-11-22 13:05:07.250 miradord info: text\n" */
static size_t format_line(char line[LINE_MAX_BYTES], enum log_level level, const char *text)
{
    struct timespec now;
    struct tm utc;
    char date[32];
    clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &utc);
    strftime(date, sizeof date, "%Y-%m-%d %H:%M:%S", &utc);
    int n = snprintf(line, LINE_MAX_BYTES, "%s.%03ld %.40s %s: %s\n", date, now.tv_nsec / 1000000,
                     state.program, level_names[level], text);
    return (size_t)n;
}

void log_write(enum log_level level, const char *format, ...)
{
    char text[TEXT_MAX_BYTES], line[LINE_MAX_BYTES];
    va_list args;
    if ((int)level > state.level)
        return;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    clean(text);
    size_t n = format_line(line, level, text);
    ssize_t written = write(STDERR_FILENO, line, n); /* one call, so lines of threads never mix */
    (void)written;
    pthread_mutex_lock(&state.lock);
    if (state.sink)
        state.sink(state.context, level, text);
    pthread_mutex_unlock(&state.lock);
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
