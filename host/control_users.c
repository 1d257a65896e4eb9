/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "host/control_users.h"
#include "base/log.h"
#include "host/control_text.h"
#include <string.h>

enum { PRIORITY_MAX = 7 };
#define RATE_MAX_HZ 100.0

static int take_key(const json_t *args, const char **key, struct status *err)
{
    const json_t *value = json_object_get(args, "key");
    *key = json_string_value(value);
    return !value || (*key && control_plain_name(*key))
               ? OK
               : status_set(err, ERR_ARG,
                            "\"key\" must be the name of a file beside the first user's key, of "
                            "letters, digits, '.', '_' and '-'");
}

static int take_rate(const json_t *args, struct roster_wish *wish, struct status *err)
{
    const json_t *rate = json_object_get(args, "rate_hz"),
                 *priority = json_object_get(args, "priority");
    wish->rate_hz = json_number_value(rate);
    wish->priority = (int)json_integer_value(priority);
    if (rate && (!json_is_number(rate) || !(wish->rate_hz >= 0 && wish->rate_hz <= RATE_MAX_HZ)))
        return status_set(err, ERR_ARG, "\"rate_hz\" must be a number from 0 to %g", RATE_MAX_HZ);
    if (priority && (!json_is_integer(priority) || json_integer_value(priority) < 0 ||
                     json_integer_value(priority) > PRIORITY_MAX))
        return status_set(err, ERR_ARG, "\"priority\" must be a number from 0 to %d", PRIORITY_MAX);
    return OK;
}

int control_users(const json_t *args, struct roster_wish *wish, struct status *err)
{
    static const char *const words[] = {"list", "add", "set", "remove"};
    const char *what = json_string_value(json_object_get(args, "do"));
    int command = USERS_LIST;
    *wish = (struct roster_wish){0};
    while (command <= USERS_REMOVE && !(what && strcmp(what, words[command]) == 0))
        command++;
    if (command > USERS_REMOVE)
        return status_set(err, ERR_ARG, "\"do\" must be add, set, remove or list");
    if (take_key(args, &wish->key, err) || take_rate(args, wish, err))
        return err->code;
    if (command == USERS_LIST)
        return command;
    return control_user(json_object_get(args, "user"), &wish->id, err) ? err->code : command;
}
