/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * mirador status: one question to a running miradord. */
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "base/options.h"
#include "host/cli/cmd.h"
#include "host/cli/daemon_link.h"

static const struct option_spec specs[] = {DAEMON_LINK_SPECS};

static int apply(void *context, const char *name, const char *value, struct status *err)
{
    return daemon_link_apply(context, name, value, err);
}

static void print_value(const char *name, json_t *value);

/* Nested objects as "radio.rx_gaps  0". */
static void print_table(const char *prefix, json_t *object)
{
    const char *key;
    json_t *value;
    json_object_foreach(object, key, value)
    {
        char name[128];
        snprintf(name, sizeof name, "%s%s", prefix, key);
        print_value(name, value);
    }
}

/* Each under its number: "users[7].rate_hz  0.5" of user 7. */
static void print_list(const char *name, json_t *list)
{
    size_t i;
    json_t *value;
    json_array_foreach(list, i, value)
    {
        const json_t *id = json_object_get(value, "id");
        char item[160];
        snprintf(item, sizeof item, "%s[%lld]", name, id ? json_integer_value(id) : (json_int_t)i);
        print_value(item, value);
    }
}

static void print_value(const char *name, json_t *value)
{
    char inner[168];
    snprintf(inner, sizeof inner, "%s.", name);
    if (json_is_object(value)) {
        print_table(inner, value);
    } else if (json_is_object(json_array_get(value, 0))) {
        print_list(name, value);
    } else {
        char *text = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT | JSON_REAL_PRECISION(9));
        printf("%-32s %s\n", name, text ? text : "");
        free(text);
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
    static struct daemon_link link = DAEMON_LINK_DEFAULT;
    struct options opt;
    struct status err = {0};
    const struct options_cfg cfg = {
        .program = "mirador status",
        .synopsis = "Asks a running miradord for its state and its counters.",
        .specs = specs,
        .n_specs = sizeof specs / sizeof *specs,
        .json = true,
        .apply = apply,
        .context = &link,
    };
    int code = options_parse(&cfg, argc, argv, &opt);
    if (code >= 0)
        return code;
    json_t *answer = daemon_link_open(&link, &err)
                         ? daemon_ask(&link, json_pack("{s:s}", "cmd", "status"), &err)
                         : NULL;
    if (answer)
        code = print_answer(answer, opt.json);
    else
        fprintf(stderr, "mirador status: %s\n", err.text);
    json_decref(answer);
    daemon_link_close(&link);
    if (code < 0)
        code = daemon_link_exit(&err);
    return code;
}
