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

enum { CYCLES_MAX = 10000, PAUSE_MAX_S = 3600 };
#define PAUSE_MAX_CYCLES 16384 /* what the reserved cycle numbers bridge */

struct control {
    struct control_ops ops;
    struct command_port *port;
};

static int run_status(const void *control_ops, const json_t *args, char *out, size_t size,
                      struct status *err)
{
    const struct control_ops *ops = control_ops;
    struct health health = {0};
    (void)args;
    ops->health(ops->context, &health);
    int n = telemetry_format_health(&health, out, size);
    return n < 0 ? status_set(err, n, "the answer does not fit") : OK;
}

static int run_background(const void *control_ops, const json_t *args, char *out, size_t size,
                          struct status *err)
{
    const struct control_ops *ops = control_ops;
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

static int run_calib(const void *control_ops, const json_t *args, char *out, size_t size,
                     struct status *err)
{
    const struct control_ops *ops = control_ops;
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

static int run_describe(const void *control_ops, const json_t *args, char *out, size_t size,
                        struct status *err)
{
    const struct control_ops *ops = control_ops;
    (void)args;
    if (need_scene(ops, err))
        return err->code;
    json_t *members = control_scene_describe(&ops->scene);
    json_object_set_new(members, "commands", command_names());
    json_object_set_new(members, "users", user_list(ops, false));
    return write_members(members, out, size, err);
}

static int run_pattern(const void *control_ops, const json_t *args, char *out, size_t size,
                       struct status *err)
{
    const struct control_ops *ops = control_ops;
    return need_scene(ops, err)
               ? err->code
               : write_members(control_scene_pattern(&ops->scene, args, err), out, size, err);
}

static int run_hold(const void *control_ops, const json_t *args, char *out, size_t size,
                    struct status *err)
{
    const struct control_ops *ops = control_ops;
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

static int run_permit(const void *control_ops, const json_t *args, char *out, size_t size,
                      struct status *err)
{
    const struct control_ops *ops = control_ops;
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

static int run_users(const void *control_ops, const json_t *args, char *out, size_t size,
                     struct status *err)
{
    const struct control_ops *ops = control_ops;
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

static int run_pause(const void *control_ops, const json_t *args, char *out, size_t size,
                     struct status *err)
{
    const struct control_ops *ops = control_ops;
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

static int run_tuning(const void *control_ops, const json_t *args, char *out, size_t size,
                      struct status *err)
{
    const struct control_ops *ops = control_ops;
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

static int run_period(const void *control_ops, const json_t *args, char *out, size_t size,
                      struct status *err)
{
    const struct control_ops *ops = control_ops;
    if (need_scene(ops, err))
        return err->code;
    int every = control_period(args, ops->scene.cfg, ops->scene.schedule, err);
    if (every < 0)
        return every;
    ops->every(ops->context, (unsigned)every);
    snprintf(out, size, "{}");
    return OK;
}

static int run_identity(const void *control_ops, const json_t *args, char *out, size_t size,
                        struct status *err)
{
    const struct control_ops *ops = control_ops;
    if (need_scene(ops, err))
        return err->code;
    const int mode = control_identity(args, &ops->scene, err);
    if (mode < 0)
        return mode;
    ops->identify(ops->context, (enum bs_identity)mode);
    snprintf(out, size, "{}");
    return OK;
}

static int run_record(const void *control_ops, const json_t *args, char *out, size_t size,
                      struct status *err)
{
    const struct control_ops *ops = control_ops;
    return control_record(ops->recorder, ops->record_folder, args, out, size, err);
}

static int run_shutdown(const void *control_ops, const json_t *args, char *out, size_t size,
                        struct status *err)
{
    const struct control_ops *ops = control_ops;
    (void)args;
    (void)err;
    ops->shutdown(ops->context);
    snprintf(out, size, "{}");
    return OK;
}

/* Questions change nothing. */
static bool users_change(const json_t *request)
{
    const char *what = json_string_value(json_object_get(request, "do"));
    return !(what && strcmp(what, "list") == 0);
}

static bool record_changes(const json_t *request)
{
    const char *what = json_string_value(json_object_get(request, "do"));
    return !(what && strcmp(what, "status") == 0);
}

static bool calib_changes(const json_t *request)
{
    const char *kind = json_string_value(json_object_get(request, "kind"));
    return !(kind && (strcmp(kind, "state") == 0 || strcmp(kind, "list") == 0));
}

static const struct command commands[] = {
    {"status", NULL, run_status},
    {"describe", NULL, run_describe},
    {"pattern", NULL, run_pattern},
    {"hold", command_changes, run_hold},
    {"permit", command_changes, run_permit},
    {"pause", command_changes, run_pause},
    {"background", command_changes, run_background},
    {"calib", calib_changes, run_calib},
    {"record", record_changes, run_record},
    {"gain", command_changes, run_tuning},
    {"frequency", command_changes, run_tuning},
    {"period", command_changes, run_period},
    {"users", users_change, run_users},
    {"identity", command_changes, run_identity},
    {"shutdown", command_changes, run_shutdown},
};

static json_t *command_names(void)
{
    json_t *list = json_array();
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++)
        json_array_append_new(list, json_string(commands[i].name));
    return list;
}

static void audit(const void *control_ops, const char *line)
{
    const struct control_ops *ops = control_ops;
    ops->audit(ops->context, line);
}

static struct command_set commands_of(const struct control_ops *ops)
{
    return (struct command_set){.command = commands,
                                .n = sizeof commands / sizeof commands[0],
                                .context = ops,
                                .audit = audit,
                                .refusals = ops->refusals};
}

void control_execute(const struct control_ops *ops, const char *sender, const char *text, size_t n,
                     char *answer, size_t size)
{
    const struct command_set set = commands_of(ops);
    command_execute(&set, sender, text, n, answer, size);
}

struct control *control_create(void *socket, const struct control_ops *ops, struct status *err)
{
    struct control *c = calloc(1, sizeof *c);
    if (!c) {
        status_set(err, ERR_NO_MEMORY, "control: out of memory");
        return NULL;
    }
    c->ops = *ops;
    const struct command_set set = commands_of(&c->ops);
    c->port = command_port_create(socket, &set, err);
    if (!c->port)
        control_destroy(&c);
    return c;
}

void control_destroy(struct control **control)
{
    if (!*control)
        return;
    command_port_destroy(&(*control)->port);
    free(*control);
    *control = NULL;
}

void control_serve(struct control *c)
{
    command_port_serve(c->port);
}
