/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * mirador record: tells a running miradord to record, and hands files over to mirador-recording. */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/options.h"
#include "host/cli/cmd.h"
#include "host/cli/daemon_link.h"
#include "host/cli/verbs.h"

#define OPENING_S 10.0

struct record_job {
    struct daemon_link link;
    const char *name;
    bool stream;
};

static int apply(void *context, const char *name, const char *value, struct status *err)
{
    struct record_job *job = context;
    if (strcmp(name, "name") == 0) {
        job->name = value;
        return OK;
    }
    if (strcmp(name, "stream") == 0) {
        job->stream = true;
        return OK;
    }
    return daemon_link_apply(&job->link, name, value, err);
}

static json_t *ask(struct record_job *job, const char *what, const char *text, struct status *err)
{
    json_t *q = json_pack("{s:s,s:s}", "cmd", "record", "do", what);
    if (job->name)
        json_object_set_new(q, "name", json_string(job->name));
    if (job->stream && strcmp(what, "start") == 0)
        json_object_set_new(q, "stream", json_true());
    if (text)
        json_object_set_new(q, "text", json_string(text));
    return daemon_order(&job->link, q, err);
}

static const char *text_of(const json_t *o, const char *key)
{
    const char *text = json_string_value(json_object_get(o, key));
    return text ? text : "";
}

static void print_status(const json_t *s)
{
    const double mb = 1e-6;
    printf("%s%s%s", text_of(s, "state"), text_of(s, "alarm")[0] ? ", alarm " : "",
           text_of(s, "alarm"));
    if (text_of(s, "prefix")[0])
        printf(": %s, %lld cycles, %.1f MB", text_of(s, "prefix"),
               (long long)json_integer_value(json_object_get(s, "cycles")),
               mb * (double)json_integer_value(json_object_get(s, "bytes")));
    if (text_of(s, "why")[0])
        printf(" (%s)", text_of(s, "why"));
    printf("\nqueue %lld cycles, at most %lld; ring %.1f s; memory %.1f MB\n",
           (long long)json_integer_value(json_object_get(s, "queued")),
           (long long)json_integer_value(json_object_get(s, "queued_max")),
           json_number_value(json_object_get(s, "ring_s")),
           mb * (double)json_integer_value(json_object_get(s, "memory_bytes")));
}

/* The files are opened after the answer to "start": whether that went well. */
static json_t *wait_until_open(struct record_job *job, struct status *err)
{
    const struct timespec nap = {.tv_nsec = 50000000};
    for (double t = 0;; t += 0.05) {
        json_t *s = ask(job, "status", NULL, err);
        if (!s || strcmp(text_of(s, "state"), "starting") != 0 || t > OPENING_S)
            return s;
        json_decref(s);
        nanosleep(&nap, NULL);
    }
}

static json_t *carry_out(struct record_job *job, const char *what, const char *text,
                         struct status *err)
{
    if (!daemon_link_open(&job->link, err))
        return NULL;
    json_t *answer = ask(job, what, text, err);
    if (!answer || strcmp(what, "start") != 0)
        return answer;
    json_decref(answer);
    return wait_until_open(job, err);
}

static int run(const char *what, const char *synopsis, int argc, char **argv)
{
    static const struct option_spec specs[] = {
        DAEMON_LINK_SPECS,
        {"name", 'n', "NAME", "of the recording, in the daemon's record.folder (the time)"},
        {"stream", 0, NULL, "the whole stream beside the windows (radio.capture: continuous)"}};
    struct record_job job = {.link = DAEMON_LINK_DEFAULT};
    struct options opt;
    struct status err = {0};
    const bool mark = strcmp(what, "mark") == 0, start = strcmp(what, "start") == 0;
    const size_t n_specs = sizeof specs / sizeof *specs;
    const struct options_cfg cfg = {.program = argv[0],
                                    .synopsis = synopsis,
                                    .operands = mark ? "[TEXT]" : NULL,
                                    .specs = specs,
                                    .n_specs = start ? n_specs : n_specs - 1,
                                    .json = true,
                                    .apply = apply,
                                    .context = &job};
    int code = options_parse(&cfg, argc, argv, &opt);
    if (code >= 0)
        return code;
    json_t *answer = carry_out(&job, what, mark && opt.n_operands ? opt.operands[0] : NULL, &err);
    daemon_link_close(&job.link);
    if (!answer) {
        fprintf(stderr, "%s: %s\n", argv[0], err.text);
        return daemon_link_exit(&err);
    }
    code = text_of(answer, "alarm")[0] && start ? EXIT_FAILED : EXIT_DONE;
    if (opt.json) {
        json_dumpf(answer, stdout, JSON_COMPACT);
        putchar('\n');
    } else if (json_object_get(answer, "state")) {
        print_status(answer);
    } else if (text_of(answer, "prefix")[0]) {
        puts(text_of(answer, "prefix"));
    }
    json_decref(answer);
    return code;
}

static int start(int argc, char **argv)
{
    return run("start", "Starts recording in a running miradord, with what its ring holds.", argc,
               argv);
}

static int stop(int argc, char **argv)
{
    return run("stop", "Ends the recording after the present cycle.", argc, argv);
}

static int mark(int argc, char **argv)
{
    return run("mark",
               "Puts a comment on the next cycle; without a recording, keeps the last seconds,\n"
               "which the ring holds (record.pretrigger_s).",
               argc, argv);
}

static int status(int argc, char **argv)
{
    return run("status", "How the recording goes, or how the last one ended.", argc, argv);
}

static int info(int argc, char **argv)
{
    return cmd_recording("info", argc, argv);
}

static int check(int argc, char **argv)
{
    return cmd_recording("check", argc, argv);
}

static int cut(int argc, char **argv)
{
    return cmd_recording("cut", argc, argv);
}

static int export(int argc, char **argv)
{
    return cmd_recording("export", argc, argv);
}

int cmd_record(int argc, char **argv)
{
    static const struct verb verbs[] = {
        {"start", "mirador record start", start, "begin, in a running miradord"},
        {"stop", "mirador record stop", stop, "end"},
        {"mark", "mirador record mark", mark, "a comment; or keep the last seconds"},
        {"status", "mirador record status", status, "how it goes"},
        {"info", "mirador record info", info, "what a recording holds"},
        {"check", "mirador record check", check, "whether it is whole; --repair mends it"},
        {"cut", "mirador record cut", cut, "a part of it as a recording of its own"},
        {"export", "mirador record export", export, "its estimates as HDF5, with figures"},
    };
    static const struct verb_table table = {.program = "mirador record",
                                            .page = "docs/recording.md",
                                            .verbs = verbs,
                                            .n = sizeof verbs / sizeof *verbs};
    return verbs_run(&table, argc, argv);
}
