/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Verbs of mirador-recording; each returns the exit code. */
#pragma once

int recording_replay_verb(int argc, char **argv);
int recording_info_verb(int argc, char **argv);
int recording_check_verb(int argc, char **argv);
int recording_cut_verb(int argc, char **argv);
int recording_export_verb(int argc, char **argv);
