/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * mirador-view with a daemon of our own behind it, which sends telemetry 200 times a second and
 * answers every command. One in a process. */
#pragma once
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

extern struct view_bench {
    char folder[128], host[40], origin[60]; /* of its state; as a browser names the bridge */
    int port;
    atomic_uint commands; /* that the daemon has heard */
} view_bench;

/* Group set-up and tear-down. */
int view_bench_make(void **state);
int view_bench_remove(void **state);

/* The bridge alone; more: one more assignment of its configuration, NULL: without a token. Fail the
 * test when it does not start, or does not end well. */
void view_bench_start(const char *more);
void view_bench_stop(void);

/* What stands behind #token= of its address. */
bool view_bench_token(char *token, size_t size);
long view_bench_rss_kib(void); /* most memory it has had */

int view_bench_open_page(void); /* a socket, to be closed */
/* A well-behaved page gets its greeting, telemetry, and an answer. */
void view_bench_assert_alive(void);
