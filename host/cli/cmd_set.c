/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * mirador set: what a running miradord shall do otherwise from its next cycle on; mirador shutdown:
 * that it shall end. */
#include <string.h>

#include "base/log.h"
#include "host/cli/cmd.h"
#include "host/cli/daemon_link.h"
#include "host/cli/orders.h"
#include "host/cli/verbs.h"

static int apply_gain(json_t *q, const char *name, const char *value, struct status *err)
{
    return order_number(q, strcmp(name, "tx") == 0 ? "tx_db" : "rx_db", name, value, err);
}

static int take_frequency(json_t *q, char **operands, struct status *err)
{
    return order_number(q, "carrier_hz", "HZ", operands[0], err);
}

static int take_period(json_t *q, char **operands, struct status *err)
{
    return order_number(q, "period_s", "SECONDS", operands[0], err);
}

static int take_pause(json_t *q, char **operands, struct status *err)
{
    return order_number(q, "seconds", "SECONDS", operands[0], err);
}

static int take_identity(json_t *q, char **operands, struct status *err)
{
    (void)err; /* the daemon knows which there are */
    json_object_set_new(q, "mode", json_string(operands[0]));
    return OK;
}

static int take_profile(json_t *q, char **operands, struct status *err)
{
    json_object_set_new(q, "surface", json_string(operands[0]));
    if (strcmp(operands[1], "auto") != 0)
        return order_whole(q, "profile", "NUMBER", operands[1], err);
    json_object_set_new(q, "profile", json_null());
    return OK;
}

static const struct option_spec link_specs[] = {DAEMON_LINK_SPECS};
#define N(list) (sizeof(list) / sizeof *(list))

static int gain(int argc, char **argv)
{
    static const struct option_spec specs[] = {{"tx", 't', "DB", "of every transmit channel"},
                                               {"rx", 'r', "DB", "of every receive channel"},
                                               DAEMON_LINK_SPECS};
    static const struct order order = {
        .title = "mirador set gain",
        .cmd = "gain",
        .synopsis = "Gains, at the next cycle's start. What was calibrated under others is void.",
        .specs = specs,
        .n_specs = N(specs),
        .apply = apply_gain,
        .by_radio = true};
    return order_run(&order, argc, argv);
}

static int frequency(int argc, char **argv)
{
    static const struct order order = {
        .title = "mirador set frequency",
        .cmd = "frequency",
        .operands = "HZ",
        .synopsis = "Carrier of both directions, at the next cycle's start. Terminals have to\n"
                    "follow by themselves. What was calibrated at another is void.",
        .n_operands = 1,
        .specs = link_specs,
        .n_specs = N(link_specs),
        .take = take_frequency,
        .by_radio = true};
    return order_run(&order, argc, argv);
}

static int period(int argc, char **argv)
{
    static const struct order order = {
        .title = "mirador set period",
        .cmd = "period",
        .operands = "SECONDS",
        .synopsis = "Time from cycle to cycle: a whole multiple of schedule.cycle_period_s, by\n"
                    "which terminals listen.",
        .n_operands = 1,
        .specs = link_specs,
        .n_specs = N(link_specs),
        .take = take_period};
    return order_run(&order, argc, argv);
}

static int identity(int argc, char **argv)
{
    static const struct order order = {
        .title = "mirador set identity",
        .cmd = "identity",
        .operands = "MODE",
        .synopsis = "How paths are told apart from the next cycle on: 'coded' or 'steering'.",
        .n_operands = 1,
        .specs = link_specs,
        .n_specs = N(link_specs),
        .take = take_identity};
    return order_run(&order, argc, argv);
}

static int profile(int argc, char **argv)
{
    static const struct order order = {.title = "mirador set profile",
                                       .cmd = "hold",
                                       .operands = "SURFACE NUMBER|auto",
                                       .synopsis =
                                           "Profile that a surface shows; auto: as ris.mode says.",
                                       .n_operands = 2,
                                       .specs = link_specs,
                                       .n_specs = N(link_specs),
                                       .take = take_profile};
    return order_run(&order, argc, argv);
}

static int pause_for(int argc, char **argv)
{
    static const struct order order = {.title = "mirador set pause",
                                       .cmd = "pause",
                                       .operands = "SECONDS",
                                       .synopsis =
                                           "Neither bursts nor captures for so long; 0 goes on.",
                                       .n_operands = 1,
                                       .specs = link_specs,
                                       .n_specs = N(link_specs),
                                       .take = take_pause};
    return order_run(&order, argc, argv);
}

int cmd_shutdown(int argc, char **argv)
{
    static const struct order order = {
        .title = "mirador shutdown",
        .cmd = "shutdown",
        .synopsis = "Tells a running miradord to end cleanly. A service stays down until it is\n"
                    "started again.",
        .specs = link_specs,
        .n_specs = N(link_specs)};
    return order_run(&order, argc, argv);
}

int cmd_set(int argc, char **argv)
{
    static const struct verb verbs[] = {
        {"gain", "mirador set gain", gain, "of transmitter and receiver"},
        {"frequency", "mirador set frequency", frequency, "carrier of both directions"},
        {"period", "mirador set period", period, "time from cycle to cycle"},
        {"identity", "mirador set identity", identity, "how paths are told apart"},
        {"profile", "mirador set profile", profile, "what a surface shows"},
        {"pause", "mirador set pause", pause_for, "neither bursts nor captures"},
    };
    static const struct verb_table table = {.program = "mirador set",
                                            .page = "docs/telemetry.md",
                                            .verbs = verbs,
                                            .n = sizeof verbs / sizeof *verbs};
    return verbs_run(&table, argc, argv);
}
