/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The user's own "--set PROGRAM.KEY=VALUE" of `mirador demo`. Added to a command line last, so that
 * they win. */
#pragma once
#include "host/cli/children.h"
#include "host/cli/demo_setup.h"

/* ERR_ARG if it does not name one of the programs. */
int demo_sets_check(const char *set, struct status *err) MUST_CHECK;

/* Those of the program; without the keys that begin with `but`; those of one terminal, "ue[1].". */
void demo_sets_add(const struct demo_cfg *cfg, const char *program, struct command *command);
void demo_sets_add_but(const struct demo_cfg *cfg, const char *program, const char *but,
                       struct command *command);
void demo_sets_add_terminal(const struct demo_cfg *cfg, size_t terminal, struct command *command);
