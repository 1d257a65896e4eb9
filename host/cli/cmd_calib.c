/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * mirador calib: experiments on a surface, simulated and evaluated. */
#include "host/cli/cmd_calib.h"

#include <stdio.h>
#include <string.h>

#include "base/config.h"
#include "base/options.h"
#include "host/cli/cmd.h"

static const struct verb {
    const char *name;
    char *title;
    int (*run)(int argc, char **argv);
    const char *help;
} verbs[] = {
    {"pixels", "mirador calib pixels", cmd_calib_pixels, "find the user and the broken pixels"},
    {"simulate", "mirador calib simulate", cmd_calib_simulate, "make a dataset of a scenario"},
};
#define N_VERBS (sizeof verbs / sizeof *verbs)

static int help(void)
{
    puts("usage: mirador calib VERB [OPTION...]\n");
    for (size_t i = 0; i < N_VERBS; i++)
        printf("  %-8s  %s\n", verbs[i].name, verbs[i].help);
    puts("\n'mirador calib VERB --help' lists its options. docs/calibration.md has examples.");
    return EXIT_DONE;
}

int cmd_calib(int argc, char **argv)
{
    const char *word = argc > 1 ? argv[1] : NULL;
    const char *names[N_VERBS];
    if (word == NULL) {
        fputs("mirador calib: which verb? see 'mirador calib --help'\n", stderr);
        return EXIT_USAGE;
    }
    if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0)
        return help();
    for (size_t i = 0; i < N_VERBS; i++) {
        names[i] = verbs[i].name;
        if (strcmp(word, names[i]) != 0)
            continue;
        argv[1] = verbs[i].title;
        return verbs[i].run(argc - 1, argv + 1);
    }
    const char *near = config_nearest(word, names, N_VERBS);
    fprintf(stderr, "mirador calib: unknown verb '%s'%s%s%s; see 'mirador calib --help'\n", word,
            near ? " (did you mean '" : "", near ? near : "", near ? "'?)" : "");
    return EXIT_USAGE;
}
