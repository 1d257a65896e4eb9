/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What a service manager wants to hear (systemd, Type=notify), over libsystemd. Without one that
 * listens every call does nothing. From one thread, outside the sample path. */
#pragma once
#include <stdint.h>

void notify_ready(void); /* options_ready() says it for every program */
void notify_stopping(void);

/* To be called often, at least every notify_period_ms(). Feeds the watchdog, but only when
 * `progress` has changed since it was last fed: a program that runs and gets nowhere is restarted.
 */
void notify_alive(uint64_t progress);

/* A quarter of the watchdog's patience, to wait in poll() no longer than that; -1: no watchdog. */
int notify_period_ms(void);
