/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A board's processor in QEMU (machine netduinoplus2), which runs the firmware's ARM code: its
 * UART, its log of register writes, and the line to its trigger pin. Not thread-safe. */
#pragma once
#include "frames/status.h"
#include "ris_ctrl/shift_log.h"
#include <sys/types.h>

struct qemu_machine {
    pid_t pid;
    int uart; /* stream of bytes, non-blocking */
    int qtest;
    int log; /* non-blocking; the machine stands still while 1 MB of it is unread */
    const char *name;
};

/* The firmware beside this program, or the file that MIRADOR_RIS_ELF names. */
void qemu_machine_elf(char *path, size_t cap);

/* Setup only. name: of the board, for messages, outlives the machine. ERR_NOT_FOUND without QEMU or
 * without the file elf. */
int qemu_machine_start(struct qemu_machine *m, const char *name, const char *elf,
                       struct status *err) MUST_CHECK;
void qemu_machine_stop(struct qemu_machine *m); /* pulls the plug; may be called twice */

/* A pulse on the trigger pin that ends at the level it began: both edges. Reads the log meanwhile,
 * as a machine that waits for its reader takes no edge. */
int qemu_machine_pulse(struct qemu_machine *m, struct shift_log *s, struct status *err) MUST_CHECK;

/* Moves the log that is there, or comes within timeout_ms, into s. 1 when there was any, 0, ERR_IO
 * when the machine has ended. */
int qemu_machine_read(struct qemu_machine *m, struct shift_log *s, int timeout_ms) MUST_CHECK;
