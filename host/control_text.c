/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "host/control_text.h"
#include "frames/status.h"

int control_text(json_t *object, int digits, char *out, size_t size)
{
    const size_t flags = JSON_COMPACT | JSON_REAL_PRECISION((size_t)digits);
    const size_t n = object ? json_dumpb(object, out, size - 1, flags) : 0;
    json_decref(object);
    out[n < size ? n : 0] = '\0';
    return n > 0 && n < size ? (int)n : ERR_NO_SPACE;
}
