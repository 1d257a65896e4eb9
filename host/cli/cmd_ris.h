/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The verbs of `mirador ris`. Each gets its own argv and returns an exit code. */
#pragma once

int cmd_ris_list(int argc, char **argv);
int cmd_ris_design(int argc, char **argv);
int cmd_ris_push(int argc, char **argv);
int cmd_ris_show(int argc, char **argv);
int cmd_ris_test(int argc, char **argv);
int cmd_ris_watch(int argc, char **argv);
