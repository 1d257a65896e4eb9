/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * mirador-recording: what `mirador replay` and `mirador record info|check|cut|export` run. A
 * program of its own because it is linked with all that the base station is. */
#include "base/log.h"
#include "host/cli/recording_verbs.h"
#include "host/cli/verbs.h"

static const struct verb verbs[] = {
    {"replay", "mirador replay", recording_replay_verb, "work a recording over again, bit by bit"},
    {"info", "mirador record info", recording_info_verb, "what a recording holds"},
    {"check", "mirador record check", recording_check_verb,
     "whether it is whole; --repair mends it"},
    {"cut", "mirador record cut", recording_cut_verb, "a part of it as a recording of its own"},
    {"export", "mirador record export", recording_export_verb, "its estimates as HDF5, figures"},
};
static const struct verb_table table = {
    .program = "mirador-recording",
    .page = "docs/recording.md",
    .verbs = verbs,
    .n = sizeof verbs / sizeof *verbs,
};

int main(int argc, char **argv)
{
    log_open("mirador", LOG_LEVEL_INFO);
    return verbs_run(&table, argc, argv);
}
