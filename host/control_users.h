/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The command "users": who is served, how often, and with which key. */
#pragma once
#include "frames/status.h"
#include <jansson.h>

struct roster_wish {
    int id;
    const char *key; /* plain name of a file, NULL: user-ID.key; for a user who is added */
    double rate_hz;  /* cycles per second that ask the user; 0: shares what the others leave */
    int priority;    /* 0..7, the higher comes first when not all can have their rate */
};

enum users_command { USERS_LIST, USERS_ADD, USERS_SET, USERS_REMOVE };

/* Reads {"do":.., "user":.., "key":.., "rate_hz":.., "priority":..}. wish->key points into args.
 * Returns an enum users_command or ERR_ARG with what is wrong in *err. */
int control_users(const json_t *args, struct roster_wish *wish, struct status *err) MUST_CHECK;
