/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A report's or a command's JSON, put together piece by piece in a buffer of the caller's. RT-safe.
 */
#pragma once
#include <math.h>
#include <stdbool.h>
#include <stddef.h>

struct report_text {
    char *out;
    size_t size; /* of out, the terminating zero included */
    size_t n;    /* written so far; size or more: did not fit */
};

/* Appends; nothing once something did not fit. */
void report_add(struct report_text *t, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Appends `,"name":x` to four digits; null if x is not finite: not known. */
void report_add_figure(struct report_text *t, const char *name, double x);
/* Likewise `,"PREFIXname":x`, to so many decimals. */
void report_add_fixed(struct report_text *t, const char *prefix, const char *name, int decimals,
                      double x);

/* Counts what a formatter of n characters put at out + t->n; negative: it did not fit. */
void report_added(struct report_text *t, int n);

/* JSON has no NaN and no infinity. */
static inline double report_number(double x)
{
    return isfinite(x) ? x : 0;
}

static inline const char *report_boolean(bool b)
{
    return b ? "true" : "false";
}

/* Length, or ERR_NO_SPACE. */
int report_length(const struct report_text *t);
