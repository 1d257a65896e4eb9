/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Where a ZeroMQ socket is bound or connected: ipc:///PATH, tcp://HOST:PORT, inproc://NAME. */
#pragma once
#include <stdbool.h>

#include "frames/status.h"

/* ERR_ARG with what was expected, unless it is one of the three. */
int endpoint_check(const char *endpoint, struct status *err) MUST_CHECK;

bool endpoint_is_tcp(const char *endpoint);

/* True if the endpoint stays on this machine: ipc, inproc, tcp on 127.0.0.0/8, ::1 or localhost. */
bool endpoint_is_local(const char *endpoint);

/* True if a process listens at this ipc path: libzmq would unlink it and take its clients away. */
bool endpoint_is_served(const char *endpoint);
