/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * mirador-schedule: what `mirador schedule` runs. A program of its own because it lays the table
 * out with the base station's own code. */
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/options.h"
#include "host/bs_config.h"
#include "host/cli/daemon_link.h"
#include "host/cli/time_table.h"
#include "host/energy_json.h"
#include "host/schedule_json.h"

struct job {
    struct daemon_link link;
    bool running; /* of a daemon, instead of a configuration */
    const char *svg;
};

static const struct option_spec specs[] = {
    {"svg", 0, "FILE", "draw it there; -: standard output"},
    {"endpoint", 'e', "ENDPOINT", "of the running daemon with this control socket, not of a file"},
    {"secret-key", 0, "FILE", "our CURVE key, when the daemon is on another machine"},
    {"server-key", 0, "HEX", "the daemon's public key"},
};

static int apply(void *context, const char *name, const char *value, struct status *err)
{
    struct job *job = context;
    if (strcmp(name, "svg") == 0) {
        job->svg = value;
        return OK;
    }
    job->running = job->running || strcmp(name, "endpoint") == 0;
    return daemon_link_apply(&job->link, name, value, err);
}

static json_t *of_daemon(struct job *job, struct status *err)
{
    json_t *answer = daemon_link_open(&job->link, err)
                         ? daemon_ask(&job->link, json_pack("{s:s}", "cmd", "describe"), err)
                         : NULL;
    json_t *table = json_incref(json_object_get(answer, "cycle"));
    json_decref(answer);
    daemon_link_close(&job->link);
    if (answer && time_table_check(table, err)) {
        json_decref(table);
        return NULL;
    }
    return table;
}

static json_t *of_config(const struct bs_cfg *cfg, struct status *err)
{
    struct schedule s;
    if (bs_config_schedule(cfg, &s, err))
        return NULL;
    json_t *table = schedule_json(&s);
    json_object_set_new(table, "energy", energy_json(cfg));
    if (!table)
        status_set(err, ERR_NO_MEMORY, "out of memory");
    return table;
}

static int draw(const struct job *job, const json_t *table, struct status *err)
{
    const bool out = strcmp(job->svg, "-") == 0;
    FILE *f = out ? stdout : fopen(job->svg, "w");
    if (!f)
        return status_set(err, ERR_IO, "cannot write '%.150s'", job->svg);
    time_table_svg(table, f);
    const bool bad = ferror(f) != 0;
    if ((out ? fflush(f) : fclose(f)) != 0 || bad)
        return status_set(err, ERR_IO, "'%.150s' was not written whole: is the disk full?",
                          job->svg);
    return OK;
}

static int show(const struct job *job, const json_t *table, bool json, struct status *err)
{
    if (json) {
        json_dumpf(table, stdout, JSON_COMPACT | JSON_REAL_PRECISION(12));
        putchar('\n');
    }
    if (job->svg)
        return draw(job, table, err);
    if (!json)
        time_table_text(table, stdout);
    return OK;
}

int main(int argc, char **argv)
{
    static struct job job = {.link = DAEMON_LINK_DEFAULT};
    static struct bs_cfg cfg;
    struct options opt;
    struct status err = {0};
    const struct options_cfg options_cfg = {
        .program = "mirador schedule",
        .synopsis =
            "What happens when in a cycle, with the guards between, and what sensing costs in\n"
            "energy: of a configuration, or with --endpoint of a running miradord.",
        .config = &bs_config_table,
        .default_config = "lab",
        .check = bs_config_check,
        .specs = specs,
        .n_specs = sizeof specs / sizeof *specs,
        .json = true,
        .apply = apply,
        .context = &job,
    };
    log_open("mirador", LOG_LEVEL_INFO);
    int code = options_parse(&options_cfg, argc, argv, &opt);
    if (code < 0 && (!job.running || opt.check_config || opt.dump_config))
        code = options_load(&options_cfg, &opt, &cfg);
    if (code >= 0)
        return code;
    json_t *table = job.running ? of_daemon(&job, &err) : of_config(&cfg, &err);
    int rc = table ? show(&job, table, opt.json, &err) : err.code;
    json_decref(table);
    if (rc == OK)
        return EXIT_DONE;
    fprintf(stderr, "mirador schedule: %s\n", err.text);
    return options_exit_code(&err);
}
