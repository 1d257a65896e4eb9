/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "host/view/client.h"
#include "base/log.h"
#include "host/view/websockets.h"
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BURST = 4 * BRIDGE_COMMANDS_S, ANSWERS = 2 * DESK_COMMANDS_EACH };

int clients_init(struct clients *clients, const struct clients_cfg *cfg, struct status *err)
{
    *clients = (struct clients){.cfg = *cfg, .frame = malloc(LWS_PRE + BRIDGE_FRAME_BYTES)};
    return clients->frame ? OK : status_set(err, ERR_NO_MEMORY, "out of memory");
}

void clients_free(struct clients *clients)
{
    free(clients->frame);
    clients->frame = NULL;
}

void client_open(struct clients *clients, struct client *client, struct lws *wsi, int64_t now_ms)
{
    char peer[40] = "";
    lws_get_peer_simple(wsi, peer, sizeof peer);
    *client = (struct client){.wsi = wsi,
                              .next = clients->first,
                              .desk.id = ++clients->last_id,
                              .proven = !clients->cfg.guard->locked,
                              .opened_ms = now_ms,
                              .refilled_ms = now_ms,
                              .credit = BURST};
    snprintf(client->desk.who, sizeof client->desk.who, "page %u of %s", client->desk.id, peer);
    clients->first = client;
    clients->n++;
    log_info("%s opened, %zu in all", client->desk.who, clients->n);
    lws_callback_on_writable(wsi);
}

void client_close(struct clients *clients, struct client *client)
{
    for (struct client **c = &clients->first; *c; c = &(*c)->next)
        if (*c == client) {
            *c = client->next;
            clients->n--;
            break;
        }
    desk_forget(clients->cfg.desk, &client->desk);
    for (size_t i = 0; i < client->n_answer; i++)
        free(client->answer[i]);
    client->n_answer = 0;
    log_info("%s closed", client->desk.who);
}

/* --- what a page says ------------------------------------------------------------------------- */

static int dismiss(struct client *client, enum lws_close_status code, const char *why)
{
    char reason[100];
    snprintf(reason, sizeof reason, "%s", why);
    log_warn("%s was closed: %s", client->desk.who, why);
    lws_close_reason(client->wsi, code, (unsigned char *)reason, strlen(reason));
    return -1;
}

/* A bucket of BURST commands that refills. */
static bool may_ask(struct client *client, int64_t now_ms)
{
    client->credit += (double)(now_ms - client->refilled_ms) * 1e-3 * BRIDGE_COMMANDS_S;
    client->refilled_ms = now_ms;
    if (client->credit > BURST)
        client->credit = BURST;
    client->credit -= 1;
    return client->credit >= 0;
}

static void push_answer(struct client *client, char *text)
{
    if (!text || client->n_answer == ANSWERS) { /* it does not read them either */
        free(text);
        return;
    }
    client->answer[client->n_answer++] = text;
    lws_callback_on_writable(client->wsi);
}

static int64_t seq_of(const char *text, size_t n)
{
    json_t *o = json_loadb(text, n, 0, NULL);
    int64_t seq = json_integer_value(json_object_get(o, "seq"));
    json_decref(o);
    return seq;
}

static void ask(struct clients *clients, struct client *client, int64_t now_ms)
{
    struct status err = {0};
    int rc =
        clients->cfg.commands
            ? desk_ask(clients->cfg.desk, &client->desk, client->text, client->n_text, now_ms, &err)
            : status_set(&err, ERR_AUTH, "this page only shows (commands: no)");
    if (rc)
        push_answer(client, desk_refusal(seq_of(client->text, client->n_text), &err));
}

/* {"token":"..."} */
static int prove(struct clients *clients, struct client *client)
{
    json_t *o = json_loadb(client->text, client->n_text, 0, NULL);
    const json_t *token = json_object_get(o, "token");
    client->proven =
        json_is_string(token) &&
        guard_token(clients->cfg.guard, json_string_value(token), json_string_length(token));
    json_decref(o);
    lws_callback_on_writable(client->wsi);
    return client->proven
               ? 0
               : dismiss(client, LWS_CLOSE_STATUS_POLICY_VIOLATION, "it does not know the token");
}

int client_receive(struct clients *clients, struct client *client, const char *bytes, size_t n,
                   int64_t now_ms)
{
    if (lws_frame_is_binary(client->wsi))
        return dismiss(client, LWS_CLOSE_STATUS_UNACCEPTABLE_OPCODE, "a binary message");
    if (n > sizeof client->text - client->n_text)
        return dismiss(client, LWS_CLOSE_STATUS_MESSAGE_TOO_LARGE, "a message of over 4096 bytes");
    memcpy(client->text + client->n_text, bytes, n);
    client->n_text += n;
    if (lws_remaining_packet_payload(client->wsi) || !lws_is_final_fragment(client->wsi))
        return 0;
    int rc = 0;
    if (!may_ask(client, now_ms))
        rc = dismiss(client, LWS_CLOSE_STATUS_POLICY_VIOLATION, "too many commands");
    else if (!client->proven)
        rc = prove(clients, client);
    else
        ask(clients, client, now_ms);
    client->n_text = 0;
    return rc;
}

/* --- what a page is told ---------------------------------------------------------------------- */

static int send_text(struct clients *clients, struct client *client, const char *text)
{
    size_t n = strlen(text);
    if (n > BRIDGE_FRAME_BYTES)
        return 0;
    memcpy(clients->frame + LWS_PRE, text, n);
    return lws_write(client->wsi, clients->frame + LWS_PRE, n, LWS_WRITE_TEXT) < 0 ? -1 : 0;
}

static int send_answer(struct clients *clients, struct client *client)
{
    char *text = client->answer[0];
    client->n_answer--;
    memmove(client->answer, client->answer + 1, client->n_answer * sizeof *client->answer);
    int rc = send_text(clients, client, text);
    free(text);
    return rc;
}

static bool is_due(const struct client *client, int64_t now_ms)
{
    return client->proven && now_ms >= client->due_ms;
}

static int greet(struct clients *clients, struct client *client)
{
    char text[100];
    snprintf(text, sizeof text, "{\"hello\":1,\"commands\":%s,\"token\":%s}",
             clients->cfg.commands ? "true" : "false", client->proven ? "false" : "true");
    client->greeted = true;
    return send_text(clients, client, text);
}

static int send_news(struct clients *clients, struct client *client, int64_t now_ms)
{
    unsigned char *frame = clients->frame + LWS_PRE;
    size_t n = feed_collect(clients->cfg.feed, &client->seen, now_ms, frame, BRIDGE_FRAME_BYTES);
    if (n == 0)
        return 0;
    const int64_t period_ms = 1000 / BRIDGE_RATE_HZ; /* a late frame does not put off the next */
    client->due_ms = (now_ms - client->due_ms < period_ms ? client->due_ms : now_ms) + period_ms;
    return lws_write(client->wsi, frame, n, LWS_WRITE_BINARY) < 0 ? -1 : 0;
}

/* One message a turn. */
int client_write(struct clients *clients, struct client *client, int64_t now_ms)
{
    int rc = 0;
    if (!client->greeted)
        rc = greet(clients, client);
    else if (client->n_answer > 0)
        rc = send_answer(clients, client);
    else if (is_due(client, now_ms))
        rc = send_news(clients, client, now_ms);
    if (client->n_answer > 0)
        lws_callback_on_writable(client->wsi);
    return rc;
}

void client_answer(struct clients *clients, const struct desk_client *client, char *text)
{
    struct client *c = clients->first;
    while (c && &c->desk != client)
        c = c->next;
    if (c)
        push_answer(c, text);
    else
        free(text);
}

void clients_wake(struct clients *clients, int64_t now_ms)
{
    for (struct client *c = clients->first; c; c = c->next) {
        if (is_due(c, now_ms))
            lws_callback_on_writable(c->wsi);
        if (!c->proven && now_ms - c->opened_ms > 1000 * BRIDGE_UNPROVEN_S)
            lws_set_timeout(c->wsi, PENDING_TIMEOUT_USER_OK, LWS_TO_KILL_ASYNC);
    }
}
