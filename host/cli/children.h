/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The programs that `mirador demo` runs: started one by one, told ready through a pipe, each with a
 * log file, and ended with us whatever happens. One thread. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "frames/status.h"

#define CHILDREN_MAX 24

struct child {
    char name[24]; /* program, and number if there are several */
    char log[200]; /* its stdout and stderr */
    pid_t pid;     /* 0 = not started */
    int ready_fd;  /* -1 once ready or gone */
    bool exited;
    int wait_status; /* of waitpid, once exited */
};

struct children {
    char bin[400];   /* folder of our programs */
    char state[128]; /* folder of the logs */
    struct child list[CHILDREN_MAX];
    size_t n;
    struct child *failed; /* the first that did */
};

/* A command line being put together. Overlong ones are refused by children_start. */
struct command {
    char text[24576];
    size_t used, n;
    char *argv[200];
    bool overflow;
};
void command_add(struct command *command, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Finds our programs beside the running one and sets the environment that they share (UHD's module
 * path, one OpenBLAS thread). */
int children_init(struct children *children, const char *state, struct status *err) MUST_CHECK;

/* Starts a program of ours; the command line has no argv[0]. --ready-fd is added. */
int children_start(struct children *children, const char *program, const char *name,
                   struct command *command, struct status *err) MUST_CHECK;

/* Waits until the latest one says that it serves. ERR_STATE: it (or another) ended; ERR_TIMEOUT;
 * ERR_INTERRUPTED: a stop was requested. */
int children_wait_ready(struct children *children, double seconds, struct status *err) MUST_CHECK;

/* Notes who ended since. The one that failed first, as far as seen, or NULL; ending with 0 is no
 * failure. */
struct child *children_failed(struct children *children);
struct child *children_find(struct children *children, const char *name);

/* SIGTERM, then SIGKILL when patience is over. False if it had to be killed. */
bool child_stop(struct children *children, struct child *child, double seconds);
/* Ends whoever is left, latest first. */
void children_stop(struct children *children);

/* Exit code of a program that ended, 128 + signal if one killed it. */
int child_exit_code(const struct child *child);
/* Returns ERR_STATE and says in err how a program ended. */
int child_tell_end(const struct child *child, struct status *err);

/* The last lines of a log, at most n, to stderr with an indent. */
void child_print_log(const struct child *child, size_t n);
/* The last line of the log without its newline, or "". */
void child_last_line(const struct child *child, char *line, size_t size);

/* Runs a program of ours to its end and keeps what it prints on stdout (terminated, at most size -
 * 1 bytes) and the last line of stderr. Returns its exit code, or -1 if it could not be run. */
int children_capture(const struct children *children, const char *program, struct command *command,
                     char *output, size_t size, char *error, size_t error_size);

/* What a program prints with these words and --dump-config; the caller frees. NULL with its own
 * last line: ERR_ARG if it was given something wrong, else ERR_STATE. */
char *children_dump(const struct children *children, const char *program, struct command *command,
                    struct status *err);
