/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Questions to a running miradord or mirador-ue, and the options that say where it is. */
#pragma once
#include "base/options.h"
#include "base/sockets.h"
#include <jansson.h>

struct daemon_link {
    const char *endpoint;
    const char *program; /* for messages; NULL: miradord */
    struct sockets_cfg keys;
    struct sockets *sockets;
    void *dealer;
};
#define DAEMON_LINK_DEFAULT                                                                        \
    {                                                                                              \
        .endpoint = "ipc:///run/mirador/control.sock"                                              \
    }

#define DAEMON_LINK_SPECS                                                                          \
    {"endpoint", 'e', "ENDPOINT",                                                                  \
     "control socket of the daemon (ipc:///run/mirador/control.sock)"},                            \
        {"secret-key", 0, "FILE", "our CURVE key, when the daemon is on another machine"},         \
    {                                                                                              \
        "server-key", 0, "HEX", "the daemon's public key"                                          \
    }

/* For options_cfg.apply: takes one of these options; ERR_NOT_FOUND if it is none of them. */
int daemon_link_apply(struct daemon_link *link, const char *name, const char *value,
                      struct status *err) MUST_CHECK;

bool daemon_link_open(struct daemon_link *link, struct status *err);
void daemon_link_close(struct daemon_link *link);

/* Exit code after a fault of these. */
int daemon_link_exit(const struct status *err);

/* Sends the question (and takes it) and waits for the answer, which the caller owns. NULL with the
 * reason in *err; a refusal is an answer. */
json_t *daemon_ask(struct daemon_link *link, json_t *question, struct status *err);
/* The same; an answer whose "ok" is not true is ERR_STATE with what its "error" says. */
json_t *daemon_order(struct daemon_link *link, json_t *order, struct status *err);
