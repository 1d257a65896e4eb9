/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/host/control_rig.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

struct bs_cfg cfg;
static struct schedule schedule;
struct profile_set profiles[BS_RIS];

const char *sender;
struct log_site *refusals;

static void health(void *context, struct health *out)
{
    (void)context;
    *out = (struct health){.state = "running", .last_cycle = INT64_MAX, .room_s = 1.5};
    out->pipeline.fixes = 7;
}

static void background(void *context, unsigned cycles)
{
    struct seen *s = context;
    s->backgrounds++;
    s->cycles = cycles;
}

static void shutdown(void *context)
{
    ((struct seen *)context)->shutdowns++;
}

static void hold(void *context, size_t surface, int profile)
{
    struct seen *s = context;
    s->holds++;
    s->surface = surface;
    s->profile = profile;
}

static int allow(void *context, int user, bool allowed)
{
    struct seen *s = context;
    if (user != 1)
        return ERR_NOT_FOUND;
    s->allows++;
    s->user = user;
    s->allow = allowed;
    return 0;
}

static int add_user(void *context, const struct roster_wish *wish, struct status *err)
{
    struct seen *s = context;
    (void)err;
    s->adds++;
    s->user = wish->id;
    s->wish = *wish;
    snprintf(s->key, sizeof s->key, "%s", wish->key ? wish->key : "");
    return 0;
}

static int set_user(void *context, const struct roster_wish *wish, struct status *err)
{
    struct seen *s = context;
    (void)err;
    s->sets++;
    s->wish = *wish;
    return 0;
}

static int remove_user(void *context, int user, struct status *err)
{
    struct seen *s = context;
    s->removes++;
    s->user = user;
    if (user == 1) {
        err->code = ERR_STATE;
        snprintf(err->text, sizeof err->text, "user 1 is the last one");
    }
    return err->code;
}

static void pause_for(void *context, double seconds)
{
    struct seen *s = context;
    s->pauses++;
    s->seconds = seconds;
}

static void orders(void *context, struct health_orders *out)
{
    (void)context;
    *out = (struct health_orders){
        .user = {{.id = 1, .allowed = true, .consent = CONSENT_LOCATED}},
        .n_user = 1,
        .radio.in_force = {cfg.radio.carrier_hz, cfg.radio.tx_gain_db, cfg.radio.rx_gain_db}};
}

static int tune(void *context, const struct radio_setting *want, struct status *err)
{
    struct seen *s = context;
    (void)err;
    s->tunes++;
    s->setting = *want;
    return 0;
}

static void identify(void *context, enum bs_identity identity)
{
    ((struct seen *)context)->identity = identity;
}

static void every(void *context, unsigned periods)
{
    ((struct seen *)context)->every = periods;
}

static void audit(void *context, const char *line)
{
    struct seen *s = context;
    s->audits++;
    snprintf(s->audit, sizeof s->audit, "%s", line);
}

json_t *ask(struct seen *seen, const char *text)
{
    const struct control_ops ops = {.health = health,
                                    .background = background,
                                    .shutdown = shutdown,
                                    .hold = hold,
                                    .allow = allow,
                                    .add_user = add_user,
                                    .set_user = set_user,
                                    .remove_user = remove_user,
                                    .pause = pause_for,
                                    .orders = orders,
                                    .tune = tune,
                                    .every = every,
                                    .identify = identify,
                                    .audit = audit,
                                    .refusals = refusals,
                                    .context = seen,
                                    .scene = {&cfg, &schedule, profiles}};
    char answer[8192];
    control_execute(&ops, sender, text, strlen(text), answer, sizeof answer);
    json_t *o = json_loads(answer, 0, NULL);
    if (!o)
        fail_msg("not JSON: %s", answer);
    return o;
}

bool is_ok(struct seen *seen, const char *text)
{
    json_t *o = ask(seen, text);
    bool ok = json_is_true(json_object_get(o, "ok"));
    json_decref(o);
    return ok;
}

int make_scene(void **state)
{
    (void)state;
    struct status err = {0};
    const char *const items[] = {"users[0].id=1", "users[0].key_file=none"};
    const struct config_sets sets = {items, 2};
    if (config_load(&bs_config_table, "lab", &sets, &cfg, &err) ||
        bs_config_schedule(&cfg, &schedule, &err))
        fail_msg("%s", err.text);
    for (size_t i = 0; i < BS_RIS; i++) {
        profiles[i].plays_sequences = true;
        profiles[i].shape.columns = 3;
        profiles[i].shape.rows = 2;
        profiles[i].n = 2;
        memcpy(profiles[i].state[1], "\0\1\0\2\0\3", 6);
    }
    return 0;
}
