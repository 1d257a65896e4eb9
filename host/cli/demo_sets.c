/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "host/cli/demo_sets.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"

static const char *const programs[] = {"room", "ris", "bs", "ue", "view"};

/* What follows "ue[1]." of "ue[1].KEY=VALUE" and which that is; NULL: it is not of this form. */
static const char *of_terminal(const char *set, size_t *terminal)
{
    char *end;
    if (strncmp(set, "ue[", 3) != 0 || set[3] < '0' || set[3] > '9')
        return NULL;
    *terminal = strtoul(set + 3, &end, 10);
    return strncmp(end, "].", 2) == 0 ? end + 2 : NULL;
}

int demo_sets_check(const char *set, struct status *err)
{
    size_t terminal;
    if (of_terminal(set, &terminal) && terminal < DEMO_USERS_MAX && strchr(set, '='))
        return 0;
    for (size_t i = 0; i < sizeof programs / sizeof *programs; i++) {
        size_t n = strlen(programs[i]);
        if (strncmp(set, programs[i], n) == 0 && set[n] == '.' && strchr(set, '='))
            return 0;
    }
    return status_set(err, ERR_ARG,
                      "--set needs PROGRAM.KEY=VALUE, PROGRAM one of room, ris, bs, ue, view, or "
                      "ue[0] to ue[%d] for one terminal; not '%.60s'",
                      DEMO_USERS_MAX - 1, set);
}

void demo_sets_add_but(const struct demo_cfg *cfg, const char *program, const char *but,
                       struct command *command)
{
    size_t n = strlen(program);
    for (size_t i = 0; i < cfg->n_sets; i++) {
        const char *set = cfg->sets[i];
        if (strncmp(set, program, n) != 0 || set[n] != '.')
            continue;
        if (!but || strncmp(set + n + 1, but, strlen(but)) != 0)
            command_set(command, "%s", set + n + 1);
    }
}

void demo_sets_add(const struct demo_cfg *cfg, const char *program, struct command *command)
{
    demo_sets_add_but(cfg, program, NULL, command);
}

void demo_sets_add_terminal(const struct demo_cfg *cfg, size_t terminal, struct command *command)
{
    size_t of;
    for (size_t i = 0; i < cfg->n_sets; i++) {
        const char *set = of_terminal(cfg->sets[i], &of);
        if (set && of == terminal)
            command_set(command, "%s", set);
    }
}
