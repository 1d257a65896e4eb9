/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "host/report_text.h"
#include "frames/status.h"
#include <stdarg.h>
#include <stdio.h>

void report_added(struct report_text *t, int n)
{
    t->n = n < 0 ? t->size : t->n + (size_t)n;
}

void report_add(struct report_text *t, const char *format, ...)
{
    va_list args;
    if (t->n >= t->size)
        return;
    va_start(args, format);
    report_added(t, vsnprintf(t->out + t->n, t->size - t->n, format, args));
    va_end(args);
}

void report_add_figure(struct report_text *t, const char *name, double x)
{
    if (isfinite(x))
        report_add(t, ",\"%s\":%.4g", name, x);
    else
        report_add(t, ",\"%s\":null", name);
}

void report_add_fixed(struct report_text *t, const char *prefix, const char *name, int decimals,
                      double x)
{
    report_add(t, ",\"%s%s\":", prefix, name);
    if (isfinite(x))
        report_add(t, "%.*f", decimals, x);
    else
        report_add(t, "null");
}

int report_length(const struct report_text *t)
{
    return t->n < t->size ? (int)t->n : ERR_NO_SPACE;
}
