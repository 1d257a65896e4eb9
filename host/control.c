/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "host/control.h"
#include "base/log.h"
#include "base/sockets.h"
#include "host/control_calib.h"
#include "host/control_radio.h"
#include "host/control_text.h"
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    ANSWER_BYTES = 65536,
    CYCLES_MAX = 10000,
    PAUSE_MAX_S = 3600,
    AT_ONCE = 64
};
#define PAUSE_MAX_CYCLES 16384 /* what the reserved cycle numbers bridge */

struct control {
    void *socket;
    struct control_ops ops;
    struct log_site refusals;
    struct socket_message message;
    char answer[ANSWER_BYTES];
};

struct command {
    const char *name;
    bool changes; /* something, so that it is written to the audit log */
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
    return OK;
}

/* Takes the object. */
static int write_members(json_t *members, char *out, size_t size, struct status *err)
{
    if (control_text(members, 12, out, size) > 0)
        return OK;
    return err->code ? err->code : status_set(err, ERR_NO_SPACE, "the answer does not fit");
}

static int need_scene(const struct control_ops *ops, struct status *err)
{
    return ops->scene.cfg ? OK : status_set(err, ERR_STATE, "there is no scene here");
}

static json_t *command_names(void);
static json_t *user_list(const struct control_ops *ops, bool whole);

static int run_describe(const struct control_ops *ops, const json_t *args, char *out, size_t size,
                        struct status *err)
{
    (void)args;
    if (need_scene(ops, err))
        return err->code;
    json_t *members = control_scene_describe(&ops->scene);
    json_object_set_new(members, "commands", command_names());
    json_object_set_new(members, "users", user_list(ops, false));
    return write_members(members, out, size, err);
}

static int run_pattern(const struct control_ops *ops, const json_t *args, char *out, size_t size,
                       struct status *err)
{
    return need_scene(ops, err)
               ? err->code
               : write_members(control_scene_pattern(&ops->scene, args, err), out, size, err);
}

static int run_hold(const struct control_ops *ops, const json_t *args, char *out, size_t size,
                    struct status *err)
{
    const json_t *profile = json_object_get(args, "profile");
    if (need_scene(ops, err))
        return err->code;
    int i = control_scene_surface(ops->scene.cfg,
                                  json_string_value(json_object_get(args, "surface")), err);
    if (i < 0)
        return i;
    const json_int_t n = json_is_null(profile) ? -1 : json_integer_value(profile);
    const size_t n_profile = ops->scene.profiles[i].n;
    if (!(json_is_null(profile) || (json_is_integer(profile) && n >= 0)) ||
        n >= (json_int_t)n_profile)
        return status_set(err, ERR_ARG, "\"profile\" must be null, or a whole number from 0 to %zu",
                          n_profile - 1);
    ops->hold(ops->context, (size_t)i, (int)n);
    snprintf(out, size, "{}");
    return OK;
}

static int run_permit(const struct control_ops *ops, const json_t *args, char *out, size_t size,
                      struct status *err)
{
    const json_t *allow = json_object_get(args, "allow");
    int user;
    if (need_scene(ops, err) || control_user(json_object_get(args, "user"), &user, err))
        return err->code;
    if (!json_is_boolean(allow))
        return status_set(err, ERR_ARG, "\"allow\" must be true or false");
    snprintf(out, size, "{}");
    return ops->allow(ops->context, user, json_is_true(allow)) == OK
               ? OK
               : status_set(err, ERR_NOT_FOUND, "there is no user %d here", user);
}

static json_t *user_json(const struct health_orders *o, size_t i)
{
    return json_pack("{s:i,s:b,s:s,s:f,s:i,s:I,s:I,s:I}", "id", o->user[i].id, "allowed",
                     (int)o->user[i].allowed, "state", consent_state_name(o->user[i].consent),
                     "rate_hz", o->user[i].rate_hz, "priority", o->user[i].priority, "asked",
                     (json_int_t)o->user[i].asked, "permitted", (json_int_t)o->user[i].permitted,
                     "fixes", (json_int_t)o->user[i].fixes);
}

static json_t *user_list(const struct control_ops *ops, bool whole)
{
    struct health_orders now = {0};
    json_t *list = json_array();
    ops->orders(ops->context, &now);
    for (size_t i = 0; i < now.n_user; i++)
        json_array_append_new(list, whole ? user_json(&now, i) : json_integer(now.user[i].id));
    return list;
}

static int run_users(const struct control_ops *ops, const json_t *args, char *out, size_t size,
                     struct status *err)
{
    struct roster_wish wish;
    if (need_scene(ops, err))
        return err->code;
    const int command = control_users(args, &wish, err);
    if (command < 0)
        return command;
    if (command == USERS_LIST)
        return write_members(json_pack("{s:o}", "users", user_list(ops, true)), out, size, err);
    snprintf(out, size, "{}");
    return command == USERS_ADD   ? ops->add_user(ops->context, &wish, err)
           : command == USERS_SET ? ops->set_user(ops->context, &wish, err)
                                  : ops->remove_user(ops->context, wish.id, err);
}

static int run_pause(const struct control_ops *ops, const json_t *args, char *out, size_t size,
                     struct status *err)
{
    const json_t *seconds = json_object_get(args, "seconds");
    const double s = json_number_value(seconds);
    if (need_scene(ops, err))
        return err->code;
    const struct schedule *schedule = ops->scene.schedule;
    const double longest =
        fmin(PAUSE_MAX_S, PAUSE_MAX_CYCLES * (double)schedule->period / (double)schedule->rate);
    if (!json_is_number(seconds) || !(s >= 0 && s <= longest))
        return status_set(err, ERR_ARG, "\"seconds\" must be a number from 0 to %g", longest);
    ops->pause(ops->context, s);
    snprintf(out, size, "{}");
    return OK;
}

static int run_tuning(const struct control_ops *ops, const json_t *args, char *out, size_t size,
                      struct status *err)
{
    struct health_orders now = {0};
    const char *name = json_string_value(json_object_get(args, "cmd"));
    if (need_scene(ops, err))
        return err->code;
    ops->orders(ops->context, &now);
    struct radio_setting want = now.radio.in_force;
    int rc = strcmp(name, "gain") == 0 ? control_gain(args, ops->scene.cfg, &want, err)
                                       : control_frequency(args, ops->scene.cfg, &want, err);
    snprintf(out, size, "{}");
    return rc ? rc : ops->tune(ops->context, &want, err);
}

static int run_period(const struct control_ops *ops, const json_t *args, char *out, size_t size,
                      struct status *err)
{
    if (need_scene(ops, err))
        return err->code;
    int every = control_period(args, ops->scene.cfg, ops->scene.schedule, err);
    if (every < 0)
        return every;
    ops->every(ops->context, (unsigned)every);
    snprintf(out, size, "{}");
    return OK;
}

static int run_identity(const struct control_ops *ops, const json_t *args, char *out, size_t size,
                        struct status *err)
{
    if (need_scene(ops, err))
        return err->code;
    const int mode = control_identity(args, ops->scene.cfg, err);
    if (mode < 0)
        return mode;
    ops->identify(ops->context, (enum bs_identity)mode);
    snprintf(out, size, "{}");
    return OK;
}

static int run_record(const struct control_ops *ops, const json_t *args, char *out, size_t size,
                      struct status *err)
{
    return control_record(ops->recorder, ops->record_folder, args, out, size, err);
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
    {"status", false, run_status},        {"describe", false, run_describe},
    {"pattern", false, run_pattern},      {"hold", true, run_hold},
    {"permit", true, run_permit},         {"pause", true, run_pause},
    {"background", true, run_background}, {"calib", true, run_calib},
    {"record", true, run_record},         {"gain", true, run_tuning},
    {"frequency", true, run_tuning},      {"period", true, run_period},
    {"users", true, run_users},           {"identity", true, run_identity},
    {"shutdown", true, run_shutdown},
};

static json_t *command_names(void)
{
    json_t *list = json_array();
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++)
        json_array_append_new(list, json_string(commands[i].name));
    return list;
}

static const struct command *find_command(const char *name, struct status *err)
{
    for (size_t i = 0; name && i < sizeof commands / sizeof commands[0]; i++)
        if (strcmp(commands[i].name, name) == 0)
            return &commands[i];
    status_set(err, ERR_NOT_FOUND,
               name
                   ? "unknown command '%.40s': status, describe, pattern, hold, permit, pause, "
                     "background, calib, record, gain, frequency, period, identity, users, shutdown"
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
    (void)control_text(o, 12, answer, size);
}

/* Questions about a calibration or a recording change nothing. */
static bool asks_only(const char *name, const json_t *request)
{
    const char *kind = json_string_value(json_object_get(request, "kind")),
               *record = json_string_value(json_object_get(request, "do"));
    if (strcmp(name, "users") == 0)
        return record && strcmp(record, "list") == 0;
    if (strcmp(name, "record") == 0)
        return record && strcmp(record, "status") == 0;
    if (strcmp(name, "calib") == 0)
        return kind && (strcmp(kind, "state") == 0 || strcmp(kind, "list") == 0);
    return false;
}

void control_execute(const struct control_ops *ops, const char *sender, const char *text, size_t n,
                     char *answer, size_t size)
{
    char members[ANSWER_BYTES - 256], line[CONTROL_AUDIT_BYTES];
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
        if (command && command->changes && !asks_only(name, request) &&
            control_audit_line(ops->refusals, sender, request, &err, line)) {
            log_info("%s", line);
            ops->audit(ops->context, line);
        }
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
    c->ops.refusals = &c->refusals;
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
    control_execute(&c->ops, socket_message_sender(&c->message), request->bytes, request->n,
                    c->answer, sizeof c->answer);
    for (size_t i = 0; i + 1 < n; i++)
        out[i] = c->message.frames[i];
    out[n - 1] = (struct socket_frame){c->answer, strlen(c->answer)};
    if (socket_send(c->socket, out, n))
        log_warn("a client of the control socket left before its answer");
}

void control_serve(struct control *c)
{
    for (int i = 0; i < AT_ONCE && socket_recv(c->socket, &c->message, 0) == OK; i++)
        answer_one(c);
}
