/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Subcommands of `mirador`. Each gets its own argv (argv[0] is "mirador NAME") and returns an exit
 * code. */
#pragma once

int cmd_bounds(int argc, char **argv);
int cmd_calib(int argc, char **argv);
int cmd_demo(int argc, char **argv);
int cmd_doctor(int argc, char **argv);
int cmd_status(int argc, char **argv);
int cmd_keys(int argc, char **argv);
int cmd_record(int argc, char **argv);
int cmd_recording(const char *verb, int argc, char **argv); /* replay, info, check, cut, export */
int cmd_replay(int argc, char **argv);
int cmd_ris(int argc, char **argv);
int cmd_schedule(int argc, char **argv);
int cmd_set(int argc, char **argv);
int cmd_shutdown(int argc, char **argv);
int cmd_sweep(int argc, char **argv);
int cmd_ue(int argc, char **argv);
int cmd_users(int argc, char **argv);
int cmd_watch(int argc, char **argv);
