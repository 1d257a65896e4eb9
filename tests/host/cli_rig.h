/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Command lines in a folder of the test's own, as a shell runs them. */
#pragma once
#include <stddef.h>

#define MIRADOR MIRADOR_BIN_DIR "/mirador"

extern char folder[128];
extern char out[65536]; /* what the last one printed */

/* A new one, and TMPDIR in it: what demos of others left behind is not swept, nor told, in here. */
int make_folder(void **state);
int remove_folder(void **state);
void write_file(const char *name, const char *text);

/* Run there; the exit code, -1 after a signal. */
int shell(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* `mirador ARGS`, stdout and stderr in out. */
int mirador(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* Refused with code 2 and one line that has this in it. */
void refused(const char *args, const char *text);

size_t lines_of(const char *text);
