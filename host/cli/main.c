/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * mirador: the command line. */
#include <stdio.h>
#include <string.h>

#include "base/config.h"
#include "base/log.h"
#include "base/options.h"
#include "host/cli/cmd.h"

static const struct subcommand {
    const char *name;
    char *title; /* argv[0] of its options */
    int (*run)(int argc, char **argv);
    const char *help;
} subcommands[] = {
    {"demo", "mirador demo", cmd_demo, "find a walking user in a simulated room, from nothing"},
    {"doctor", "mirador doctor", cmd_doctor, "what will bite a base station here, and the cure"},
    {"status", "mirador status", cmd_status, "ask a running miradord how it does"},
    {"set", "mirador set", cmd_set, "gain, frequency, period and more of a running miradord"},
    {"shutdown", "mirador shutdown", cmd_shutdown, "end a running miradord"},
    {"users", "mirador users", cmd_users, "whom a running miradord serves"},
    {"ue", "mirador ue", cmd_ue, "permission of the user, at a running mirador-ue"},
    {"schedule", "mirador schedule", cmd_schedule, "what happens when in a cycle, drawn"},
    {"record", "mirador record", cmd_record, "record samples; look at, mend and cut recordings"},
    {"replay", "mirador replay", cmd_replay, "work a recording over again, bit by bit"},
    {"watch", "mirador watch", cmd_watch, "a running miradord in the terminal, as it goes"},
    {"keys", "mirador keys", cmd_keys, "make the secret keys of users and sockets"},
    {"ris", "mirador ris", cmd_ris, "design, show and test the profiles of the surfaces"},
    {"calib", "mirador calib", cmd_calib, "find broken pixels in a dataset, or simulate one"},
    {"bounds", "mirador bounds", cmd_bounds, "how well a dataset's user can be located at all"},
    {"sweep", "mirador sweep", cmd_sweep, "Monte Carlo experiments, on all cores or under mpirun"},
};
#define N_SUBCOMMANDS (sizeof subcommands / sizeof *subcommands)

static int help(void)
{
    puts("usage: mirador SUBCOMMAND [OPTION...]\n");
    for (size_t i = 0; i < N_SUBCOMMANDS; i++)
        printf("  %-8s  %s\n", subcommands[i].name, subcommands[i].help);
    puts("\n'mirador SUBCOMMAND --help' lists its options; --json prints JSON, one object a line.\n"
         "Exit codes: 0 done, 1 the job failed, 2 bad usage or input.");
    return EXIT_DONE;
}

static int unknown(const char *word)
{
    const char *names[N_SUBCOMMANDS];
    for (size_t i = 0; i < N_SUBCOMMANDS; i++)
        names[i] = subcommands[i].name;
    const char *near = config_nearest(word, names, N_SUBCOMMANDS);
    fprintf(stderr, "mirador: unknown %s '%s'%s%s%s; see 'mirador --help'\n",
            word[0] == '-' ? "option" : "subcommand", word, near ? " (did you mean '" : "",
            near ? near : "", near ? "'?)" : "");
    return EXIT_USAGE;
}

int main(int argc, char **argv)
{
    log_open("mirador", LOG_LEVEL_INFO);
    if (argc < 2) {
        fputs("mirador: which subcommand? see 'mirador --help'\n", stderr);
        return EXIT_USAGE;
    }
    const char *word = argv[1];
    if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0 || strcmp(word, "help") == 0)
        return help();
    if (strcmp(word, "--version") == 0) {
        puts("mirador " MIRADOR_VERSION);
        return EXIT_DONE;
    }
    for (size_t i = 0; i < N_SUBCOMMANDS; i++)
        if (strcmp(word, subcommands[i].name) == 0) {
            argv[1] = subcommands[i].title;
            return subcommands[i].run(argc - 1, argv + 1);
        }
    return unknown(word);
}
