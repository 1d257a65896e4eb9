/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The open pages: what each has seen, its answers, and how much it asks. One thread. */
#pragma once
#include "host/view/bridge.h"
#include "host/view/desk.h"
#include "host/view/feed.h"
#include "host/view/guard.h"

#define CLIENT_PROTOCOL "mirador.1"

struct lws;

struct client { /* libwebsockets keeps one per connection, zeroed at first */
    struct lws *wsi;
    struct client *next;
    struct desk_client desk;
    bool proven, greeted;                   /* the token was shown; the first message was sent */
    uint64_t seen;                          /* of the feed */
    int64_t opened_ms, due_ms, refilled_ms; /* due_ms: not before this the next news */
    double credit;                          /* commands it may send now */
    size_t n_text;                          /* of the message that is coming in */
    char text[BRIDGE_COMMAND_BYTES];
    char *answer[2 * DESK_COMMANDS_EACH]; /* to be sent, ours */
    size_t n_answer;
};

struct clients_cfg {
    struct feed *feed; /* all borrowed */
    struct desk *desk;
    const struct guard *guard;
    bool commands;
};

struct clients {
    struct clients_cfg cfg;
    struct client *first;
    size_t n;
    uint32_t last_id;
    unsigned char *frame; /* libwebsockets' head room, then BRIDGE_FRAME_BYTES */
};

int clients_init(struct clients *clients, const struct clients_cfg *cfg,
                 struct status *err) MUST_CHECK;
void clients_free(struct clients *clients);

void client_open(struct clients *clients, struct client *client, struct lws *wsi, int64_t now_ms);
void client_close(struct clients *clients, struct client *client);

/* A piece of a message. Nonzero: the connection is to be closed. */
int client_receive(struct clients *clients, struct client *client, const char *bytes, size_t n,
                   int64_t now_ms);
/* The connection takes a message. Nonzero likewise. */
int client_write(struct clients *clients, struct client *client, int64_t now_ms);

/* Takes the text over. */
void client_answer(struct clients *clients, const struct desk_client *client, char *text);

/* Asks for a turn to write for each page that is due; ends those that do not prove themselves. */
void clients_wake(struct clients *clients, int64_t now_ms);
