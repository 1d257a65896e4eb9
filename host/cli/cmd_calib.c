/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * mirador calib: calibrations of a running base station, and experiments on a surface. */
#include "host/cli/cmd_calib.h"

#include "host/cli/cmd.h"
#include "host/cli/verbs.h"

static const struct verb verbs[] = {
    {"delay", "mirador calib delay", cmd_calib_delay, "the radio's delay, from leak or cable"},
    {"channels", "mirador calib channels", cmd_calib_channels,
     "phases and gains of the receive channels"},
    {"background", "mirador calib background", cmd_calib_background, "capture the empty room"},
    {"list", "mirador calib list", cmd_calib_list, "what the base station keeps"},
    {"pixels", "mirador calib pixels", cmd_calib_pixels, "find the user and the broken pixels"},
    {"simulate", "mirador calib simulate", cmd_calib_simulate, "make a dataset of a scenario"},
};

int cmd_calib(int argc, char **argv)
{
    const struct verb_table table = {"mirador calib", "docs/calibration.md", verbs,
                                     sizeof verbs / sizeof *verbs};
    return verbs_run(&table, argc, argv);
}
