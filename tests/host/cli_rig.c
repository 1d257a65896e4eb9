/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/host/cli_rig.h"
#include "base/state_dir.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include <cmocka.h>

char folder[128], out[65536];

int make_folder(void **state)
{
    struct status err;
    (void)state;
    int rc = state_dir_create("mirador-test", folder, sizeof folder, &err);
    unsetenv("XDG_RUNTIME_DIR");
    return rc || setenv("TMPDIR", folder, 1);
}

int remove_folder(void **state)
{
    struct status err;
    (void)state;
    return state_dir_remove(folder, &err);
}

void write_file(const char *name, const char *text)
{
    char path[200];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

int shell(const char *format, ...)
{
    char command[1600];
    int used = snprintf(command, sizeof command, "cd %s && ", folder);
    va_list args;
    va_start(args, format);
    vsnprintf(command + used, sizeof command - (size_t)used, format, args);
    va_end(args);
    FILE *pipe = popen(command, "r");
    assert_non_null(pipe);
    out[fread(out, 1, sizeof out - 1, pipe)] = 0;
    int status = pclose(pipe);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

int mirador(const char *format, ...)
{
    char args[1200];
    va_list list;
    va_start(list, format);
    vsnprintf(args, sizeof args, format, list);
    va_end(list);
    return shell(MIRADOR " %s 2>&1", args);
}

size_t lines_of(const char *text)
{
    size_t n = 0;
    for (; *text; text++)
        n += *text == '\n';
    return n;
}

void refused(const char *args, const char *text)
{
    int code = mirador("%s", args);
    const char *end = strchr(out, '\n');
    if (code != 2 || !strstr(out, text) || !end || end[1])
        fail_msg("mirador %s: code %d, expected 2 and one line with '%s', got: %s", args, code,
                 text, out);
}
