/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A browser's side of HTTP and WebSocket on a raw TCP socket, well-behaved or not. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Connects to 127.0.0.1; -1 if nobody listens. Receiving waits at most 5 s. */
int browser_connect(int port);

/* Sends all; false once the other side has closed. */
bool browser_send(int fd, const void *bytes, size_t n);

/* Sends a request as it is and reads the answer's head and what comes with it, terminated. Returns
 * the status code, 0 if the connection was closed instead. */
int browser_request(int fd, const char *request, char *answer, size_t size);

/* The handshake; returns the status code, 101 if it is done. origin NULL: without one. */
int browser_open(int fd, const char *host, const char *origin);

/* One masked frame. opcode: 1 text, 2 binary, 8 close, 9 ping, 0 continuation. */
bool browser_frame(int fd, int opcode, bool last, const void *bytes, size_t n);
bool browser_say(int fd, const char *text);

/* The next frame whole, of any kind; *bytes holds until the next call. Returns 1, 0 when the other
 * side has closed, -1 when nothing came or it is over 1 MiB. */
int browser_next(int fd, int *opcode, const uint8_t **bytes, size_t *n);

/* The next text frame, terminated and cut; binary ones are skipped and counted. Returns 1, 0 when
 * the other side has closed (*code: the close code, 0 without one), -1 when nothing came. */
int browser_hear(int fd, char *text, size_t size, size_t *binary, int *code);

/* Reads and drops until the other side closes, at most `seconds`. True: it did. */
bool browser_ends(int fd, double seconds);
