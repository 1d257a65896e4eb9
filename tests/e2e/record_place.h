/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A folder for the recordings of a test, and the command line's work on them. */
#pragma once
#include "tests/e2e/demo_run.h"

#define MIRADOR MIRADOR_BIN_DIR "/mirador "
/* The preset's endless stream costs the room three times as much as the windows do. */
#define WINDOWS "--preset b210 --set bs.radio.capture=gated "

/* Group set-up and tear-down; demo_place_make and _remove are done with them. */
int record_place_make(void **state);
int record_place_remove(void **state);
const char *record_place(void);

/* Exit code of a command, -1 if a signal ended it; ... */
int record_run(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* ... and what it has printed. Valid until the next call. */
const char *record_output(void);
