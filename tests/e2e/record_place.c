/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/e2e/record_place.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>

#include <cmocka.h>

static char folder[] = "/tmp/mirador-rec-XXXXXX";

int record_place_make(void **state)
{
    (void)state;
    return mkdtemp(folder) ? demo_place_make(state) : -1;
}

int record_place_remove(void **state)
{
    char command[100];
    snprintf(command, sizeof command, "rm -r %s", folder);
    return system(command) || demo_place_remove(state);
}

const char *record_place(void)
{
    return folder;
}

int record_run(const char *format, ...)
{
    char command[1024];
    va_list args;
    va_start(args, format);
    int n = vsnprintf(command, sizeof command, format, args);
    va_end(args);
    snprintf(command + n, sizeof command - (size_t)n, " >%s/out 2>&1", folder);
    int status = system(command);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

const char *record_output(void)
{
    static char text[1 << 16];
    char path[100];
    snprintf(path, sizeof path, "%s/out", folder);
    FILE *f = fopen(path, "r");
    assert_non_null(f);
    text[fread(text, 1, sizeof text - 1, f)] = '\0';
    fclose(f);
    return text;
}
