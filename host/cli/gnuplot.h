/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * gnuplot as a child process. Setup only. */
#pragma once
#include <stdio.h>

#include "frames/status.h"

/* Text in single quotes, quotes inside doubled. */
void gnuplot_quoted(FILE *script, const char *text);

/* Runs a script in its own folder; ERR_NOT_FOUND: gnuplot is not installed (*err has the cure),
 * ERR_IO: it failed, its message went to stderr. */
int gnuplot_run_file(const char *path, struct status *err) MUST_CHECK;

/* The same of a script in an open file (tmpfile), from its beginning, in the present folder. */
int gnuplot_run(FILE *script, struct status *err) MUST_CHECK;
