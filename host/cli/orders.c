/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "host/cli/orders.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/log.h"
#include "host/cli/daemon_link.h"

#define PATIENCE_S 10.0 /* a radio that is away carries an order out when it is back */
#define LOOK_NS    50000000

struct order_job {
    struct daemon_link link;
    const struct order *order;
    json_t *question;
};

static int apply(void *context, const char *name, const char *value, struct status *err)
{
    struct order_job *job = context;
    int rc = daemon_link_apply(&job->link, name, value, err);
    return rc == ERR_NOT_FOUND ? job->order->apply(job->question, name, value, err) : rc;
}

int order_number(json_t *q, const char *key, const char *name, const char *text, struct status *err)
{
    double x;
    if (option_double(name, text, -1e12, 1e12, &x, err))
        return err->code;
    json_object_set_new(q, key, json_real(x));
    return OK;
}

int order_whole(json_t *q, const char *key, const char *name, const char *text, struct status *err)
{
    uint64_t n = 0;
    if (option_u64(name, text, &n, err))
        return err->code;
    json_object_set_new(q, key, json_integer((json_int_t)n));
    return OK;
}

/* Until the radio has taken it, or has not. Returns the setting in force. */
static json_t *await_radio(struct order_job *job, struct status *err)
{
    const struct timespec nap = {.tv_nsec = LOOK_NS};
    for (double t = 0; t < PATIENCE_S; t += 1e-9 * LOOK_NS) {
        json_t *answer = daemon_order(&job->link, json_pack("{s:s}", "cmd", "status"), err);
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

static int carry_out(struct order_job *job, const struct order *order, bool json,
                     struct status *err)
{
    json_t *answer = daemon_link_open(&job->link, err)
                         ? daemon_order(&job->link, json_incref(job->question), err)
                         : NULL;
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
    } else if (order->show) {
        order->show(answer);
    }
    json_decref(answer);
    return EXIT_DONE;
}

int order_run(const struct order *order, int argc, char **argv)
{
    struct order_job job = {.link = DAEMON_LINK_DEFAULT,
                            .order = order,
                            .question =
                                json_pack("{s:s,s:s*}", "cmd", order->cmd, "do", order->what)};
    struct options opt;
    struct status err = {0};
    if (order->program) {
        job.link.program = order->program;
        job.link.endpoint = order->endpoint;
    }
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
    if (code < 0 && order->take && order->take(job.question, opt.operands, &err)) {
        fprintf(stderr, "%s: %s\n", order->title, err.text);
        code = EXIT_USAGE;
    }
    if (code < 0)
        code = carry_out(&job, order, opt.json, &err);
    json_decref(job.question);
    return code;
}
