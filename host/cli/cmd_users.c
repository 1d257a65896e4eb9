/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * mirador users: whom a running miradord serves. */
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "host/cli/cmd.h"
#include "host/cli/daemon_link.h"
#include "host/cli/orders.h"
#include "host/cli/verbs.h"

static int take_id(json_t *q, char **operands, struct status *err)
{
    return order_whole(q, "user", "ID", operands[0], err);
}

static int take_permission(json_t *q, char **operands, struct status *err)
{
    const bool yes = strcmp(operands[1], "yes") == 0;
    if (!yes && strcmp(operands[1], "no") != 0)
        return status_set(err, ERR_ARG, "expected yes or no, not '%.40s'", operands[1]);
    json_object_set_new(q, "allow", json_boolean(yes));
    return take_id(q, operands, err);
}

static int apply_wish(json_t *q, const char *name, const char *value, struct status *err)
{
    if (strcmp(name, "rate") == 0)
        return order_number(q, "rate_hz", "--rate", value, err);
    if (strcmp(name, "priority") == 0)
        return order_whole(q, "priority", "--priority", value, err);
    json_object_set_new(q, "key", json_string(value));
    return OK;
}

static void show_users(const json_t *answer)
{
    size_t i;
    json_t *user;
    printf("%8s  %-10s %6s %8s %8s %9s %8s\n", "user", "state", "rate", "priority", "asked",
           "permitted", "fixes");
    json_array_foreach(json_object_get(answer, "users"), i, user)
    {
        const char *state = json_string_value(json_object_get(user, "state"));
        printf("%8.0f  %-10s %6.3g %8.0f %8.0f %9.0f %8.0f%s\n",
               json_number_value(json_object_get(user, "id")), state ? state : "?",
               json_number_value(json_object_get(user, "rate_hz")),
               json_number_value(json_object_get(user, "priority")),
               json_number_value(json_object_get(user, "asked")),
               json_number_value(json_object_get(user, "permitted")),
               json_number_value(json_object_get(user, "fixes")),
               json_is_true(json_object_get(user, "allowed")) ? "" : "  withheld");
    }
}

static const struct option_spec link_specs[] = {DAEMON_LINK_SPECS};
#define WISH_SPECS                                                                                 \
    {"rate", 0, "HZ", "cycles per second that ask this user; 0: shares what is left (0)"},         \
    {                                                                                              \
        "priority", 0, "N", "0 to 7, the higher comes first when not all can have theirs (0)"      \
    }
#define N(list) (sizeof(list) / sizeof *(list))

static int list(int argc, char **argv)
{
    static const struct order order = {.title = "mirador users list",
                                       .cmd = "users",
                                       .what = "list",
                                       .synopsis =
                                           "Who is served, how often, and with what consent.",
                                       .specs = link_specs,
                                       .n_specs = N(link_specs),
                                       .show = show_users};
    return order_run(&order, argc, argv);
}

static int add(int argc, char **argv)
{
    static const struct option_spec specs[] = {
        {"key", 'k', "NAME", "file beside the first configured user's key (user-ID.key)"},
        WISH_SPECS,
        DAEMON_LINK_SPECS};
    static const struct order order = {
        .title = "mirador users add",
        .cmd = "users",
        .what = "add",
        .operands = "ID",
        .synopsis = "Serves one more user from the next cycle on, until the daemon ends. His key\n"
                    "lies on the daemon's machine: see 'mirador keys'.",
        .n_operands = 1,
        .specs = specs,
        .n_specs = N(specs),
        .apply = apply_wish,
        .take = take_id};
    return order_run(&order, argc, argv);
}

static int change(int argc, char **argv)
{
    static const struct option_spec specs[] = {WISH_SPECS, DAEMON_LINK_SPECS};
    static const struct order order = {.title = "mirador users set",
                                       .cmd = "users",
                                       .what = "set",
                                       .operands = "ID",
                                       .synopsis = "Another rate and priority, from the next cycle "
                                                   "on, until the daemon ends.",
                                       .n_operands = 1,
                                       .specs = specs,
                                       .n_specs = N(specs),
                                       .apply = apply_wish,
                                       .take = take_id};
    return order_run(&order, argc, argv);
}

static int take_away(int argc, char **argv)
{
    static const struct order order = {.title = "mirador users remove",
                                       .cmd = "users",
                                       .what = "remove",
                                       .operands = "ID",
                                       .synopsis = "Asks a user no more, from the next cycle on.",
                                       .n_operands = 1,
                                       .specs = link_specs,
                                       .n_specs = N(link_specs),
                                       .take = take_id};
    return order_run(&order, argc, argv);
}

static int permit(int argc, char **argv)
{
    static const struct order order = {.title = "mirador users permit",
                                       .cmd = "permit",
                                       .operands = "ID yes|no",
                                       .synopsis =
                                           "no: the user is not located though he permits it.",
                                       .n_operands = 2,
                                       .specs = link_specs,
                                       .n_specs = N(link_specs),
                                       .take = take_permission};
    return order_run(&order, argc, argv);
}

int cmd_users(int argc, char **argv)
{
    static const struct verb verbs[] = {
        {"list", "mirador users list", list, "who is served"},
        {"add", "mirador users add", add, "one more"},
        {"set", "mirador users set", change, "how often one is asked"},
        {"remove", "mirador users remove", take_away, "one less"},
        {"permit", "mirador users permit", permit, "whether a user may be located here"},
    };
    static const struct verb_table table = {.program = "mirador users",
                                            .page = "docs/users.md",
                                            .verbs = verbs,
                                            .n = sizeof verbs / sizeof *verbs};
    return verbs_run(&table, argc, argv);
}
