/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * mirador set: what a running miradord shall do otherwise from its next cycle on. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/log.h"
#include "host/cli/cmd.h"
#include "host/cli/daemon_link.h"
#include "host/cli/verbs.h"

#define PATIENCE_S 10.0 /* a radio that is away carries an order out when it is back */
#define LOOK_NS    50000000

struct set_job {
    struct daemon_link link;
    json_t *question;
};

struct order {
    const char *title, *cmd, *operands, *synopsis;
    size_t n_operands;
    const struct option_spec *specs;
    size_t n_specs;
    /* The operands into the question. */
    int (*take)(json_t *question, char **operands, struct status *err);
    bool by_radio; /* carried out after the answer: see "setting" of the status */
};

static int number_into(json_t *q, const char *key, const char *name, const char *text,
                       struct status *err)
{
    double x;
    if (option_double(name, text, -1e12, 1e12, &x, err))
        return err->code;
    json_object_set_new(q, key, json_real(x));
    return OK;
}

static int apply(void *context, const char *name, const char *value, struct status *err)
{
    struct set_job *job = context;
    if (strcmp(name, "tx") == 0)
        return number_into(job->question, "tx_db", "tx", value, err);
    if (strcmp(name, "rx") == 0)
        return number_into(job->question, "rx_db", "rx", value, err);
    return daemon_link_apply(&job->link, name, value, err);
}

static int take_none(json_t *q, char **operands, struct status *err)
{
    (void)q, (void)operands, (void)err; /* options say it */
    return OK;
}

static int take_frequency(json_t *q, char **operands, struct status *err)
{
    return number_into(q, "carrier_hz", "HZ", operands[0], err);
}

static int take_period(json_t *q, char **operands, struct status *err)
{
    return number_into(q, "period_s", "SECONDS", operands[0], err);
}

static int take_pause(json_t *q, char **operands, struct status *err)
{
    return number_into(q, "seconds", "SECONDS", operands[0], err);
}

static int take_identity(json_t *q, char **operands, struct status *err)
{
    (void)err; /* the daemon knows which there are */
    json_object_set_new(q, "mode", json_string(operands[0]));
    return OK;
}

static int take_profile(json_t *q, char **operands, struct status *err)
{
    uint64_t n = 0;
    const bool freed = strcmp(operands[1], "auto") == 0;
    if (!freed && option_u64("NUMBER", operands[1], &n, err))
        return err->code;
    json_object_set_new(q, "surface", json_string(operands[0]));
    json_object_set_new(q, "profile", freed ? json_null() : json_integer((json_int_t)n));
    return OK;
}

/* NULL with the daemon's refusal in *err. */
static json_t *ask(struct set_job *job, json_t *question, struct status *err)
{
    json_object_set_new(question, "who", json_string("mirador set"));
    json_t *answer = daemon_ask(&job->link, question, err);
    const char *refusal = json_string_value(json_object_get(answer, "error"));
    if (!refusal)
        return answer;
    status_set(err, ERR_STATE, "%s", refusal);
    json_decref(answer);
    return NULL;
}

/* Until the radio has taken it, or has not. Returns the setting in force. */
static json_t *await_radio(struct set_job *job, struct status *err)
{
    const struct timespec nap = {.tv_nsec = LOOK_NS};
    for (double t = 0; t < PATIENCE_S; t += 1e-9 * LOOK_NS) {
        json_t *answer = ask(job, json_pack("{s:s}", "cmd", "status"), err);
        json_t *setting = json_incref(json_object_get(answer, "setting"));
        const char *refused = json_string_value(json_object_get(setting, "refused"));
        const bool pending = json_is_true(json_object_get(setting, "pending"));
        json_decref(answer);
        if (!pending && refused && refused[0])
            status_set(err, ERR_RADIO, "%s", refused);
        if (!pending && !err->code)
            return setting;
        json_decref(setting);
        if (err->code)
            return NULL;
        nanosleep(&nap, NULL);
    }
    status_set(
        err, ERR_TIMEOUT,
        "ordered, but not carried out yet: is the radio there, is it paused? see 'setting' in "
        "'mirador status'");
    return NULL;
}

static int carry_out(struct set_job *job, const struct order *order, bool json, struct status *err)
{
    json_t *answer =
        daemon_link_open(&job->link, err) ? ask(job, json_incref(job->question), err) : NULL;
    if (answer && order->by_radio) {
        json_decref(answer);
        answer = await_radio(job, err);
    }
    daemon_link_close(&job->link);
    if (!answer) {
        fprintf(stderr, "%s: %s\n", order->title, err->text);
        return daemon_link_exit(err);
    }
    if (json) {
        json_dumpf(answer, stdout, JSON_COMPACT);
        putchar('\n');
    }
    json_decref(answer);
    return EXIT_DONE;
}

static int run(const struct order *order, int argc, char **argv)
{
    struct set_job job = {.link = DAEMON_LINK_DEFAULT,
                          .question = json_pack("{s:s}", "cmd", order->cmd)};
    struct options opt;
    struct status err = {0};
    const struct options_cfg cfg = {.program = order->title,
                                    .synopsis = order->synopsis,
                                    .operands = order->operands,
                                    .specs = order->specs,
                                    .n_specs = order->n_specs,
                                    .json = true,
                                    .apply = apply,
                                    .context = &job};
    int code = options_parse(&cfg, argc, argv, &opt);
    if (code < 0 && (size_t)opt.n_operands != order->n_operands) {
        fprintf(stderr, "%s: expected %s; see '%s --help'\n", order->title,
                order->operands ? order->operands : "options only", order->title);
        code = EXIT_USAGE;
    }
    if (code < 0 && order->take(job.question, opt.operands, &err)) {
        fprintf(stderr, "%s: %s\n", order->title, err.text);
        code = EXIT_USAGE;
    }
    if (code < 0)
        code = carry_out(&job, order, opt.json, &err);
    json_decref(job.question);
    return code;
}

static const struct option_spec link_specs[] = {DAEMON_LINK_SPECS};
#define LINK link_specs, sizeof link_specs / sizeof *link_specs

static int gain(int argc, char **argv)
{
    static const struct option_spec specs[] = {{"tx", 't', "DB", "of every transmit channel"},
                                               {"rx", 'r', "DB", "of every receive channel"},
                                               DAEMON_LINK_SPECS};
    static const struct order order = {
        "mirador set gain",
        "gain",
        NULL,
        "Gains, at the next cycle's start. What was calibrated under others is void.",
        0,
        specs,
        sizeof specs / sizeof *specs,
        take_none,
        true};
    return run(&order, argc, argv);
}

static int frequency(int argc, char **argv)
{
    static const struct order order = {
        "mirador set frequency",
        "frequency",
        "HZ",
        "Carrier of both directions, at the next cycle's start. Terminals have to follow by "
        "themselves.\nWhat was calibrated at another is void.",
        1,
        LINK,
        take_frequency,
        true};
    return run(&order, argc, argv);
}

static int period(int argc, char **argv)
{
    static const struct order order = {
        "mirador set period",
        "period",
        "SECONDS",
        "Time from cycle to cycle: a whole multiple of schedule.cycle_period_s, by which terminals "
        "listen.",
        1,
        LINK,
        take_period,
        false};
    return run(&order, argc, argv);
}

static int identity(int argc, char **argv)
{
    static const struct order order = {
        "mirador set identity",
        "identity",
        "MODE",
        "How paths are told apart; 'coded' is the one mode there is.",
        1,
        LINK,
        take_identity,
        false};
    return run(&order, argc, argv);
}

static int profile(int argc, char **argv)
{
    static const struct order order = {"mirador set profile",
                                       "hold",
                                       "SURFACE NUMBER|auto",
                                       "Profile that a surface shows; auto: as ris.mode says.",
                                       2,
                                       LINK,
                                       take_profile,
                                       false};
    return run(&order, argc, argv);
}

static int pause_for(int argc, char **argv)
{
    static const struct order order = {"mirador set pause",
                                       "pause",
                                       "SECONDS",
                                       "Neither bursts nor captures for so long; 0 goes on.",
                                       1,
                                       LINK,
                                       take_pause,
                                       false};
    return run(&order, argc, argv);
}

int cmd_set(int argc, char **argv)
{
    static const struct verb verbs[] = {
        {"gain", "mirador set gain", gain, "of transmitter and receiver"},
        {"frequency", "mirador set frequency", frequency, "carrier of both directions"},
        {"period", "mirador set period", period, "time from cycle to cycle"},
        {"identity", "mirador set identity", identity, "how paths are told apart"},
        {"profile", "mirador set profile", profile, "what a surface shows"},
        {"pause", "mirador set pause", pause_for, "neither bursts nor captures"},
    };
    static const struct verb_table table = {.program = "mirador set",
                                            .page = "docs/telemetry.md",
                                            .verbs = verbs,
                                            .n = sizeof verbs / sizeof *verbs};
    return verbs_run(&table, argc, argv);
}
