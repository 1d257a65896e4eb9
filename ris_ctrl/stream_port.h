/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The byte stream to a board: a serial line or a socket. Setup only. */
#pragma once
#include "frames/status.h"
#include <stdbool.h>
#include <stddef.h>

/* port: "/dev/ttyACM0" (a tty or pty: raw, 8N1, no flow control, any baud up to 4 M, ours alone),
 * "unix:/path/of.sock", or "tcp:HOST:PORT" (connects within timeout_ms). Returns a non-blocking
 * descriptor whose input is empty. With the board's name and a cure in *err: ERR_NOT_FOUND, ERR_IO
 * when there is nothing at that port, ERR_BUSY when another program has it, ERR_ARG when it can be
 * no board's. */
int stream_port_open(const char *port, unsigned baud, unsigned timeout_ms, const char *board,
                     struct status *err) MUST_CHECK;

/* Gives the tty up at once, also while a child that another thread has just forked still shares
 * the descriptor. */
void stream_port_close(int fd);

/* Is this the name of a port? */
bool stream_port_valid(const char *port);

/* Waits until it takes bytes; false when time is up or the program stops. */
bool stream_port_writable(int fd, unsigned timeout_ms);

/* Writes everything within timeout_ms. ERR_TIMEOUT, ERR_IO. */
int stream_port_write(int fd, const void *bytes, size_t n, unsigned timeout_ms) MUST_CHECK;

/* Reads what is there, waiting at most timeout_ms for the first byte. Returns the bytes read, 0
 * when there were none, ERR_IO when the stream has ended, ERR_INTERRUPTED when the program stops.
 */
int stream_port_read(int fd, void *bytes, size_t cap, unsigned timeout_ms) MUST_CHECK;

/* Drops input until nothing comes for quiet_ms, at most for a second. */
void stream_port_drain(int fd, unsigned quiet_ms);
