/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * mirador status: one question to a running miradord. */
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <zmq.h>

#include "base/log.h"
#include "base/options.h"
#include "base/sockets.h"
#include "host/cli/cmd.h"

#define ANSWER_MS 3000

struct status_job {
    const char *endpoint;
    struct sockets_cfg keys;
};

static const struct option_spec specs[] = {
    {"endpoint", 'e', "ENDPOINT", "control socket of the daemon (ipc:///run/mirador/control.sock)"},
    {"secret-key", 0, "FILE", "our CURVE key, when the daemon is on another machine"},
    {"server-key", 0, "HEX", "the daemon's public key"},
};

static int apply(void *context, const char *name, const char *value, struct status *err)
{
    struct status_job *job = context;
    if (strcmp(name, "endpoint") == 0) {
        job->endpoint = value;
        return 0;
    }
    bool secret = strcmp(name, "secret-key") == 0;
    char *to = secret ? job->keys.secret_key_file : job->keys.server_public_key;
    size_t size = secret ? sizeof job->keys.secret_key_file : sizeof job->keys.server_public_key;
    if ((size_t)snprintf(to, size, "%s", value) >= size)
        return status_set(err, ERR_ARG, "--%s is too long", name);
    return 0;
}

/* The daemon's answer as JSON, or NULL with the reason in err. */
static json_t *ask(struct sockets *sockets, const char *endpoint, struct status *err)
{
    static const char question[] = "{\"cmd\":\"status\"}";
    static struct socket_message answer;
    const struct socket_frame frame = {question, sizeof question - 1};
    json_t *json = NULL;
    void *dealer = sockets_connect(sockets, ZMQ_DEALER, endpoint, err);
    if (!dealer)
        return NULL;
    int rc = socket_send(dealer, &frame, 1);
    if (rc == 0)
        rc = socket_recv(dealer, &answer, ANSWER_MS);
    if (rc == 0 && answer.n > 0)
        json =
            json_loadb(answer.frames[answer.n - 1].bytes, answer.frames[answer.n - 1].n, 0, NULL);
    if (rc)
        status_set(err, rc,
                   "no answer from %s; is miradord running, and is this its control.endpoint?",
                   endpoint);
    else if (!json)
        status_set(err, ERR_FORMAT, "%s does not answer like a miradord", endpoint);
    socket_message_clear(&answer);
    socket_close(&dealer);
    return json;
}

/* Nested objects as "radio.rx_gaps  0". */
static void print_table(const char *prefix, json_t *object)
{
    const char *key;
    json_t *value;
    json_object_foreach(object, key, value)
    {
        char name[128];
        snprintf(name, sizeof name, "%s%s", prefix, key);
        if (json_is_object(value)) {
            strncat(name, ".", sizeof name - strlen(name) - 1);
            print_table(name, value);
        } else {
            char *text = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT | JSON_REAL_PRECISION(9));
            printf("%-32s %s\n", name, text ? text : "");
            free(text);
        }
    }
}

static int print_answer(json_t *answer, bool json)
{
    if (json) {
        json_dumpf(answer, stdout, JSON_COMPACT);
        putchar('\n');
    } else {
        print_table("", answer);
    }
    json_t *ok = json_object_get(answer, "ok");
    return ok && !json_is_true(ok) ? EXIT_FAILED : EXIT_DONE;
}

int cmd_status(int argc, char **argv)
{
    static struct status_job job = {.endpoint = "ipc:///run/mirador/control.sock"};
    struct options opt;
    struct status err = {0};
    const struct options_cfg cfg = {
        .program = "mirador status",
        .synopsis = "Asks a running miradord for its state and its counters.",
        .specs = specs,
        .n_specs = sizeof specs / sizeof *specs,
        .json = true,
        .apply = apply,
        .context = &job,
    };
    int code = options_parse(&cfg, argc, argv, &opt);
    if (code >= 0)
        return code;
    struct sockets *sockets = sockets_create(&job.keys, &err);
    json_t *answer = sockets ? ask(sockets, job.endpoint, &err) : NULL;
    if (answer)
        code = print_answer(answer, opt.json);
    else
        fprintf(stderr, "mirador status: %s\n", err.text);
    json_decref(answer);
    sockets_destroy(&sockets);
    if (code < 0)
        code = err.code == ERR_ARG || err.code == ERR_AUTH ? EXIT_USAGE : EXIT_FAILED;
    return code;
}
