/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "host/log_tap.h"
#include "base/log.h"
#include "host/clock.h"
#include <string.h>

/* Takes one line out of the bucket. */
static bool pass(struct log_tap *tap)
{
    const int64_t now = clock_ns() / 1000000, back = (now - tap->refilled_ms) / LOG_TAP_REFILL_MS;
    if (back > 0) {
        tap->spent -= back < tap->spent ? (unsigned)back : tap->spent;
        tap->refilled_ms = now;
    }
    if (tap->spent >= LOG_TAP_BURST)
        return false;
    tap->spent++;
    return true;
}

/* In the logging thread, one call at a time; never waits. */
static void take_line(void *context, enum log_level level, const char *text)
{
    struct log_tap *tap = context;
    struct telemetry_log *log = &tap->item.log;
    if (level == LOG_LEVEL_DEBUG)
        return;
    log->level = level;
    log->unix_s = 1e-9 * (double)clock_unix_ns();
    const size_t n = strnlen(text, sizeof log->text - 1);
    memcpy(log->text, text, n);
    log->text[n] = '\0';
    if (pass(tap) && telemetry_queue_offer(tap->queue, &tap->item))
        log->suppressed = 0;
    else
        log->suppressed++;
}

void log_tap_open(struct log_tap *tap, struct telemetry_queue *queue)
{
    *tap = (struct log_tap){.queue = queue, .item.kind = TELEMETRY_LOG};
    log_set_sink(take_line, tap);
}

void log_tap_close(void)
{
    log_set_sink(NULL, NULL);
}
