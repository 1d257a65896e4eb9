/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The command line's end of mirador-ris: one command, one answer (docs/ris-protocol.md). */
#pragma once
#include <jansson.h>

#include "base/options.h"
#include "base/sockets.h"
#include "frames/ris_profile.h"

/* Options that every verb which talks to a controller has; first in its specs. */
#define RIS_LINK_SPECS                                                                             \
    {"endpoint", 'e', "ENDPOINT", "of mirador-ris (ipc:///tmp/mirador-ris.sock)"},                 \
        {"secret-key", 0, "FILE", "our CURVE key, when mirador-ris is on another machine"},        \
        {"server-key", 0, "HEX", "its public key"},                                                \
    {                                                                                              \
        "board", 'b', "NAME", "board (the only one)"                                               \
    }

struct ris_link {
    const char *program; /* "mirador ris list", for messages */
    const char *endpoint;
    const char *board; /* as given, NULL = the only one */
    struct sockets_cfg keys;
    struct sockets *sockets;
    void *dealer;
    uint64_t seq;
    struct socket_message message;
};

/* Takes one of RIS_LINK_SPECS. Returns 0, ERR_ARG, or 1 when the option is the verb's own. */
int ris_link_option(struct ris_link *link, const char *name, const char *value,
                    struct status *err) MUST_CHECK;

int ris_link_open(struct ris_link *link, struct status *err) MUST_CHECK;
void ris_link_close(struct ris_link *link);

/* A second frame to send. */
struct ris_link_frame {
    const uint8_t *bytes;
    size_t n;
};

/* Sends command (taken over; "seq" is added) with an optional pattern and waits for its answer.
 * NULL: no answer, or a refusal with the controller's words in *err. back: receives the second
 * frame, RIS_PATTERN_MAX bytes, or NULL. */
json_t *ris_link_ask(struct ris_link *link, json_t *command, const struct ris_link_frame *pattern,
                     uint8_t *back, struct status *err);

/* The board meant: its status. NULL when there are several and none was named, no such, or it is
 * absent: why, and the cure. */
json_t *ris_link_board(struct ris_link *link, struct status *err);

/* From an answer that carries them. False when it does not. */
bool ris_link_shape(const json_t *answer, struct ris_shape *shape);

/* Exit code for an error of the link. */
int ris_link_exit(const struct status *err);
