/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * mirador ris: surfaces, from their design to the proof that the board shows it. */
#include "host/cli/cmd_ris.h"

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
    {"list", "mirador ris list", cmd_ris_list, "boards of a running mirador-ris"},
    {"design", "mirador ris design", cmd_ris_design, "compute a profile for a scene's surface"},
    {"push", "mirador ris push", cmd_ris_push, "show a designed profile on a board"},
    {"show", "mirador ris show", cmd_ris_show, "picture of what a board shows, or of a file"},
    {"test", "mirador ris test", cmd_ris_test, "walk patterns over a board, read back, time it"},
    {"watch", "mirador ris watch", cmd_ris_watch, "print every change of state as it happens"},
};
#define N_VERBS (sizeof verbs / sizeof *verbs)

static int help(void)
{
    puts("usage: mirador ris VERB [OPTION...]\n");
    for (size_t i = 0; i < N_VERBS; i++)
        printf("  %-7s  %s\n", verbs[i].name, verbs[i].help);
    puts("\n'mirador ris VERB --help' lists its options. docs/ris.md has examples.");
    return EXIT_DONE;
}

int cmd_ris(int argc, char **argv)
{
    const char *word = argc > 1 ? argv[1] : NULL;
    const char *names[N_VERBS];
    if (word == NULL) {
        fputs("mirador ris: which verb? see 'mirador ris --help'\n", stderr);
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
    fprintf(stderr, "mirador ris: unknown verb '%s'%s%s%s; see 'mirador ris --help'\n", word,
            near ? " (did you mean '" : "", near ? near : "", near ? "'?)" : "");
    return EXIT_USAGE;
}
