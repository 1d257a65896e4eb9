/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "host/cli/daemon_link.h"
#include "base/log.h"
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zmq.h>

#define ANSWER_MS 3000

int daemon_link_apply(struct daemon_link *link, const char *name, const char *value,
                      struct status *err)
{
    bool secret = strcmp(name, "secret-key") == 0;
    if (strcmp(name, "endpoint") == 0) {
        link->endpoint = value;
        return OK;
    }
    if (!secret && strcmp(name, "server-key") != 0)
        return ERR_NOT_FOUND;
    char *to = secret ? link->keys.secret_key_file : link->keys.server_public_key;
    size_t size = secret ? sizeof link->keys.secret_key_file : sizeof link->keys.server_public_key;
    if ((size_t)snprintf(to, size, "%s", value) >= size)
        return status_set(err, ERR_ARG, "--%s is too long", name);
    return OK;
}

bool daemon_link_open(struct daemon_link *link, struct status *err)
{
    link->sockets = sockets_create(&link->keys, err);
    if (link->sockets)
        link->dealer = sockets_connect(link->sockets, ZMQ_DEALER, link->endpoint, err);
    return link->dealer != NULL;
}

void daemon_link_close(struct daemon_link *link)
{
    socket_close(&link->dealer);
    sockets_destroy(&link->sockets);
}

/* For the daemon's audit log, which has the name of our key besides, if we need one. */
static void sign(json_t *question)
{
    char who[60];
    const struct passwd *user = getpwuid(getuid());
    snprintf(who, sizeof who, "mirador of %.40s", user ? user->pw_name : "an unknown user");
    json_object_set_new(question, "who", json_string(who));
}

json_t *daemon_ask(struct daemon_link *link, json_t *question, struct status *err)
{
    static struct socket_message answer;
    const char *program = link->program ? link->program : "miradord";
    if (question)
        sign(question);
    char *text = question ? json_dumps(question, JSON_COMPACT | JSON_REAL_PRECISION(12)) : NULL;
    json_t *json = NULL;
    json_decref(question);
    if (!text) {
        status_set(err, ERR_NO_MEMORY, "out of memory");
        return NULL;
    }
    int rc = socket_send(link->dealer, &(struct socket_frame){text, strlen(text)}, 1);
    if (rc == 0)
        rc = socket_recv(link->dealer, &answer, ANSWER_MS);
    if (rc == 0 && answer.n > 0)
        json =
            json_loadb(answer.frames[answer.n - 1].bytes, answer.frames[answer.n - 1].n, 0, NULL);
    if (rc)
        status_set(err, rc, "no answer from %s; is %s running, and is this its control.endpoint?",
                   link->endpoint, program);
    else if (!json)
        status_set(err, ERR_FORMAT, "%s does not answer like a %s", link->endpoint, program);
    socket_message_clear(&answer);
    free(text);
    return json;
}

json_t *daemon_order(struct daemon_link *link, json_t *order, struct status *err)
{
    json_t *answer = daemon_ask(link, order, err);
    const char *why = json_string_value(json_object_get(answer, "error"));
    if (!answer || json_is_true(json_object_get(answer, "ok")))
        return answer;
    status_set(err, ERR_STATE, "%.250s", why ? why : "refused without a reason");
    json_decref(answer);
    return NULL;
}

int daemon_link_exit(const struct status *err)
{
    return err->code == ERR_ARG || err->code == ERR_AUTH ? EXIT_USAGE : EXIT_FAILED;
}
