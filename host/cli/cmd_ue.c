/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * mirador ue: the user's permission, at a running mirador-ue. */
#include <stdio.h>
#include <string.h>

#include "host/cli/cmd.h"
#include "host/cli/orders.h"
#include "host/cli/verbs.h"

#define PROGRAM  "mirador-ue"
#define ENDPOINT "ipc:///run/mirador/ue-control.sock"

static const struct option_spec specs[] = {
    {"endpoint", 'e', "ENDPOINT", "control.endpoint of the terminal (" ENDPOINT ")"},
};

static void show(const json_t *answer)
{
    const char *is = json_string_value(json_object_get(answer, "answer"));
    const json_t *last = json_object_get(answer, "last_cycle");
    printf("user %.0f: ", json_number_value(json_object_get(answer, "user")));
    if (is && strcmp(is, "yes") == 0)
        printf("permits to be located");
    else if (is && strcmp(is, "no") == 0)
        printf("withdrawn, says no %.0f times more",
               json_number_value(json_object_get(answer, "noes")));
    else
        printf("does not permit, and is silent");
    if (json_is_integer(last))
        printf("; last asked in cycle %lld\n", (long long)json_integer_value(last));
    else
        printf("; not asked yet\n");
}

static int ask(const char *title, const char *cmd, const char *synopsis, int argc, char **argv)
{
    const struct order order = {.title = title,
                                .cmd = cmd,
                                .synopsis = synopsis,
                                .program = PROGRAM,
                                .endpoint = ENDPOINT,
                                .specs = specs,
                                .n_specs = sizeof specs / sizeof *specs,
                                .show = show};
    return order_run(&order, argc, argv);
}

static int permit(int argc, char **argv)
{
    return ask("mirador ue permit", "permit",
               "The base station may locate this user from the next cycle on. With\n"
               "user.permit: no until the terminal ends.",
               argc, argv);
}

static int withdraw(int argc, char **argv)
{
    return ask("mirador ue withdraw", "withdraw",
               "No position and no data of this user from the next cycle on, until 'mirador ue\n"
               "permit': a restart does not change it.",
               argc, argv);
}

static int status(int argc, char **argv)
{
    return ask("mirador ue status", "status", "Whether this user permits to be located.", argc,
               argv);
}

int cmd_ue(int argc, char **argv)
{
    static const struct verb verbs[] = {
        {"status", "mirador ue status", status, "whether the user permits to be located"},
        {"permit", "mirador ue permit", permit, "give permission"},
        {"withdraw", "mirador ue withdraw", withdraw, "withdraw it"},
    };
    static const struct verb_table table = {.program = "mirador ue",
                                            .page = "docs/users.md",
                                            .verbs = verbs,
                                            .n = sizeof verbs / sizeof *verbs};
    return verbs_run(&table, argc, argv);
}
