/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Why something is refused, for whoever asked. Setup only. */
#pragma once
#include "frames/status.h"

/* Fills *err; returns code. */
int calib_refuse(struct status *err, int code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
