/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * One line per event to standard error: wall time, program, level, text; when that is the journal,
 * its priority and the text, as it knows the rest. Any thread may call, but never the sample path
 * (it counts instead): a call formats and does one write(2). */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "frames/status.h"

enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARN, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG };

/* program: name in every line, a string that lives as long as the process. Lines above level are
 * dropped; the environment's MIRADOR_LOG (error, warn, info, debug) overrides it. */
void log_open(const char *program, enum log_level level);

/* Further reader of each line that passes the level, e.g. telemetry. It is called in the logging
 * thread, one call at a time, and must not log. NULL removes it; when this returns no call runs. */
typedef void log_sink(void *context, enum log_level level, const char *text);
void log_set_sink(log_sink *sink, void *context);

/* text: printf-like, control characters become '?', cut at 900 bytes. */
void log_write(enum log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* One place in the code that logs: a bucket of LOG_BURST lines, of which one comes back every
 * LOG_REFILL_MS. What finds it empty is dropped and counted, and the next line that gets through
 * says how many went before it. Debug lines, which somebody asked for, all get through. */
enum { LOG_BURST = 20, LOG_REFILL_MS = 5000 };
struct log_site { /* all zero at first */
    int64_t refilled_ms;
    unsigned spent;
    unsigned long suppressed;
};
/* Takes one line out of the bucket; false: it is empty. *before: how many were dropped since the
 * last that passed. */
bool log_site_pass(struct log_site *site, unsigned long *before);
void log_write_from(struct log_site *site, enum log_level level, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#define log_at(level, ...)                                                                         \
    do {                                                                                           \
        static struct log_site log_site_of_line;                                                   \
        log_write_from(&log_site_of_line, level, __VA_ARGS__);                                     \
    } while (0)
#define log_error(...) log_at(LOG_LEVEL_ERROR, __VA_ARGS__)
#define log_warn(...)  log_at(LOG_LEVEL_WARN, __VA_ARGS__)
#define log_info(...)  log_at(LOG_LEVEL_INFO, __VA_ARGS__)
#define log_debug(...) log_at(LOG_LEVEL_DEBUG, __VA_ARGS__)

/* "info" and so on. */
const char *log_level_name(enum log_level level);

/* Fills err (may be NULL) with code and a one-line message; returns code. The way every setup
 * function reports: return status_set(err, ERR_IO, "%s: cannot open: %s; cure", path,
 * strerror(errno)). */
int status_set(struct status *err, int code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
