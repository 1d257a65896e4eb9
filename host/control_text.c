/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "host/control_text.h"
#include "base/log.h"
#include "frames/sensing_frame.h"
#include <ctype.h>
#include <string.h>

enum { NAME_MAX_BYTES = 100 };

bool control_plain_name(const char *name)
{
    size_t n = strlen(name);
    if (n == 0 || n > NAME_MAX_BYTES || name[0] == '.')
        return false;
    for (size_t i = 0; i < n; i++)
        if (!isalnum((unsigned char)name[i]) && !strchr("._-", name[i]))
            return false;
    return true;
}

int control_text(json_t *object, int digits, char *out, size_t size)
{
    const size_t flags = JSON_COMPACT | JSON_REAL_PRECISION((size_t)digits);
    const size_t n = object ? json_dumpb(object, out, size - 1, flags) : 0;
    json_decref(object);
    out[n < size ? n : 0] = '\0';
    return n > 0 && n < size ? (int)n : ERR_NO_SPACE;
}

int control_user(const json_t *value, int *id, struct status *err)
{
    const json_int_t user = json_integer_value(value);
    if (!json_is_integer(value) || user < 0 || user > (json_int_t)SENSING_USER_ID_MAX)
        return status_set(err, ERR_ARG, "\"user\" must be an ID, from 0 to %u",
                          SENSING_USER_ID_MAX);
    *id = (int)user;
    return OK;
}
