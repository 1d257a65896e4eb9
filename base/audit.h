/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The audit log: one line per event that touches somebody's permission or a program's settings,
 * appended to a file of mode 0600. Never from the sample path. */
#pragma once
#include "frames/status.h"

struct audit;

/* Setup only. NULL: the file cannot be opened (says why in *err). */
struct audit *audit_open(const char *path, struct status *err);
void audit_close(struct audit **audit);
/* One line: UTC time, then the text. NULL audit: only to the log. */
void audit_write(struct audit *audit, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
