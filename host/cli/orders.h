/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A command line that becomes one command to a running miradord, "mirador set", "mirador users", or
 * mirador-ue, "mirador ue". */
#pragma once
#include <jansson.h>

#include "base/options.h"

struct order {
    const char *title;      /* "mirador set gain" */
    const char *cmd, *what; /* "cmd" and "do" of the command; what may be NULL */
    const char *operands, *synopsis;
    size_t n_operands;
    const char *program, *endpoint;  /* asked, and where unless told; NULL: miradord */
    const struct option_spec *specs; /* with DAEMON_LINK_SPECS, or --endpoint at least */
    size_t n_specs;
    /* An option of its own, or the operands, into the command; NULL: there are none. */
    int (*apply)(json_t *question, const char *name, const char *value, struct status *err);
    int (*take)(json_t *question, char **operands, struct status *err);
    void (*show)(const json_t *answer); /* NULL: nothing is said when it went well */
    bool by_radio; /* carried out after the answer: waits for "setting" of the status */
};

/* Parses, asks, shows. Returns the exit code. */
int order_run(const struct order *order, int argc, char **argv);

/* A number, or a whole one from 0 on, into the command. name: for the message. */
int order_number(json_t *question, const char *key, const char *name, const char *text,
                 struct status *err) MUST_CHECK;
int order_whole(json_t *question, const char *key, const char *name, const char *text,
                struct status *err) MUST_CHECK;
