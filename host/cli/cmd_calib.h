/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Verbs of `mirador calib`. */
#pragma once

int cmd_calib_delay(int argc, char **argv);
int cmd_calib_channels(int argc, char **argv);
int cmd_calib_background(int argc, char **argv);
int cmd_calib_list(int argc, char **argv);
int cmd_calib_simulate(int argc, char **argv);
int cmd_calib_pixels(int argc, char **argv);
