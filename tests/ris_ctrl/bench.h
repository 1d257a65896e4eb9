/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * mirador-ris as a real process with two native boards, and a made-up room that writes down what
 * the boards report. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "frames/ris_report.h"

#define BENCH_REPORTS 64

struct bench_report {
    struct ris_report head; /* without its patterns */
    uint8_t steps[RIS_STEPS_MAX * 32];
    uint8_t idle[32]; /* 16 x 16 x 1 bit */
};

struct bench {
    char folder[64];
    char ris[128], room[128]; /* endpoints */
    pid_t controller;
    void *zmq;
};

/* Starts the room; delay_ms: before it answers a board of that name ("" = all). */
void bench_room_start(struct bench *b);
void bench_room_stop(struct bench *b);
void bench_room_slow(const char *board, int delay_ms);
void bench_room_refuse(const char *board, int code);
/* How many reports came from that board; copies the last one to *last unless NULL. */
size_t bench_room_reports(const char *board, struct bench_report *last);

/* Starts mirador-ris and waits for its readiness. Extra --set arguments, NULL-terminated. Returns
 * 0, or the exit code plus 1000 if it ended instead; its stderr is in text (may be NULL). */
int bench_start(struct bench *b, const char *const *sets, char *text, size_t size);

/* SIGTERM; returns the exit code, or -signal. */
int bench_stop(struct bench *b);

/* Everything that the controller wrote to stderr so far. */
void bench_log(struct bench *b, char *text, size_t size);

/* Process of a native board, 0 = none; waits up to a second for one other than `not`. */
pid_t bench_board_pid(struct bench *b, const char *board, pid_t other_than);

/* The same of the program behind a board, by what its name ends with; 0 = none. */
pid_t bench_child_pid(struct bench *b, const char *program, pid_t other_than);

/* A copy of its end of the line to the controller, -1 if this user may not have it. */
int bench_board_line(pid_t pid);
