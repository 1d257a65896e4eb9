/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "host/cli/gnuplot.h"

#include <errno.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"

void gnuplot_quoted(FILE *script, const char *text)
{
    fputc('\'', script);
    for (; *text; text++) {
        if (*text == '\'')
            fputc('\'', script);
        fputc(*text, script);
    }
    fputc('\'', script);
}

/* In the child: gnuplot on `name`, or on the descriptor where that is "-". */
static void become_gnuplot(const char *name, int script)
{
    if (script >= 0)
        dup2(script, 0);
    execlp("gnuplot", "gnuplot", name, (char *)NULL);
    _exit(127);
}

static int wait_for(pid_t pid, struct status *err)
{
    int status = 0;
    if (pid < 0)
        return status_set(err, ERR_IO, "gnuplot cannot be run: %s", strerror(errno));
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    if (WIFEXITED(status) && WEXITSTATUS(status) == 127)
        return status_set(err, ERR_NOT_FOUND,
                          "no figure: gnuplot is not installed; apt-get install gnuplot-nox "
                          "(the numbers are in the CSV)");
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
        return status_set(err, ERR_IO, "gnuplot failed; its message stands above");
    return OK;
}

int gnuplot_run(FILE *script, struct status *err)
{
    fflush(script);
    rewind(script);
    pid_t pid = fork();
    if (pid == 0)
        become_gnuplot("-", fileno(script));
    return wait_for(pid, err);
}

int gnuplot_run_file(const char *path, struct status *err)
{
    char folder[600];
    const char *slash = strrchr(path, '/');
    snprintf(folder, sizeof folder, "%.*s", slash ? (int)(slash - path) : 1, slash ? path : ".");
    pid_t pid = fork();
    if (pid == 0) {
        if (slash != path && chdir(folder) != 0)
            _exit(1);
        become_gnuplot(slash ? slash + 1 : path, -1);
    }
    return wait_for(pid, err);
}
