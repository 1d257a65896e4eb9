/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "calib/refuse.h"

#include <stdarg.h>
#include <stdio.h>

int calib_refuse(struct status *err, int code, const char *format, ...)
{
    va_list list;
    va_start(list, format);
    err->code = code;
    vsnprintf(err->text, sizeof err->text, format, list);
    va_end(list);
    return code;
}
