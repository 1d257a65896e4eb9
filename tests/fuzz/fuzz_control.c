/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What clients of miradord and mirador-ue send: whatever it is, the answer is one JSON object that
 * says ok or why not, and what reaches the daemon is in range. */
#include "fuzz.h"

#include <jansson.h>
#include <string.h>

#include "base/log.h"
#include "host/control.h"
#include "host/ue/ue_control.h"

static struct bs_cfg cfg;
static struct schedule schedule;
static struct profile_set profiles[BS_RIS];

static void health(void *context, struct health *out)
{
    (void)context;
    *out = (struct health){.state = "running"};
}

static void background(void *context, unsigned cycles)
{
    (void)context;
    FUZZ_CHECK(cycles == 0 || (cycles >= 4 && cycles <= 10000));
}

static void shut_down(void *context)
{
    (void)context;
}

static void hold(void *context, size_t surface, int profile)
{
    (void)context;
    FUZZ_CHECK(surface < BS_RIS && profile >= -1 && profile < (int)profiles[surface].n);
}

static int allow(void *context, int user, bool allowed)
{
    (void)context, (void)allowed;
    FUZZ_CHECK(user >= 0 && user < 1 << 20);
    return user == cfg.users[0].id ? OK : ERR_NOT_FOUND;
}

/* Wherever it is put, the name stays there. */
static int add_user(void *context, const struct roster_wish *wish, struct status *err)
{
    const char *key = wish->key;
    (void)context, (void)err;
    FUZZ_CHECK(wish->id >= 0 && wish->id < 1 << 20);
    FUZZ_CHECK(wish->rate_hz >= 0 && wish->rate_hz <= 100);
    FUZZ_CHECK(wish->priority >= 0 && wish->priority <= 7);
    FUZZ_CHECK(!key || (key[0] && key[0] != '.' && !strchr(key, '/') && strlen(key) <= 100));
    return OK;
}

static int remove_user(void *context, int user, struct status *err)
{
    (void)context;
    FUZZ_CHECK(user >= 0 && user < 1 << 20);
    return status_set(err, ERR_STATE, "user %d is the last one", user);
}

static void pause_for(void *context, double seconds)
{
    (void)context;
    FUZZ_CHECK(seconds >= 0 && seconds < 1e6);
}

static void orders(void *context, struct health_orders *out)
{
    (void)context;
    *out = (struct health_orders){
        .radio.in_force = {cfg.radio.carrier_hz, cfg.radio.tx_gain_db, cfg.radio.rx_gain_db}};
}

static int tune(void *context, const struct radio_setting *want, struct status *err)
{
    const struct radio_cfg radio = bs_config_radio(&cfg);
    struct status why;
    (void)context, (void)err;
    FUZZ_CHECK(radio_check_setting(&radio, want, &why) == OK);
    FUZZ_CHECK(want->carrier_hz > 5.7e9 && want->carrier_hz < 5.9e9);
    return OK;
}

static void every(void *context, unsigned periods)
{
    (void)context;
    FUZZ_CHECK(periods >= 1 && periods <= 25);
}

static void identify(void *context, enum bs_identity identity)
{
    (void)context;
    (void)identity;
}

/* One line, whoever asks. */
static void audit(void *context, const char *line)
{
    (void)context;
    for (const char *p = line; *p; p++)
        FUZZ_CHECK((unsigned char)*p >= 32);
}

static void set_up(void)
{
    struct status err = {0};
    log_open("fuzz", LOG_LEVEL_ERROR);
    FUZZ_CHECK(config_load(&bs_config_table, "lab", NULL, &cfg, &err) == 0);
    for (size_t i = 0; i < BS_RIS; i++) {
        profiles[i].shape = (struct ris_shape){.columns = 4, .rows = 4, .bits = 1};
        profiles[i].n = 2;
    }
    FUZZ_CHECK(bs_config_schedule(&cfg, &schedule, &err) == 0);
}

static void check_answer(const char *answer)
{
    json_t *said = json_loads(answer, 0, NULL);
    FUZZ_CHECK(json_is_object(said));
    const json_t *ok = json_object_get(said, "ok");
    FUZZ_CHECK(json_is_true(ok) || (json_is_false(ok) && json_object_get(said, "error")));
    json_decref(said);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    static char answer[65536];
    static const struct control_ops ops = {
        .health = health,
        .background = background,
        .shutdown = shut_down,
        .hold = hold,
        .allow = allow,
        .add_user = add_user,
        .set_user = add_user,
        .remove_user = remove_user,
        .pause = pause_for,
        .orders = orders,
        .tune = tune,
        .every = every,
        .identify = identify,
        .audit = audit,
        .scene = {.cfg = &cfg, .schedule = &schedule, .profiles = profiles},
    };
    if (cfg.n_users == 0)
        set_up();
    control_execute(&ops, NULL, (const char *)bytes, n, answer, sizeof answer);
    check_answer(answer);
    struct permission permission = {.path = "/dev/null/there is no disk"};
    ue_control_execute(1001, &permission, (const char *)bytes, n, answer, sizeof answer);
    check_answer(answer);
    return 0;
}
