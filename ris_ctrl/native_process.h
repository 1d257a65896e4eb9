/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The native board: the firmware's core behind a pair of sockets, in a process of its own. A
 * process and not a thread, because a board can be killed, unplugged or hang, and then its
 * controller must behave the way it does in front of a real one. */
#pragma once
#include "frames/status.h"

#define NATIVE_PROCESS_VERB "--native-board" /* first argument that turns the program into it */

/* argv behind the verb: name columns rows bits slots trigger room-endpoint room-timeout-ms
 * line-fd start-fd. Writes "R" to start-fd when it serves, or the code and the words of why it
 * cannot. Returns the exit code of the process. */
int native_process_main(int argc, char **argv);
