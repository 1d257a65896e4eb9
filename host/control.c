/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "host/control.h"
#include "base/log.h"
#include "base/sockets.h"
#include "host/control_calib.h"
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ANSWER_BYTES = 65536, CYCLES_MAX = 10000 };

struct control {
    void *socket;
    struct control_ops ops;
    struct socket_message message;
    char answer[ANSWER_BYTES];
};

struct command {
    const char *name;
    /* Writes the members of the answer after {"ok":..}; returns OK or the refusal's code. */
    int (*run)(const struct control_ops *ops, const json_t *args, char *out, size_t size,
               struct status *err);
};

static int run_status(const struct control_ops *ops, const json_t *args, char *out, size_t size,
                      struct status *err)
{
    struct health health = {0};
    (void)args;
    ops->health(ops->context, &health);
    int n = telemetry_format_health(&health, out, size);
    return n < 0 ? status_set(err, n, "the answer does not fit") : OK;
}

static int run_background(const struct control_ops *ops, const json_t *args, char *out, size_t size,
                          struct status *err)
{
    const json_t *cycles = json_object_get(args, "cycles");
    json_int_t n = cycles ? json_integer_value(cycles) : 10;
    if ((cycles && !json_is_integer(cycles)) || n < 0 || n > CYCLES_MAX || (n > 0 && n < 4))
        return status_set(err, ERR_ARG, "\"cycles\" must be 0, or a whole number from 4 to %d",
                          CYCLES_MAX);
    ops->background(ops->context, (unsigned)n);
    snprintf(out, size, "{}");
    return OK;
}

static int list_calibrations(const struct control_ops *ops, char *out, size_t size,
                             struct status *err)
{
    char *records = site_calib_list(ops->site);
    int n = records ? snprintf(out, size, "{\"records\":%s}", records) : -1;
    free(records);
    return n >= 0 && (size_t)n < size ? OK
                                      : status_set(err, ERR_NO_SPACE, "the answer does not fit");
}

static int run_calib(const struct control_ops *ops, const json_t *args, char *out, size_t size,
                     struct status *err)
{
    const char *kind = json_string_value(json_object_get(args, "kind"));
    struct site_request request;
    struct site_state state;
    snprintf(out, size, "{}");
    if (!ops->site)
        return status_set(err, ERR_STATE, "nothing can be calibrated here");
    if (kind && strcmp(kind, "list") == 0)
        return list_calibrations(ops, out, size, err);
    if (kind && strcmp(kind, "state") == 0) {
        site_calib_state(ops->site, &state);
        return control_calib_state(&state, out, size) ? status_set(err, ERR_NO_SPACE, "no space")
                                                      : OK;
    }
    if (kind && strcmp(kind, "stop") == 0) {
        site_calib_abort(ops->site);
        return OK;
    }
    if (control_calib_request(args, &request, err) || site_calib_request(ops->site, &request, err))
        return err->code;
    ops->calibrating(ops->context, &request);
    return OK;
}

static int run_shutdown(const struct control_ops *ops, const json_t *args, char *out, size_t size,
                        struct status *err)
{
    (void)args;
    (void)err;
    ops->shutdown(ops->context);
    snprintf(out, size, "{}");
    return OK;
}

static const struct command commands[] = {
    {"status", run_status},
    {"background", run_background},
    {"calib", run_calib},
    {"shutdown", run_shutdown},
};

static const struct command *find_command(const char *name, struct status *err)
{
    for (size_t i = 0; name && i < sizeof commands / sizeof commands[0]; i++)
        if (strcmp(commands[i].name, name) == 0)
            return &commands[i];
    status_set(err, ERR_NOT_FOUND,
               name ? "unknown command '%.40s': status, background, calib, shutdown"
                    : "no \"cmd\" in the request%s",
               name ? name : "");
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
    size_t n = o ? json_dumpb(o, answer, size - 1, JSON_COMPACT) : 0;
    answer[n < size ? n : 0] = '\0';
    json_decref(o);
}

void control_execute(const struct control_ops *ops, const char *text, size_t n, char *answer,
                     size_t size)
{
    char members[ANSWER_BYTES - 256];
    struct status err = {0};
    json_error_t fault;
    json_t *request = json_loadb(text, n, JSON_REJECT_DUPLICATES, &fault);
    json_int_t seq = json_integer_value(json_object_get(request, "seq"));
    const char *name = json_string_value(json_object_get(request, "cmd"));
    if (!json_is_object(request)) {
        status_set(&err, ERR_FORMAT, "not a JSON object; example: {\"cmd\":\"status\"}");
    } else {
        const struct command *command = find_command(name, &err);
        if (command)
            command->run(ops, request, members, sizeof members, &err);
        if (command && command->run != run_status && command->run != run_calib)
            log_info("command %s: %s", name, status_name(err.code));
    }
    if (err.code)
        write_refusal(seq, &err, answer, size);
    else
        write_ok(seq, members, answer, size);
    json_decref(request);
}

struct control *control_create(void *socket, const struct control_ops *ops, struct status *err)
{
    struct control *c = calloc(1, sizeof *c);
    if (!c) {
        status_set(err, ERR_NO_MEMORY, "control: out of memory");
        return NULL;
    }
    c->socket = socket;
    c->ops = *ops;
    return c;
}

void control_destroy(struct control **control)
{
    if (!*control)
        return;
    socket_message_clear(&(*control)->message);
    free(*control);
    *control = NULL;
}

/* Frames: the peer's address, perhaps an empty delimiter (REQ), the request. */
static void answer_one(struct control *c)
{
    struct socket_frame out[3];
    size_t n = c->message.n;
    if (n < 2 || n > 3)
        return;
    const struct socket_frame *request = &c->message.frames[n - 1];
    control_execute(&c->ops, request->bytes, request->n, c->answer, sizeof c->answer);
    for (size_t i = 0; i + 1 < n; i++)
        out[i] = c->message.frames[i];
    out[n - 1] = (struct socket_frame){c->answer, strlen(c->answer)};
    if (socket_send(c->socket, out, n))
        log_warn("a client of the control socket left before its answer");
}

void control_serve(struct control *c)
{
    while (socket_recv(c->socket, &c->message, 0) == OK)
        answer_one(c);
}
