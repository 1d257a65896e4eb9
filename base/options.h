/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The command line that every program shares, over getopt_long, and the signals that end one. */
#pragma once
#include <signal.h>
#include <stdbool.h>

#include "base/config.h"

/* Exit codes of every program. */
enum { EXIT_DONE = 0, EXIT_FAILED = 1, EXIT_USAGE = 2 };

/* One option of a program's own. */
struct option_spec {
    const char *name;  /* long name, without dashes */
    char letter;       /* or 0 */
    const char *value; /* what it takes, for the help: "SECONDS"; NULL = a flag */
    const char *help;
};

struct options_cfg {
    const char *program;  /* "miradord" */
    const char *synopsis; /* what it does, one line */
    const char *operands; /* "FILE..." for the usage line; NULL = takes none */
    const struct option_spec *specs;
    size_t n_specs;
    const struct config_table
        *config;                /* adds --config --set --check-config --dump-config; or NULL */
    const char *default_config; /* preset when --config is missing, or NULL */
    /* Faults that only all values together show, or NULL. file: as named in messages. */
    int (*check)(const void *values, const char *file, struct status *err);
    bool ready_fd; /* adds --ready-fd */
    bool json;     /* adds --json */
    /* One of specs was given; value NULL for a flag. Return 0, or status_set(err, ERR_ARG, ...) */
    int (*apply)(void *context, const char *name, const char *value, struct status *err);
    void *context;
};

#define OPTIONS_MAX_SETS 64

struct options {
    const char *config_file; /* as given; NULL = default */
    const char *sets[OPTIONS_MAX_SETS];
    size_t n_sets;
    bool check_config, dump_config, json;
    int ready_fd; /* -1 = none */
    char **operands;
    int n_operands;
};

/* Parses argv. Returns -1 to go on, else the exit code to leave main with: --help and --version
 * print to stdout and give 0, bad usage prints one line to stderr and gives 2. */
int options_parse(const struct options_cfg *cfg, int argc, char **argv,
                  struct options *opt) MUST_CHECK;

/* Reads the configuration into values (struct of cfg->config). Returns -1 to go on, else the exit
 * code: 0 after --check-config and --dump-config, 2 after a fault, whose line went to stderr. */
int options_load(const struct options_cfg *cfg, const struct options *opt, void *values) MUST_CHECK;

/* What to leave main with after a fault: 2 for what we were given (ERR_ARG, ERR_AUTH: keys missing
 * or open to others, ERR_GEOMETRY, and a file that does not parse, ERR_FORMAT), else 1. */
int options_exit_code(const struct status *err);

/* Tells whoever started us that we serve now: the service manager, and --ready-fd, which gets an
 * "R" and is closed. */
void options_ready(struct options *opt);

/* Number options: whole text, range min..max. name is for the message. */
int option_double(const char *name, const char *text, double min, double max, double *out,
                  struct status *err) MUST_CHECK;
int option_u64(const char *name, const char *text, uint64_t *out, struct status *err) MUST_CHECK;

/* SIGINT, SIGTERM and SIGHUP set a flag and make a descriptor readable; SIGPIPE is ignored. Call
 * before threads start. The descriptor stays readable once a stop was requested. */
int stop_signals_install(struct status *err) MUST_CHECK;
bool stop_requested(void); /* RT-safe, any thread */
void stop_request(void);   /* the same effect from code, e.g. a shutdown command */
int stop_fd(void);         /* for poll and zmq_poll */
