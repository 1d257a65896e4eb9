/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Is a process still the one we met? A pid alone may have been given to another one since. */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

int64_t wall_ns(void); /* CLOCK_MONOTONIC */

/* Start time of a process in clock ticks since boot; 0 when there is none, it is a zombie or this
 * cannot be told. */
uint64_t process_start(int pid);
/* start 0: any process of that pid will do. Where /proc cannot be read, any of that pid is alive.
 */
bool process_alive(int pid, uint64_t start);
bool thread_alive(int pid, int tid);
int process_id(void); /* getpid, cached; a forked child's own */
int thread_id(void);  /* of the caller, cached */

#ifdef __cplusplus
}
#endif
