/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "host/control_audit.h"
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { KEY_DIGITS = 32, SHOWN_DIGITS = 8 };

static void hide_keys(char *text)
{
    char *to = text;
    while (*text) {
        size_t n = 0;
        while (isxdigit((unsigned char)text[n]))
            n++;
        const size_t kept = n >= KEY_DIGITS ? SHOWN_DIGITS : n > 0 ? n : 1;
        memmove(to, text, kept);
        to += kept;
        text += n > 0 ? n : 1;
        if (n >= KEY_DIGITS)
            *to++ = '*';
    }
    *to = 0;
}

/* Nothing in it may look like the end of the sender's name. */
static void write_who(const json_t *who, char *to, size_t size)
{
    const char *text = json_string_value(who);
    snprintf(to, size, "%.60s", text ? text : "a program");
    for (char *c = to; *c; c++)
        if (!isalnum((unsigned char)*c) && !strchr(" ._-@:/", *c))
            *c = '?';
}

bool control_audit_line(struct log_site *refusals, const char *sender, json_t *request,
                        const struct status *verdict, char line[CONTROL_AUDIT_BYTES])
{
    char who[64], left_out[64] = "";
    unsigned long before = refusals ? refusals->suppressed : 0;
    if (refusals && verdict->code && !log_site_pass(refusals, &before))
        return false;
    if (before > 0)
        snprintf(left_out, sizeof left_out, " (%lu refusals before this left out)", before);
    if (refusals)
        refusals->suppressed = 0;
    write_who(json_object_get(request, "who"), who, sizeof who);
    json_object_del(request, "who");
    json_object_del(request, "seq");
    char *what = json_dumps(request, JSON_COMPACT | JSON_ENSURE_ASCII | JSON_REAL_PRECISION(12));
    if (what)
        hide_keys(what);
    snprintf(line, CONTROL_AUDIT_BYTES, "command by %s%.40s (%s): %.200s: %s%s",
             sender ? "key " : "local", sender ? sender : "", who, what ? what : "",
             status_name(verdict->code), left_out);
    free(what);
    return true;
}
