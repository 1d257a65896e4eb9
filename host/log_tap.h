/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The process's log on its way into telemetry: lines that pass the level, debug ones excepted, go
 * into the queue of the thread that publishes, at most LOG_TAP_BURST at once and one more every
 * LOG_TAP_REFILL_MS. What finds the bucket empty, or the queue half full, stays in the log only;
 * the next line that is published says how many. */
#pragma once
#include "host/telemetry.h"

enum { LOG_TAP_BURST = 20, LOG_TAP_REFILL_MS = 250 };

struct log_tap { /* all zero at first */
    struct telemetry_queue *queue;
    struct telemetry_item item;
    int64_t refilled_ms;
    unsigned spent;
};

/* tap and queue outlive it; one tap in a process. */
void log_tap_open(struct log_tap *tap, struct telemetry_queue *queue);
/* When it returns no line is under way any more. */
void log_tap_close(void);
