/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * mirador ris: surfaces, from their design to the proof that the board shows it. */
#include "host/cli/cmd_ris.h"

#include "host/cli/cmd.h"
#include "host/cli/verbs.h"

static const struct verb verbs[] = {
    {"list", "mirador ris list", cmd_ris_list, "boards of a running mirador-ris"},
    {"design", "mirador ris design", cmd_ris_design, "compute a profile for a scene's surface"},
    {"push", "mirador ris push", cmd_ris_push, "show a designed profile on a board"},
    {"show", "mirador ris show", cmd_ris_show, "picture of what a board shows, or of a file"},
    {"test", "mirador ris test", cmd_ris_test, "walk patterns over a board, read back, time it"},
    {"watch", "mirador ris watch", cmd_ris_watch, "print every change of state as it happens"},
};

int cmd_ris(int argc, char **argv)
{
    const struct verb_table table = {"mirador ris", "docs/ris.md", verbs,
                                     sizeof verbs / sizeof *verbs};
    return verbs_run(&table, argc, argv);
}
