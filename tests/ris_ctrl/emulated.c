/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "emulated.h"

#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define ANSWER_MS 10000

static void read_line(struct emulated *e, char *text, size_t size)
{
    size_t n = 0;
    struct pollfd p = {.fd = e->from, .events = POLLIN};
    while (n + 1 < size && poll(&p, 1, ANSWER_MS) == 1 && read(e->from, text + n, 1) == 1)
        if (text[n++] == '\n')
            break;
    text[n] = '\0';
    if (n == 0 || text[n - 1] != '\n') {
        fprintf(stderr, "the emulated board does not answer\n");
        abort();
    }
    text[n - 1] = '\0';
}

static void read_port(struct emulated *e)
{
    unsigned port = 0;
    FILE *f = fopen(e->link, "r");
    if (f == NULL || fscanf(f, "%u", &port) != 1)
        abort();
    fclose(f);
    snprintf(e->port, sizeof e->port, "tcp:127.0.0.1:%u", port);
}

void emulated_start(struct emulated *e, const char *kind, const char *folder, const char *name,
                    unsigned baud)
{
    int in[2], out[2];
    char baud_text[16], line[64];
    snprintf(e->link, sizeof e->link, "%s/%s", folder, name);
    snprintf(baud_text, sizeof baud_text, "%u", baud);
    if (pipe(in) != 0 || pipe(out) != 0)
        abort();
    e->pid = fork();
    if (e->pid == 0) {
        dup2(in[0], 0);
        dup2(out[1], 1);
        close(in[1]);
        close(out[0]);
        execl(MIRADOR_BIN_DIR "/../tests/ris_emulator", "ris_emulator", kind, e->link, baud_text,
              (char *)NULL);
        _exit(127);
    }
    close(in[0]);
    close(out[1]);
    e->to = in[1];
    e->from = out[0];
    read_line(e, line, sizeof line);
    if (strcmp(kind, "tile") == 0)
        read_port(e);
    else
        snprintf(e->port, sizeof e->port, "%s", e->link);
}

void emulated_stop(struct emulated *e)
{
    if (e->pid <= 0)
        return;
    close(e->to);
    close(e->from);
    kill(e->pid, SIGKILL);
    waitpid(e->pid, NULL, 0);
    e->pid = 0;
}

void emulated_tell(struct emulated *e, const char *line, char *text)
{
    char answer[256], command[80];
    int n = snprintf(command, sizeof command, "%s\n", line);
    if (write(e->to, command, (size_t)n) != n)
        abort();
    read_line(e, answer, sizeof answer);
    if (text != NULL)
        strcpy(text, answer);
}
