/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "host/cli/verbs.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "base/config.h"
#include "base/options.h"

#define VERBS_MAX 16

static int help(const struct verb_table *t)
{
    int width = 0;
    for (size_t i = 0; i < t->n; i++)
        width = (int)strlen(t->verbs[i].name) > width ? (int)strlen(t->verbs[i].name) : width;
    printf("usage: %s VERB [OPTION...]\n\n", t->program);
    for (size_t i = 0; i < t->n; i++)
        printf("  %-*s  %s\n", width, t->verbs[i].name, t->verbs[i].help);
    printf("\n'%s VERB --help' lists its options. %s has examples.\n", t->program, t->page);
    return EXIT_DONE;
}

int verbs_run(const struct verb_table *t, int argc, char **argv)
{
    const char *word = argc > 1 ? argv[1] : NULL;
    const char *names[VERBS_MAX];
    assert(t->n >= 1 && t->n <= VERBS_MAX);
    if (word == NULL) {
        fprintf(stderr, "%s: which verb? see '%s --help'\n", t->program, t->program);
        return EXIT_USAGE;
    }
    if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0)
        return help(t);
    for (size_t i = 0; i < t->n; i++) {
        names[i] = t->verbs[i].name;
        if (strcmp(word, names[i]) != 0)
            continue;
        argv[1] = t->verbs[i].title;
        return t->verbs[i].run(argc - 1, argv + 1);
    }
    const char *near = config_nearest(word, names, t->n);
    fprintf(stderr, "%s: unknown verb '%s'%s%s%s; see '%s --help'\n", t->program, word,
            near ? " (did you mean '" : "", near ? near : "", near ? "'?)" : "", t->program);
    return EXIT_USAGE;
}
