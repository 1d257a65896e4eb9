/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/notify.h"
#include <stdbool.h>
#include <systemd/sd-daemon.h>
#include <time.h>

static struct {
    bool asked;
    int64_t period_ns; /* 0: no watchdog */
    int64_t fed_ns;
    uint64_t progress; /* when it was fed */
} watchdog;

static int64_t period_ns(void)
{
    uint64_t patience_us = 0;
    if (!watchdog.asked && sd_watchdog_enabled(0, &patience_us) > 0)
        watchdog.period_ns = (int64_t)patience_us * 1000 / 4;
    watchdog.asked = true;
    return watchdog.period_ns;
}

void notify_ready(void)
{
    sd_notify(0, "READY=1");
}

void notify_stopping(void)
{
    sd_notify(0, "STOPPING=1");
}

void notify_alive(uint64_t progress)
{
    struct timespec t;
    if (period_ns() == 0 || progress == watchdog.progress)
        return;
    clock_gettime(CLOCK_MONOTONIC, &t);
    int64_t now = (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
    if (now - watchdog.fed_ns < period_ns())
        return;
    watchdog.fed_ns = now;
    watchdog.progress = progress;
    sd_notify(0, "WATCHDOG=1");
}

int notify_period_ms(void)
{
    return period_ns() > 0 ? (int)(period_ns() / 1000000) : -1;
}
