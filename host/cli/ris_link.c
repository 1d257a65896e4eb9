/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "host/cli/ris_link.h"

#include <stdio.h>
#include <string.h>
#include <zmq.h>

#include "base/log.h"

#define ANSWER_MS 10000 /* longer than a board may take with all its retries */

int ris_link_option(struct ris_link *link, const char *name, const char *value, struct status *err)
{
    char *to = NULL;
    size_t size = 0;
    if (strcmp(name, "endpoint") == 0)
        link->endpoint = value;
    else if (strcmp(name, "board") == 0)
        link->board = value;
    else if (strcmp(name, "secret-key") == 0)
        to = link->keys.secret_key_file, size = sizeof link->keys.secret_key_file;
    else if (strcmp(name, "server-key") == 0)
        to = link->keys.server_public_key, size = sizeof link->keys.server_public_key;
    else
        return 1;
    if (to != NULL && (size_t)snprintf(to, size, "%s", value) >= size)
        return status_set(err, ERR_ARG, "--%s is too long", name);
    return OK;
}

int ris_link_open(struct ris_link *link, struct status *err)
{
    if (link->endpoint == NULL)
        link->endpoint = "ipc:///tmp/mirador-ris.sock";
    link->sockets = sockets_create(&link->keys, err);
    if (link->sockets != NULL)
        link->dealer = sockets_connect(link->sockets, ZMQ_DEALER, link->endpoint, err);
    return link->dealer != NULL ? OK : err->code;
}

void ris_link_close(struct ris_link *link)
{
    socket_message_clear(&link->message);
    socket_close(&link->dealer);
    sockets_destroy(&link->sockets);
}

/* The refusal as "error; cure". */
static void refusal(const json_t *answer, struct status *err)
{
    const char *name = json_string_value(json_object_get(answer, "code"));
    const char *error = json_string_value(json_object_get(answer, "error"));
    const char *cure = json_string_value(json_object_get(answer, "cure"));
    int code = ERR_STATE;
    for (int c = ERR_ARG; c >= ERR_INTERRUPTED; c--)
        if (name != NULL && strcmp(name, status_name(c)) == 0)
            code = c;
    status_set(err, code, "%s; %s", error != NULL ? error : "refused without a reason",
               cure != NULL ? cure : "see the log of mirador-ris");
}

static json_t *receive(struct ris_link *link, uint8_t *back, struct status *err)
{
    for (;;) {
        int rc = socket_recv(link->dealer, &link->message, ANSWER_MS);
        if (rc == ERR_INTERRUPTED && !stop_requested())
            continue;
        if (rc) {
            status_set(err, rc,
                       "no answer from %s; is mirador-ris running, and is this its "
                       "endpoint?",
                       link->endpoint);
            return NULL;
        }
        const struct socket_frame *f = link->message.frames;
        json_t *answer = json_loadb(f[0].bytes, f[0].n, 0, NULL);
        json_int_t seq = json_integer_value(json_object_get(answer, "seq"));
        if (json_is_object(answer) && (uint64_t)seq == link->seq) {
            if (back != NULL && link->message.n > 1 && f[1].n <= RIS_PATTERN_MAX)
                memcpy(back, f[1].bytes, f[1].n);
            return answer;
        }
        json_decref(answer); /* of a command that we gave up */
    }
}

json_t *ris_link_ask(struct ris_link *link, json_t *command, const struct ris_link_frame *pattern,
                     uint8_t *back, struct status *err)
{
    struct socket_frame frames[2];
    json_object_set_new(command, "seq", json_integer((json_int_t)++link->seq));
    char *text = json_dumps(command, JSON_COMPACT);
    json_decref(command);
    if (text == NULL) {
        status_set(err, ERR_NO_MEMORY, "out of memory");
        return NULL;
    }
    frames[0] = (struct socket_frame){text, strlen(text)};
    if (pattern != NULL)
        frames[1] = (struct socket_frame){pattern->bytes, pattern->n};
    int rc = socket_send(link->dealer, frames, pattern != NULL ? 2 : 1);
    free(text);
    if (rc) {
        status_set(err, rc, "cannot send to %s; is mirador-ris running?", link->endpoint);
        return NULL;
    }
    json_t *answer = receive(link, back, err);
    if (answer != NULL && !json_is_true(json_object_get(answer, "ok"))) {
        refusal(answer, err);
        json_decref(answer);
        return NULL;
    }
    return answer;
}

/* The name of the only board, or "" when there are several. */
static void only_board(const json_t *answer, char *name, size_t size, char *known, size_t n_known)
{
    const json_t *list = json_object_get(answer, "boards");
    for (size_t i = 0; i < json_array_size(list); i++) {
        const char *b = json_string_value(json_object_get(json_array_get(list, i), "board"));
        size_t used = strlen(known);
        snprintf(known + used, n_known - used, "%s%s", i ? ", " : "", b != NULL ? b : "?");
        snprintf(name, size, "%s", i == 0 && b != NULL ? b : "");
    }
}

json_t *ris_link_board(struct ris_link *link, struct status *err)
{
    static char name[64];
    char known[200] = "";
    if (link->board == NULL) {
        json_t *all = ris_link_ask(link, json_pack("{ss}", "cmd", "status"), NULL, NULL, err);
        if (all == NULL)
            return NULL;
        only_board(all, name, sizeof name, known, sizeof known);
        json_decref(all);
        if (name[0] == '\0') {
            status_set(err, ERR_ARG, "which board? give --board NAME: %s", known);
            return NULL;
        }
        link->board = name;
    }
    json_t *status = ris_link_ask(link, json_pack("{ssss}", "cmd", "status", "board", link->board),
                                  NULL, NULL, err);
    if (status == NULL || json_is_true(json_object_get(status, "present")))
        return status;
    const char *why = json_string_value(json_object_get(status, "absent"));
    const char *cure = json_string_value(json_object_get(status, "cure"));
    status_set(err, ERR_IO, "%s; %s", why != NULL ? why : "the board is absent",
               cure != NULL ? cure : "check its power and cable");
    json_decref(status);
    return NULL;
}

static bool side(const json_t *answer, const char *key, uint8_t *out)
{
    json_int_t v = json_integer_value(json_object_get(answer, key));
    *out = (uint8_t)v;
    return v >= 1 && v <= RIS_SIDE_MAX;
}

bool ris_link_shape(const json_t *answer, struct ris_shape *shape)
{
    return side(answer, "columns", &shape->columns) && side(answer, "rows", &shape->rows) &&
           side(answer, "bits", &shape->bits) && ris_shape_valid(*shape);
}

int ris_link_exit(const struct status *err)
{
    switch (err->code) {
    case ERR_ARG:
    case ERR_NOT_FOUND:
    case ERR_AUTH:
        return EXIT_USAGE;
    default:
        return EXIT_FAILED;
    }
}
