/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "host/command_port.h"
#include "base/log.h"
#include "base/sockets.h"
#include "host/control_text.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { AT_ONCE = 64 };

struct command_port {
    void *socket;
    struct command_set set;
    struct log_site refusals;
    struct socket_message message;
    char answer[COMMAND_ANSWER_BYTES];
};

bool command_changes(const json_t *request)
{
    (void)request;
    return true;
}

static void name_commands(const struct command_set *set, char *text, size_t size)
{
    size_t at = 0;
    text[0] = 0;
    for (size_t i = 0; i < set->n && at < size; i++)
        at += (size_t)snprintf(text + at, size - at, "%s%s", i ? ", " : "", set->command[i].name);
}

static const struct command *find(const struct command_set *set, const char *name,
                                  struct status *err)
{
    char names[200];
    for (size_t i = 0; name && i < set->n; i++)
        if (strcmp(set->command[i].name, name) == 0)
            return &set->command[i];
    name_commands(set, names, sizeof names);
    if (name)
        status_set(err, ERR_NOT_FOUND, "unknown command '%.40s': %s", name, names);
    else
        status_set(err, ERR_NOT_FOUND, "no \"cmd\" in the request: %s", names);
    return NULL;
}

/* {"ok":true,"seq":N, members} from the members' own object. */
static void write_ok(json_int_t seq, const char *members, char *answer, size_t size)
{
    const char *rest = members[1] == '}' ? "}" : members + 1;
    int n = snprintf(answer, size, "{\"ok\":true,\"seq\":%lld%s%s", (long long)seq,
                     rest[0] == '}' ? "" : ",", rest);
    if (n < 0 || (size_t)n >= size)
        snprintf(answer, size, "{\"ok\":false,\"seq\":%lld,\"error\":\"no space\"}",
                 (long long)seq);
}

static void write_refusal(json_int_t seq, const struct status *err, char *answer, size_t size)
{
    json_t *o = json_pack("{s:b,s:I,s:s,s:s}", "ok", 0, "seq", seq, "error", err->text, "code",
                          status_name(err->code));
    (void)control_text(o, 12, answer, size);
}

static void carry_out(const struct command_set *set, const char *sender, json_t *request,
                      char members[COMMAND_ANSWER_BYTES - 256], struct status *err)
{
    char line[CONTROL_AUDIT_BYTES];
    const char *name = json_string_value(json_object_get(request, "cmd"));
    const struct command *command = find(set, name, err);
    if (!command)
        return;
    const bool audited = command->changes && command->changes(request);
    command->run(set->context, request, members, COMMAND_ANSWER_BYTES - 256, err);
    if (audited && control_audit_line(set->refusals, sender, request, err, line)) {
        log_info("%s", line);
        if (set->audit)
            set->audit(set->context, line);
    }
}

void command_execute(const struct command_set *set, const char *sender, const char *text, size_t n,
                     char *answer, size_t size)
{
    char members[COMMAND_ANSWER_BYTES - 256];
    struct status err = {0};
    json_error_t fault;
    json_t *request = json_loadb(text, n, JSON_REJECT_DUPLICATES, &fault);
    json_int_t seq = json_integer_value(json_object_get(request, "seq"));
    if (json_is_object(request))
        carry_out(set, sender, request, members, &err);
    else
        status_set(&err, ERR_FORMAT, "not a JSON object; example: {\"cmd\":\"status\"}");
    if (err.code)
        write_refusal(seq, &err, answer, size);
    else
        write_ok(seq, members, answer, size);
    json_decref(request);
}

struct command_port *command_port_create(void *socket, const struct command_set *set,
                                         struct status *err)
{
    struct command_port *p = calloc(1, sizeof *p);
    if (!p) {
        status_set(err, ERR_NO_MEMORY, "commands: out of memory");
        return NULL;
    }
    p->socket = socket;
    p->set = *set;
    if (!set->refusals)
        p->set.refusals = &p->refusals;
    return p;
}

void command_port_destroy(struct command_port **port)
{
    if (!*port)
        return;
    socket_message_clear(&(*port)->message);
    free(*port);
    *port = NULL;
}

/* Frames: the peer's address, perhaps an empty delimiter (REQ), the request. */
static void answer_one(struct command_port *p)
{
    struct socket_frame out[3];
    size_t n = p->message.n;
    if (n < 2 || n > 3)
        return;
    const struct socket_frame *request = &p->message.frames[n - 1];
    command_execute(&p->set, socket_message_sender(&p->message), request->bytes, request->n,
                    p->answer, sizeof p->answer);
    for (size_t i = 0; i + 1 < n; i++)
        out[i] = p->message.frames[i];
    out[n - 1] = (struct socket_frame){p->answer, strlen(p->answer)};
    if (socket_send(p->socket, out, n))
        log_warn("a client of the control socket left before its answer");
}

void command_port_serve(struct command_port *p)
{
    for (int i = 0; i < AT_ONCE && socket_recv(p->socket, &p->message, 0) == OK; i++)
        answer_one(p);
}
