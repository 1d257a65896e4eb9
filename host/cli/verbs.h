/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Subcommands of a subcommand: "mirador ris VERB". */
#pragma once
#include <stddef.h>

struct verb {
    const char *name;
    char *title; /* "mirador ris list", argv[0] of its own options */
    int (*run)(int argc, char **argv);
    const char *help; /* one line */
};

struct verb_table {
    const char *program; /* "mirador ris" */
    const char *page;    /* "docs/ris.md", where examples are */
    const struct verb *verbs;
    size_t n; /* 1..16 */
};

/* Runs the verb that argv[1] names, or prints the help, or says what it could have meant. Returns
 * the exit code. */
int verbs_run(const struct verb_table *table, int argc, char **argv);
