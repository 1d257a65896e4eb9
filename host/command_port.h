/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Commands on a ROUTER socket: one JSON object per message, {"cmd":NAME, ..}, answered with one
 * JSON object. What they do is up to the program that has the socket.
 *
 * "seq" (optional, integer) comes back; "who" (optional) says who asks, for the audit log, where
 * every command that changes something is written down with its verdict and the name of the key
 * that its sender has proven to own (control_audit.h). A refusal reads
 * {"ok":false,"error":..,"code":..}. The owner thread of the socket calls in here. */
#pragma once
#include "host/control_audit.h"
#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

enum { COMMAND_ANSWER_BYTES = 65536 };

struct command {
    const char *name;
    /* Whether this request changes something, so that it is audited; NULL: none does. */
    bool (*changes)(const json_t *request);
    /* Writes the members of the answer after {"ok":..} as an object of their own; returns OK or the
     * refusal's code, with the reason in *err. */
    int (*run)(const void *context, const json_t *request, char *out, size_t size,
               struct status *err);
};

struct command_set {
    const struct command *command;
    size_t n;
    const void *context;                                  /* of run and audit */
    void (*audit)(const void *context, const char *line); /* NULL: to the log alone */
    struct log_site *refusals;                            /* that are audited; NULL: all */
};

/* For command.changes: every request does. */
bool command_changes(const json_t *request);

/* Parses and carries out one command; writes the answer as text. sender: name of the proven key,
 * NULL: none. */
void command_execute(const struct command_set *set, const char *sender, const char *text, size_t n,
                     char *answer, size_t size);

struct command_port;

/* Setup only. socket: a bound ROUTER, borrowed; what *set points to outlives it. Without
 * set->refusals it has its own. */
struct command_port *command_port_create(void *socket, const struct command_set *set,
                                         struct status *err) MUST_CHECK;
void command_port_destroy(struct command_port **port);
/* Answers what waits on the socket, without blocking: at most 64 at once, so that a flood of
 * commands does not hold up what else its thread does. Call again while the socket is readable. */
void command_port_serve(struct command_port *port);
