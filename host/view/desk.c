/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "host/view/desk.h"
#include "base/log.h"
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <zmq.h>

struct ask {
    struct desk_client *client; /* NULL: free, or nobody waits any more */
    uint32_t number;            /* ours, 0: free */
    json_int_t seq;             /* the client's */
    int64_t due_ms;
};

struct desk {
    struct sockets *sockets;
    const char *endpoint;
    void *dealer;
    uint32_t last;
    int64_t heard_ms; /* when the daemon last said something */
    struct ask ask[DESK_COMMANDS];
    struct socket_message message;
};

struct desk *desk_create(struct sockets *sockets, const char *endpoint, struct status *err)
{
    struct desk *d = calloc(1, sizeof *d);
    if (!d) {
        status_set(err, ERR_NO_MEMORY, "commands: out of memory");
        return NULL;
    }
    d->sockets = sockets;
    d->endpoint = endpoint;
    d->heard_ms = INT64_MIN;
    d->dealer = sockets_connect(sockets, ZMQ_DEALER, endpoint, err);
    if (!d->dealer)
        desk_destroy(&d);
    return d;
}

void desk_destroy(struct desk **desk)
{
    if (!*desk)
        return;
    socket_message_clear(&(*desk)->message);
    socket_close(&(*desk)->dealer);
    free(*desk);
    *desk = NULL;
}

char *desk_refusal(int64_t seq, const struct status *err)
{
    json_t *o = json_pack("{s:b, s:I, s:s, s:s}", "ok", 0, "seq", (json_int_t)seq, "error",
                          err->text, "code", status_name(err->code));
    char *text = o ? json_dumps(o, JSON_COMPACT) : NULL;
    json_decref(o);
    return text;
}

static struct ask *find_ask(struct desk *d, uint32_t number)
{
    for (size_t i = 0; i < DESK_COMMANDS; i++)
        if (d->ask[i].number == number)
            return &d->ask[i];
    return NULL;
}

static int send_ask(struct desk *d, json_t *command, uint32_t number, const char *who)
{
    json_object_set_new(command, "seq", json_integer(number));
    json_object_set_new(command, "who", json_string(who));
    char *text = json_dumps(command, JSON_COMPACT);
    int rc = text ? socket_send(d->dealer, &(struct socket_frame){text, strlen(text)}, 1)
                  : ERR_NO_MEMORY;
    free(text);
    return rc;
}

static int check(const json_t *command, const struct desk_client *client, struct status *err)
{
    if (!json_is_string(json_object_get(command, "cmd")))
        return status_set(err, ERR_FORMAT,
                          "not a command; a JSON object with \"cmd\" is, docs/telemetry.md");
    if (client->asks >= DESK_COMMANDS_EACH)
        return status_set(err, ERR_BUSY, "%d commands are not answered yet; wait for them",
                          DESK_COMMANDS_EACH);
    return OK;
}

int desk_ask(struct desk *desk, struct desk_client *client, const char *text, size_t n,
             int64_t now_ms, struct status *err)
{
    json_t *command = json_loadb(text, n, JSON_REJECT_DUPLICATES, NULL);
    struct ask *ask = find_ask(desk, 0);
    const json_int_t seq = json_integer_value(json_object_get(command, "seq"));
    int rc = check(command, client, err);
    if (rc == OK && !ask)
        rc = status_set(err, ERR_BUSY, "too many commands at once; try again");
    if (rc == OK) {
        desk->last = desk->last == UINT32_MAX ? 1 : desk->last + 1;
        if (send_ask(desk, command, desk->last, client->who))
            rc = status_set(err, ERR_IO, "%s takes no commands", desk->endpoint);
    }
    if (rc == OK) {
        *ask = (struct ask){client, desk->last, seq, now_ms + DESK_PATIENCE_MS};
        client->asks++;
    }
    json_decref(command);
    return rc;
}

/* What waits in the old socket's queue for a daemon that is away is dropped with it. Not when the
 * daemon has spoken since: then others' answers are on their way. */
static void reconnect(struct desk *d)
{
    struct status err = {0};
    socket_close(&d->dealer);
    d->dealer = sockets_connect(d->sockets, ZMQ_DEALER, d->endpoint, &err);
    if (!d->dealer)
        log_error("%s", err.text);
}

static struct desk_client *release(struct ask *ask)
{
    struct desk_client *client = ask->client;
    *ask = (struct ask){0};
    if (client)
        client->asks--;
    return client;
}

/* The answer with the number that its question came with. */
static bool take_answer(struct desk *d, struct desk_answer *out)
{
    const struct socket_frame *last = &d->message.frames[d->message.n - 1];
    json_t *answer = json_loadb(last->bytes, last->n, 0, NULL);
    const json_int_t number = json_integer_value(json_object_get(answer, "seq"));
    struct ask *ask = number > 0 && number <= UINT32_MAX ? find_ask(d, (uint32_t)number) : NULL;
    if (ask) {
        json_object_set_new(answer, "seq", json_integer(ask->seq));
        out->client = release(ask);
        out->text = out->client ? json_dumps(answer, JSON_COMPACT | JSON_REAL_PRECISION(12)) : NULL;
    }
    json_decref(answer);
    return ask && out->text;
}

static bool take_timeout(struct desk *d, int64_t now_ms, struct desk_answer *out)
{
    struct status err;
    for (size_t i = 0; i < DESK_COMMANDS; i++) {
        struct ask *ask = &d->ask[i];
        if (ask->number == 0 || now_ms < ask->due_ms)
            continue;
        const json_int_t seq = ask->seq;
        const bool silent = d->heard_ms < ask->due_ms - DESK_PATIENCE_MS;
        out->client = release(ask);
        if (silent)
            reconnect(d);
        status_set(&err, ERR_TIMEOUT, "no answer from %s; is miradord running?", d->endpoint);
        out->text = out->client ? desk_refusal(seq, &err) : NULL;
        if (out->text)
            return true;
    }
    return false;
}

bool desk_take(struct desk *desk, int64_t now_ms, struct desk_answer *out)
{
    *out = (struct desk_answer){0};
    while (desk->dealer && socket_recv(desk->dealer, &desk->message, 0) == OK) {
        desk->heard_ms = now_ms;
        if (desk->message.n > 0 && take_answer(desk, out))
            return true;
    }
    return take_timeout(desk, now_ms, out);
}

void desk_forget(struct desk *desk, const struct desk_client *client)
{
    for (size_t i = 0; i < DESK_COMMANDS; i++)
        if (desk->ask[i].client == client)
            desk->ask[i].client = NULL;
}
