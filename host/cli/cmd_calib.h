/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Verbs of `mirador calib`. */
#pragma once

int cmd_calib_simulate(int argc, char **argv);
int cmd_calib_pixels(int argc, char **argv);
