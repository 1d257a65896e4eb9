/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * mirador calib: experiments on a surface, simulated and evaluated. */
#include "host/cli/cmd_calib.h"

#include "host/cli/cmd.h"
#include "host/cli/verbs.h"

static const struct verb verbs[] = {
    {"pixels", "mirador calib pixels", cmd_calib_pixels, "find the user and the broken pixels"},
    {"simulate", "mirador calib simulate", cmd_calib_simulate, "make a dataset of a scenario"},
};

int cmd_calib(int argc, char **argv)
{
    const struct verb_table table = {"mirador calib", "docs/calibration.md", verbs,
                                     sizeof verbs / sizeof *verbs};
    return verbs_run(&table, argc, argv);
}
